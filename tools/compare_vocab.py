#!/usr/bin/env python3
"""Compares `electra vocab` with Hugging Face's BertWordPieceTokenizer trained with the same settings.

    compare_vocab.py --electra build/electra --data ../shared/data [--megabytes 20] [--vocab-size 30522]

Takes the first megabytes of the English and the Korean corpus; prints how many entries are in both, and the
times.  Exits 1 below 99.9 %.  Needs: pip install tokenizers.

Cased English has more than 1000 characters, and which of those that tie for the last places stay is chance in
Hugging Face's trainer (two runs of it agree on 99.6 % of the entries); there the alphabet's limit is 10000.
"""
import argparse
import pathlib
import subprocess
import sys
import tempfile
import time

from tokenizers import BertWordPieceTokenizer


def prefix(path, size):
    """The first `size` bytes of a compressed corpus, cut at a line."""
    with subprocess.Popen(["zstd", "-dc", str(path)], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as zstd:
        text = zstd.stdout.read(size)
        zstd.kill()
    return text[: text.rfind(b"\n") + 1]


def ours(electra, text, folder, size, alphabet, lowercase, strip_accents):
    start = time.time()
    subprocess.run([electra, "vocab", "--vocab-size", str(size), "--limit-alphabet", str(alphabet), "--output",
                    str(folder / "vocab.txt"), "--lowercase" if lowercase else "--no-lowercase",
                    "--strip-accents" if strip_accents else "--no-strip-accents", str(text)],
                   check=True, stderr=subprocess.DEVNULL)
    return set((folder / "vocab.txt").read_text(encoding="utf-8").split("\n")[:-1]), time.time() - start


def theirs(text, size, alphabet, lowercase, strip_accents):
    start = time.time()
    tokenizer = BertWordPieceTokenizer(lowercase=lowercase, strip_accents=strip_accents)
    tokenizer.train([str(text)], vocab_size=size, min_frequency=2, limit_alphabet=alphabet, show_progress=False)
    return set(tokenizer.get_vocab()), time.time() - start


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--electra", default="build/electra")
    parser.add_argument("--data", type=pathlib.Path, default=pathlib.Path("../shared/data"))
    parser.add_argument("--megabytes", type=float, default=20)
    parser.add_argument("--vocab-size", type=int, default=30522)
    options = parser.parse_args()
    failed = False
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        for language, alphabet, lowercase, strip_accents in (
            ("english", 1000, True, True), ("english", 10000, False, False), ("korean", 1000, True, True),
            ("korean", 1000, False, False)):
            text = folder / f"{language}.txt"
            text.write_bytes(prefix(options.data / "corpus" / f"{language}.txt.zst", int(options.megabytes * 1e6)))
            a, a_time = ours(options.electra, text, folder, options.vocab_size, alphabet, lowercase, strip_accents)
            b, b_time = theirs(text, options.vocab_size, alphabet, lowercase, strip_accents)
            share = len(a & b) / max(len(a), len(b))
            failed |= share < 0.999
            print(f"{language} {'uncased' if lowercase else 'cased'}: {len(a)} and {len(b)} entries, {len(a & b)} in both "
                  f"({100 * share:.3f} %); {a_time:.1f} s and {b_time:.1f} s", flush=True)
            print("    only here:", sorted(a - b)[:10], "only there:", sorted(b - a)[:10])
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
