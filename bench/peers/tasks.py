"""Labelled data as `electra finetune` reads, chooses, orders and cuts it: what the fine-tuning comparisons share.

Written from its documentation and not with its code, so that both sides agree only where both are right.  Tokenising is
transformers'; rows and order follow from seeds by the same Philox permutation (Salmon et al., 2011).
"""
import collections
import dataclasses
import json
import pathlib
import re
import subprocess
from collections.abc import Callable, Iterator, Sequence

import numpy as np

HOLD_OUT, LIMIT, ORDER = 1, 2, 7  # streams of random numbers
MASK = np.uint64(0xFFFFFFFF)


# ---- random order ----

def first_word(seed: int, stream: int, step: int, index: np.ndarray) -> np.ndarray:
    """The first 32 bits of Philox4x32-10 at counter (index, step, stream)."""
    half = np.uint64(32)
    key = [np.uint64(seed & 0xFFFFFFFF), np.uint64(seed >> 32)]
    c = [index & MASK, index >> half, np.full_like(index, step), np.full_like(index, stream)]
    for _ in range(10):
        a, b = np.uint64(0xD2511F53) * c[0], np.uint64(0xCD9E8D57) * c[2]
        c = [b >> half ^ c[1] ^ key[0], b & MASK, a >> half ^ c[3] ^ key[1], a & MASK]
        key = [key[0] + np.uint64(0x9E3779B9) & MASK, key[1] + np.uint64(0xBB67AE85) & MASK]
    return c[0]


def permutation(seed: int, stream: int, step: int, count: int) -> np.ndarray:
    """Where each of `count` places goes: a Feistel network of eight rounds, walked until inside."""
    bits = next(b for b in range(1, 33) if 4 ** b >= count)
    half, mask = np.uint64(bits), np.uint64(2 ** bits - 1)
    value = np.arange(count, dtype=np.uint64)
    outside = np.full(count, count > 1)
    while outside.any():
        left, right = value[outside] >> half, value[outside] & mask
        for i in range(8):
            left, right = right, left ^ first_word(seed, stream, step, np.uint64(i << 32) | right) & mask
        value[outside] = left << half | right
        outside = value >= count
    return value.astype(np.int64)


