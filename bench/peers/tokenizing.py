#!/usr/bin/env python3
"""Text to ids: `electra bench tokenize` beside nanotoken and Hugging Face tokenizers, in turn.

    bench/peers/tokenizing.py --vocab vocab.txt english.txt
    bench/peers/tokenizing.py --vocab koelectra/vocab.txt --no-lowercase korean.txt

On one thread and on --threads.  Every turn is a fresh process, so caches are empty at its start; reading the file is counted, starting the process and
loading the vocabulary are not.  A line is a document.  nanotoken returns all ids at once, electra a line's at a time.  Hugging Face's takes one turn, on the first megabytes of the file:
it keeps no cache and its rate is the same throughout.  Before that, the ids of the first megabytes must be the same.
(Not tokenize.py: Python has a module of that name.)
"""
import argparse
import pathlib
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable

from rounds import (Figures, environment, finish, machine, markdown, median, parser, ratio, run_json, show, take_turns)
from tokenizers import Tokenizer
from tokenizers.models import WordPiece
from tokenizers.normalizers import BertNormalizer
from tokenizers.pre_tokenizers import BertPreTokenizer

SAMPLE = 4_000_000  # bytes whose ids are compared
RATE = "megabytes_per_second"


def hugging_face(vocab: pathlib.Path, lowercase: bool) -> Tokenizer:
    tokenizer = Tokenizer(WordPiece.from_file(str(vocab), unk_token="[UNK]", max_input_chars_per_word=100))
    tokenizer.normalizer = BertNormalizer(lowercase=lowercase, strip_accents=lowercase)
    tokenizer.pre_tokenizer = BertPreTokenizer()
    return tokenizer


def nanotoken(vocab: pathlib.Path, lowercase: bool) -> Callable[[pathlib.Path], list]:
    """It maps the file and cuts it into lines itself."""
    import nanotoken as nt

    tokenizer = nt.Tokenizer(hugging_face(vocab, lowercase))
    return lambda text: tokenizer.encode_files(nt.TextFileSource(str(text), separator="\n"), add_special_tokens=False)


def tokenizers(vocab: pathlib.Path, lowercase: bool) -> Callable[[pathlib.Path], list]:
    tokenizer = hugging_face(vocab, lowercase)

    def run(text: pathlib.Path) -> list:
        lines = text.read_bytes().decode().split("\n")
        return tokenizer.encode_batch_fast(lines[:-1], add_special_tokens=False)

    return run


PEERS = {"nanotoken": nanotoken, "tokenizers": tokenizers}


def measure(peer: str, vocab: pathlib.Path, lowercase: bool, text: pathlib.Path) -> Figures:
    run = PEERS[peer](vocab, lowercase)
    start = time.perf_counter()
    run(text)
    seconds = time.perf_counter() - start
    return {"peer": peer, "seconds": seconds, RATE: text.stat().st_size / seconds / 1e6}


def beginning(text: pathlib.Path, size: int, folder: pathlib.Path) -> pathlib.Path:
    """A file of the first `size` bytes, cut at a line."""
    with text.open("rb") as file:
        data = file.read(size)
    path = folder / f"{size}.txt"
    path.write_bytes(data[: data.rfind(b"\n") + 1])
    return path


def casing(a: argparse.Namespace) -> list[str]:
    return ["--lowercase", "--strip-accents"] if a.lowercase else ["--no-lowercase", "--no-strip-accents"]


def compare_ids(a: argparse.Namespace, text: pathlib.Path) -> None:
    printed = subprocess.run([a.electra, "tokenize", "--ids", "--vocab", a.vocab, *casing(a), text], check=True,
                             stdout=subprocess.PIPE, text=True).stdout
    ours = [[int(i) for i in line.split()] for line in printed.split("\n")[:-1]]
    same = {"nanotoken": [row.tolist() for row in nanotoken(a.vocab, a.lowercase)(text)],
            "tokenizers": [encoding.ids for encoding in tokenizers(a.vocab, a.lowercase)(text)]}
    for name, theirs in same.items():
        if theirs != ours:
            different = sum(x != y for x, y in zip(ours, theirs)) + abs(len(ours) - len(theirs))
            sys.exit(f"{name}: {different} of {len(ours)} lines have other ids")


def compare(a: argparse.Namespace, threads: int, start: pathlib.Path) -> dict[str, list[Figures]]:
    def electra() -> Figures:
        return run_json([a.electra, "bench", "tokenize", "--json", "--seconds", "0.01", "--threads", threads, "--vocab", a.vocab,
                         *casing(a), a.text])

    def peer(name: str, text: pathlib.Path) -> Figures:
        flags = ["--lowercase" if a.lowercase else "--no-lowercase"]
        return run_json([sys.executable, __file__, "--vocab", a.vocab, *flags, "--only", name, text], environment(threads))

    turns = take_turns({"electra": electra, "nanotoken": lambda: peer("nanotoken", a.text)}, a.rounds, a.under)
    return turns | take_turns({"tokenizers": lambda: peer("tokenizers", start)}, 1, a.under)


def row(threads: int, turns: dict[str, list[Figures]]) -> list[str]:
    return [str(threads), *(f"{median(turns[name], RATE):.1f}" for name in ("electra", "nanotoken", "tokenizers")),
            ratio(turns["electra"], turns["nanotoken"], RATE)]


def main() -> None:
    p = parser(__doc__)
    p.add_argument("text", type=pathlib.Path)
    p.add_argument("--vocab", type=pathlib.Path, required=True, help="vocab.txt")
    p.add_argument("--lowercase", action=argparse.BooleanOptionalAction, default=True)
    p.add_argument("--megabytes", type=float, default=10, help="of the text for Hugging Face's turn")
    p.add_argument("--only", choices=PEERS, help="one turn of this peer alone")
    a = p.parse_args()
    if a.only:
        show(measure(a.only, a.vocab, a.lowercase, a.text))
        return
    with tempfile.TemporaryDirectory() as folder:
        compare_ids(a, beginning(a.text, SAMPLE, pathlib.Path(folder)))
        start = beginning(a.text, int(a.megabytes * 1e6), pathlib.Path(folder))
        results = {threads: compare(a, threads, start) for threads in sorted({1, a.threads})}
    finish(a, results)
    print(f"{a.text.name}, {a.text.stat().st_size / 1e6:.0f} MB, MB/s; {machine(results[a.threads]['electra'][0])}; "
          f"medians of {a.rounds} turns\n")
    print(markdown(["threads", "electra", "nanotoken", "tokenizers", "ratio to nanotoken (least-most)"],
                   [row(threads, turns) for threads, turns in results.items()]))


if __name__ == "__main__":
    main()
