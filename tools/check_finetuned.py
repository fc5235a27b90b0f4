#!/usr/bin/env python3
"""Fine-tuned models both ways: the same logits here and in transformers, for each of Hugging Face's three heads.

    tools/check_finetuned.py --electra build/release/electra

Theirs: random ElectraForSequenceClassification, ...TokenClassification and ...QuestionAnswering, saved by transformers and asked
by `electra predict`.  Ours: the same three taught a few steps by `electra finetune`, its OUT/model opened with AutoTokenizer and
transformers' classes, which must find every weight that they look for and no other.  What is compared are the logarithms of
probabilities; of an answer its text, place and share among the best, decoded as in transformers' run_qa.py.  Needs torch
and transformers; nothing in the build or the tests does.
"""
import argparse
import json
import pathlib
import subprocess
import sys
import tempfile

import torch
from transformers import (AutoTokenizer, ElectraConfig, ElectraForPreTraining, ElectraForQuestionAnswering,
                          ElectraForSequenceClassification, ElectraForTokenClassification)
from transformers.utils import logging

import check_transformers
from check_transformers import TEXTS, check, vocabulary

TOLERANCE = 1e-4
BEST = 20  # answers, and starts and ends that are looked at
NAMES = ["calm", "glad", "sad"]
TAGS = ["B-X", "I-X", "O"]
WORDS = [text.replace("\t", " ").split() for text in TEXTS]
ANSWERS = ["brown fox", "language", "naïve", "one", "e-mail", "word"]
HEADS = {  # by the task that electra teaches
    "classify": ElectraForSequenceClassification,
    "tag": ElectraForTokenClassification,
    "span": ElectraForQuestionAnswering,
}
QUESTION = "what is it?"


def files(folder: pathlib.Path) -> dict[str, pathlib.Path]:
    """Something to learn from and to be asked, a file a task."""
    rows = {
        "classify": [{"text": text, "label": NAMES[i % 3]} for i, text in enumerate(TEXTS)],
        "tag": [{"words": words, "tags": [TAGS[(i + k) % 3] for k in range(len(words))]} for i, words in enumerate(WORDS)],
        "span": [{"question": QUESTION, "context": text, "answer": answer} for text, answer in zip(TEXTS, ANSWERS)],
    }
    paths = {task: folder / f"{task}.jsonl" for task in rows}
    for task, path in paths.items():
        path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows[task]))
    return paths


def make(kind: type, folder: pathlib.Path, **labels: object) -> None:
    """Random, with an initialisation so wide that logits are not all alike."""
    torch.manual_seed(7)
    folder.mkdir()
    size = vocabulary(folder)
    model = kind(ElectraConfig(vocab_size=size, embedding_size=32, hidden_size=64, num_hidden_layers=3, num_attention_heads=4,
                               intermediate_size=256, max_position_embeddings=128, initializer_range=0.15, **labels)).eval()
    for parameter in model.parameters():
        if parameter.dim() == 1:
            parameter.data += 0.1 * torch.randn_like(parameter)
    model.save_pretrained(folder)


def labels_of(task: str) -> dict[str, object]:
    names = {"classify": NAMES, "tag": TAGS}.get(task)
    return {} if names is None else dict(num_labels=3, id2label=dict(enumerate(names)), label2id={n: i for i, n in enumerate(names)})


def ask(program: str, model: pathlib.Path, questions: pathlib.Path) -> list[dict]:
    done = subprocess.run([program, "predict", "--model", model, "--json", "--precision", "fp32", questions], check=True,
                          capture_output=True, text=True)
    return [json.loads(line) for line in done.stdout.splitlines()]


# ---- what transformers says: pairs of ours and theirs that must agree ----

def sequences(model, tokenizer, answers: list[dict]) -> tuple[bool, float]:
    same, apart = True, torch.zeros(())
    for text, answer in zip(TEXTS, answers):
        theirs = torch.log_softmax(model(**tokenizer(text, return_tensors="pt")).logits[0].double(), -1)
        ours = torch.tensor([answer["probabilities"][name] for name in NAMES], dtype=torch.float64).log()
        same &= answer["label"] == model.config.id2label[int(theirs.argmax())]
        apart = max(apart, (ours - theirs).abs().max())
    return same, float(apart)