def batches(seed: int, count: int, size: int, steps: int) -> Iterator[list[int]]:
    """Which of `count` examples each step learns from: rounds without end, each in an order of its own."""
    number, orders = 0, {}
    for _ in range(steps):
        batch = []
        for n in range(number, number + size):
            if n // count not in orders:
                orders = {n // count: permutation(seed, ORDER, n // count, count)}
            batch.append(int(orders[n // count][n % count]))
        number += size
        yield batch


# ---- examples ----

@dataclasses.dataclass
class Example:
    texts: list[str] = dataclasses.field(default_factory=list)  # one or two; of a tagged sentence its words
    label: object = None  # a name, a number, a tag for each word, or (begin, end) of an answer
    group: int = 0


def lines(path: pathlib.Path) -> list[str]:
    data = subprocess.run(["zstd", "-dc", path], check=True, stdout=subprocess.PIPE).stdout if path.suffix == ".zst" \
        else path.read_bytes()
    return [line.removesuffix("\r") for line in data.decode("utf-8-sig").split("\n")]


FIRST = ["sentence", "sentence1", "text", "text1", "premise", "question1", "document"]
SECOND = ["sentence2", "text2", "hypothesis", "question2"]
LABEL = ["label", "gold_label", "score", "is_duplicate"]


def columns(header: list[str]) -> list[int]:
    """Of the texts and the label: by the names that such files use."""
    known = [next((header.index(name) for name in names if name in header), None) for names in (FIRST, SECOND, LABEL)]
    return [column for column in known if column is not None]


def read_table(path: pathlib.Path, places: Sequence[int] | None = None) -> list[Example]:
    """Fields between tabs; without places the first line names them.  Rows that lack one are left out."""
    rows = [line.split("\t") for line in lines(path) if line.strip()]
    if places is None:
        places, rows = columns(rows[0]), rows[1:]
    rows = [row for row in rows if len(row) > max(places)]
    return [Example([row[i] for i in places[:-1]], row[places[-1]], i) for i, row in enumerate(rows)]


def read_numbers(path: pathlib.Path) -> list[Example]:
    """STS-B as first published, or a table with a header."""
    examples = read_table(path, (5, 6, 4) if path.suffix == ".csv" else None)
    return [dataclasses.replace(e, label=float(e.label)) for e in examples]


def read_columns(path: pathlib.Path) -> list[Example]:
    """CoNLL: a word and its columns a line, blank lines between sentences."""
    examples, words = [], []
    for line in [*lines(path), ""]:
        if line.strip():
            words.append(re.split("\t" if "\t" in line else " +", line))
        elif words:
            examples.append(Example([word[0] for word in words], [word[-1] for word in words], len(examples)))
            words = []
    return examples


def read_squad(path: pathlib.Path) -> list[Example]:
    """Questions with their first answer, grouped by article."""
    examples = []
    for group, article in enumerate(json.loads(path.read_text())["data"]):
        for paragraph in article["paragraphs"]:
            for question in paragraph["qas"]:
                answer = question["answers"][0]
                begin = answer["answer_start"]
                examples.append(Example([question["question"], paragraph["context"]], (begin, begin + len(answer["text"])), group))
    return examples


@dataclasses.dataclass(frozen=True)
class Task:
    kind: str  # classify, regress, tag, span
    metric: str
    read: Callable[[pathlib.Path], list[Example]]
    epochs: float = 3
    length: int = 128
    both_orders: bool = False  # pairs are learned from in both
    high: float = 0  # a number's range is 0 .. high


TASKS = {
    "sst2": Task("classify", "accuracy", read_table),
    "rte": Task("classify", "accuracy", read_table, epochs=10),
    "cola": Task("classify", "matthews", lambda path: read_table(path, (3, 1))),
    "classify": Task("classify", "accuracy", read_table),
    "stsb": Task("regress", "spearman", read_numbers, epochs=10, both_orders=True, high=5),
    "regress": Task("regress", "spearman", read_numbers, epochs=10, high=5),
    "chunk": Task("tag", "f1", read_columns, length=256),
    "ner": Task("tag", "f1", read_columns, length=256),
    "squadv1": Task("span", "f1", read_squad, epochs=2, length=512),
}


def find(folder: pathlib.Path, *words: str) -> pathlib.Path | None:
    return next((path for path in sorted(folder.iterdir()) if any(word in path.name for word in words)), None)


def limit(examples: list[Example], most: int, seed: int) -> list[Example]:
    if not most or len(examples) <= most:
        return examples
    return [e for e, place in zip(examples, permutation(seed, LIMIT, 0, len(examples))) if place < most]


def hold_out(examples: list[Example], every: int, seed: int) -> tuple[list[Example], list[Example]]:
    """The rest, and the examples of every so many-th group or of a tenth of them."""
    groups = max(e.group for e in examples) + 1
    place = permutation(seed, HOLD_OUT, 0, groups)
    held = np.arange(groups) % every == 0 if every else place < max(1, np.rint(0.1 * groups))
    return [e for e in examples if not held[e.group]], [e for e in examples if held[e.group]]


@dataclasses.dataclass
class Data:
    task: Task
    train: list[Example]
    dev: list[Example]
    labels: list[str]  # none of numbers and answers


def labels_of(task: Task, *files: list[Example]) -> list[str]:
    """Classes of the training file, tags of all files; sorted, whole numbers by value, else by bytes."""
    if task.kind not in ("classify", "tag"):
        return []
    names = {e.label for e in files[0]} if task.kind == "classify" else {tag for file in files for e in file for tag in e.label}
    whole = all(re.fullmatch("-?[0-9]{1,9}", name) for name in names)
    return sorted(names, key=int if whole else str.encode)


def load(name: str, folder: pathlib.Path | None, train_file: pathlib.Path | None, most: int, most_dev: int, seed: int,
         every: int = 0) -> Data:
    task = TASKS[name]
    paths = [train_file or find(folder, "train"), folder and find(folder, "dev", "valid"), folder and find(folder, "test")]
    train, dev, test = [task.read(path) if path and (i < 2 or task.kind == "tag") else [] for i, path in enumerate(paths)]
    labels = labels_of(task, train, dev, test)
    train, dev = (train, dev) if dev else hold_out(train, every, seed)
    return Data(task, limit(train, most, seed), limit(dev, most_dev, seed), labels)


# ---- what the encoder reads ----

@dataclasses.dataclass
class Feature:
    """[CLS] a [SEP], or [CLS] a [SEP] b [SEP]."""
    ids: list[int]
    second: int  # where segment 1 begins
    target: object  # a label's number, a number from 0 to 1, {row: tag's number}, (first row, last row)
    example: int


class Maker:
    """Features of a task's examples by a tokenizer of transformers."""

    def __init__(self, tokenizer, task: Task, labels: list[str], length: int, stride: int = 128, most_question: int = 64):
        self.tokenizer, self.task, self.length, self.stride, self.most_question = tokenizer, task, length, stride, most_question
        self.numbers = {name: number for number, name in enumerate(labels)}
        self.word_ids: dict[str, list[int]] = {}

    def encode(self, text: str) -> list[int]:
        return self.tokenizer(text, add_special_tokens=False, verbose=False)["input_ids"]

    def join(self, a: list[int], b: list[int] | None, target: object, example: int) -> Feature:
        cls, sep = self.tokenizer.cls_token_id, self.tokenizer.sep_token_id
        return Feature([cls, *a, sep, *(b + [sep] if b is not None else [])], len(a) + 2, target, example)

    def texts(self, e: Example, number: int, training: bool) -> list[Feature]:
        """The longer text loses its end until both fit, of equals the second."""
        target = self.numbers[e.label] if self.task.kind == "classify" else e.label / self.task.high
        a, *rest = [self.encode(text) for text in e.texts]
        if not rest:
            return [self.join(a[:self.length - 2], None, target, number)]
        b = rest[0]
        while len(a) + len(b) > self.length - 3:
            (a if len(a) > len(b) else b).pop()
        orders = [(a, b), (b, a)] if training and self.task.both_orders else [(a, b)]
        return [self.join(x, y, target, number) for x, y in orders]

    def words(self, e: Example, number: int) -> list[Feature]:
        """A word's tag is said at its first piece."""
        pieces, target = [], {}
        for word, tag in zip(e.texts, e.label):
            if len(pieces) >= self.length - 2:
                break
            target[1 + len(pieces)] = self.numbers[tag]
            if word not in self.word_ids:
                self.word_ids[word] = self.encode(word) or [self.tokenizer.unk_token_id]
            pieces += self.word_ids[word]
        return [self.join(pieces[:self.length - 2], None, target, number)]

    def windows(self, e: Example, number: int) -> list[Feature]:
        question = self.encode(e.texts[0])[:self.most_question]
        context = self.tokenizer(e.texts[1], add_special_tokens=False, return_offsets_mapping=True, verbose=False)
        pieces, room = context["input_ids"], self.length - len(question) - 3
        gold = [i for i, (begin, end) in enumerate(context["offset_mapping"]) if begin < e.label[1] and end > e.label[0]]
        features, begin = [], 0
        while gold:
            window = pieces[begin:begin + room]
            inside = gold[0] >= begin and gold[-1] < begin + len(window)
            shift = len(question) + 2 - begin
            features.append(self.join(question, window, (gold[0] + shift, gold[-1] + shift) if inside else (0, 0), number))
            if begin + len(window) == len(pieces):
                break
            begin += min(len(window), self.stride)
        return features

    def make(self, examples: list[Example], training: bool) -> list[Feature]:
        of = {"tag": self.words, "span": self.windows}.get(self.task.kind, lambda e, i: self.texts(e, i, training))
        return [feature for i, e in enumerate(examples) for feature in of(e, i)]


# ---- how good answers are ----

def score(data: Data, answers: list[object]) -> float:
    """Of the dev examples, by the figure that chooses the best model; an answer is a label's number, a number from 0 to 1,
    or tag numbers of the words that were read."""
    from scipy.stats import spearmanr
    from seqeval.metrics import f1_score
    from sklearn.metrics import accuracy_score, matthews_corrcoef

    gold = [e.label for e in data.dev]
    if data.task.kind == "regress":
        return float(spearmanr(answers, gold).statistic)
    if data.task.kind == "classify":
        named = [data.labels[answer] for answer in answers]
        return float((matthews_corrcoef if data.task.metric == "matthews" else accuracy_score)(gold, named))
    common = collections.Counter(tag for tags in gold for tag in tags).most_common(1)[0][0]
    beyond = "O" if "O" in data.labels else common
    tags = [[data.labels[t] for t in answer] + [beyond] * (len(e.label) - len(answer)) for answer, e in zip(answers, data.dev)]
    return float(f1_score(gold, tags))
