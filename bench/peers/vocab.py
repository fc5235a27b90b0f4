#!/usr/bin/env python3
"""Learning a WordPiece vocabulary: `electra vocab` beside the trainer of Hugging Face tokenizers, in turn.

    bench/peers/vocab.py --electra build/release/electra english.txt

Both are whole processes with the same settings; seconds from start to written file.  tools/compare_vocab.py compares
what they learn.
"""
import pathlib
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence

from rounds import Figures, environment, finish, markdown, median, parser, ratio, take_turns

TRAIN = """
import sys
from tokenizers import BertWordPieceTokenizer
text, output, size, alphabet = sys.argv[1:]
tokenizer = BertWordPieceTokenizer(lowercase=True, strip_accents=True)
tokenizer.train([text], vocab_size=int(size), min_frequency=2, limit_alphabet=int(alphabet), show_progress=False)
open(output, "w", encoding="utf-8").writelines(piece + "\\n" for piece in tokenizer.get_vocab())
"""
ALPHABET = 1000


def timed(command: Sequence[object], env: dict[str, str] | None, size: int) -> Figures:
    start = time.perf_counter()
    subprocess.run([str(word) for word in command], env=env, check=True, stderr=subprocess.DEVNULL)
    seconds = time.perf_counter() - start
    return {"seconds": seconds, "megabytes_per_second": size / seconds / 1e6}


def main() -> None:
    p = parser(__doc__)
    p.set_defaults(rounds=2)
    p.add_argument("text", type=pathlib.Path)
    p.add_argument("--vocab-size", type=int, default=30522)
    a = p.parse_args()
    size = a.text.stat().st_size
    with tempfile.TemporaryDirectory() as folder:
        output = pathlib.Path(folder) / "vocab.txt"
        ours = [a.electra, "vocab", "--threads", a.threads, "--vocab-size", a.vocab_size, "--limit-alphabet", ALPHABET,
                "--output", output, a.text]
        theirs = [sys.executable, "-c", TRAIN, a.text, output, a.vocab_size, ALPHABET]
        turns = take_turns({"electra": lambda: timed(ours, None, size),
                            "tokenizers": lambda: timed(theirs, environment(a.threads), size)}, a.rounds, a.under)
    finish(a, turns)
    print(f"{a.vocab_size} pieces from {a.text.name}, {size / 1e6:.0f} MB, {a.threads} threads; medians of {a.rounds} turns\n")
    print(markdown(["", "seconds", "MB/s"],
                   [[name, f"{median(turns[name], 'seconds'):.1f}", f"{median(turns[name], 'megabytes_per_second'):.1f}"]
                    for name in turns]))
    print("\nratio: " + ratio(turns["electra"], turns["tokenizers"], "seconds"))


if __name__ == "__main__":
    main()