def tokens(model, tokenizer, answers: list[dict]) -> tuple[bool, float]:
    same, apart = True, torch.zeros(())
    for words, answer in zip(WORDS, answers):
        inputs = tokenizer(words, is_split_into_words=True, return_tensors="pt")
        rows = [inputs.word_ids().index(i) for i in range(len(words))]
        best = torch.log_softmax(model(**inputs).logits[0, rows].double(), -1).max(-1)
        same &= answer["tags"] == [model.config.id2label[i] for i in best.indices.tolist()]
        apart = max(apart, (torch.tensor(answer["probabilities"], dtype=torch.float64).log() - best.values).abs().max())
    return same, float(apart)


def decode(out, offsets: list, first: int, context: str, longest: int) -> tuple[int, str, float]:
    """The best answer's first character, its text, and its share among the best whose texts differ."""
    starts, ends = out.start_logits[0].double(), out.end_logits[0].double()
    found: dict[str, tuple[float, int]] = {}
    for start in starts.topk(min(BEST, len(starts))).indices.tolist():
        for end in ends.topk(min(BEST, len(ends))).indices.tolist():
            if first <= start <= end < len(offsets) - 1 and end - start < longest:
                text = context[offsets[start][0]:offsets[end][1]]
                found[text] = max(found.get(text, (-1e9, 0)), (float(starts[start] + ends[end]), offsets[start][0]))
    best = sorted(found.items(), key=lambda item: -item[1][0])[:BEST]
    shares = torch.softmax(torch.tensor([score for _, (score, _) in best], dtype=torch.float64), 0)
    return best[0][1][1], best[0][0], float(shares[0])


def spans(model, tokenizer, answers: list[dict]) -> tuple[bool, float]:
    same, apart = True, 0.0
    for context, answer in zip(TEXTS, answers):
        inputs = tokenizer(QUESTION, context, return_tensors="pt", return_offsets_mapping=True)
        offsets = inputs.pop("offset_mapping")[0].tolist()
        first = inputs["input_ids"][0].tolist().index(tokenizer.sep_token_id) + 1
        begin, text, share = decode(model(**inputs), offsets, first, context, 30)
        same &= answer["answer"] == text and answer["begin"] == len(context[:begin].encode())
        apart = max(apart, abs(float(torch.tensor(answer["probability"] / share).log())))
    return same, apart


COMPARE = {"classify": sequences, "tag": tokens, "span": spans}


@torch.no_grad()
def compare(program: str, task: str, what: str, folder: pathlib.Path, questions: pathlib.Path) -> None:
    model, found = HEADS[task].from_pretrained(folder, output_loading_info=True)
    lost = {key: sorted(names) for key, names in found.items() if names}
    check(not lost, f"{what}: transformers finds its weights" + (f", but {lost}" if lost else ""))
    same, apart = COMPARE[task](model.eval(), AutoTokenizer.from_pretrained(folder), ask(program, folder, questions))
    check(same, f"{what}: the same answers")
    check(apart <= TOLERANCE, f"{what}: logarithms of probabilities differ by at most {apart:.1e}")


def teach(program: str, task: str, start: pathlib.Path, examples: pathlib.Path, output: pathlib.Path, *more: str) -> bool:
    done = subprocess.run([program, "finetune", "--model", start, "--task", task, "--train-file", examples, "--dev-file", examples,
                           "--output", output, "--num-train-epochs", "3", "--train-batch-size", "2", "--learning-rate", "1e-3",
                           "--max-seq-length", "128", "--max-restarts", "0", *more], capture_output=True, text=True)
    check(done.returncode == 0, f"finetune --task {task} learns" + done.stderr * (done.returncode != 0))
    return done.returncode == 0


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--electra", required=True, help="the program")
    a = arguments.parse_args()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        examples = files(folder)
        make(ElectraForPreTraining, folder / "start")
        for task, kind in HEADS.items():
            make(kind, folder / task, **labels_of(task))
            compare(a.electra, task, f"theirs, {task}", folder / task, examples[task])
            if teach(a.electra, task, folder / "start", examples[task], folder / f"{task}.run"):
                compare(a.electra, task, f"ours, {task}", folder / f"{task}.run/model", examples[task])
    sys.exit(1 if check_transformers.failures else 0)


if __name__ == "__main__":
    main()
