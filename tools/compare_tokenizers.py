#!/usr/bin/env python3
"""Compares `electra tokenize --ids` with Hugging Face `tokenizers`, line by line.

    compare_tokenizers.py --electra build/electra --data ../shared/data [--strings 1000000]

Texts: the English and Korean held-out corpora, the hard strings, random Unicode strings, and every code point
by itself.  Vocabularies: BERT uncased and cased, KoELECTRA, and one that holds every character, so that
[UNK] hides nothing; and folders with a tokenizer.json of other options, special and added tokens read.  Prints a table and the code points that differ; exits 1 if anything else does.
Needs: pip install tokenizers.
"""
import argparse
import pathlib
import random
import subprocess
import sys
import tempfile
import unicodedata

from tokenizers import AddedToken, Tokenizer
from tokenizers.models import WordPiece
from tokenizers.normalizers import BertNormalizer, Lowercase
from tokenizers.pre_tokenizers import BertPreTokenizer

SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]


def read_vocab(path):
    return {piece: i for i, piece in enumerate(path.read_text(encoding="utf-8").split("\n")[:-1])}


def character_vocab(path):
    """Every character as a piece and as a continuation; returns the dictionary and writes the file."""
    characters = [chr(c) for c in range(0x21, 0x110000) if not 0xD800 <= c <= 0xDFFF]
    pieces = SPECIAL + characters + ["##" + c for c in characters]
    path.write_bytes(("\n".join(pieces) + "\n").encode())
    return {piece: i for i, piece in enumerate(pieces)}


def peer(vocab, lowercase, strip_accents):
    tokenizer = Tokenizer(WordPiece(vocab, unk_token="[UNK]", max_input_chars_per_word=100))
    tokenizer.normalizer = BertNormalizer(lowercase=lowercase, strip_accents=strip_accents)
    tokenizer.pre_tokenizer = BertPreTokenizer()
    return tokenizer


def ours(electra, vocab_path, lowercase, strip_accents, text):
    command = [electra, "tokenize", "--ids", "--vocab", str(vocab_path)]
    command.append("--lowercase" if lowercase else "--no-lowercase")
    command.append("--strip-accents" if strip_accents else "--no-strip-accents")
    output = subprocess.run(command, input=text, stdout=subprocess.PIPE, check=True).stdout
    return [[int(i) for i in line.split()] for line in output.decode().split("\n")[:-1]]


def differing(electra, vocab, vocab_path, lowercase, strip_accents, lines):
    """The numbers of the lines whose ids differ, and how many ids there are."""
    tokenizer = peer(vocab, lowercase, strip_accents)
    mine = ours(electra, vocab_path, lowercase, strip_accents, ("\n".join(lines) + "\n").encode())
    if len(mine) != len(lines):
        sys.exit(f"{len(lines)} lines in, {len(mine)} out")
    different, ids = [], 0
    for start in range(0, len(lines), 10000):
        batch = tokenizer.encode_batch(lines[start : start + 10000], add_special_tokens=False)
        for i, encoding in enumerate(batch, start):
            ids += len(encoding.ids)
            if encoding.ids != mine[i]:
                different.append(i)
    return different, ids


ALPHABETS = [
    lambda r: chr(r.randrange(0x21, 0x7F)),
    lambda r: chr(r.randrange(0x20, 0x250)),
    lambda r: chr(r.randrange(0x300, 0x370)),
    lambda r: chr(r.randrange(0x370, 0x600)),
    lambda r: chr(r.randrange(0x600, 0x3100)),
    lambda r: chr(r.randrange(0xAC00, 0xD7B0)),
    lambda r: chr(r.randrange(0x4E00, 0xA000)),
    lambda r: chr(r.randrange(0xE000, 0x20000)),
    lambda r: chr(r.randrange(0x20000, 0x110000)),
    lambda r: r.choice(" \t\r\u00a0\u3000\u200b\u200d\ufeff\ufffd\x00\x0b\x0c\x85\u2028\u2029\u00ad\ufe0f"),
    lambda r: r.choice(["the", "##ing", "un", "Über", "한국", "[MASK]", "[UNK]", "e\u0301", "ﬁ", "İ", "ß", "Σ", "ǅ"]),
    lambda r: r.choice("aeiouAEIOU") + "".join(r.choice("\u0301\u0323\u0f39\u302e\u302f\U0001d165\u0591\u034f") for _ in range(3)),
]


def random_string(r):
    alphabets = r.sample(ALPHABETS, r.randrange(1, 4))
    return "".join(r.choice(alphabets)(r) for _ in range(r.randrange(1, 40)))


def random_strings(count):
    r = random.Random(7)
    lines = []
    for _ in range(count):
        line = random_string(r)
        if r.random() < 0.001:
            line = "a" * r.randrange(98, 104) + line
        lines.append(line.replace("\n", " "))
    return lines


ADDED = ["<url>", "Über", "the", "[E1]", "한국", " e\u0301", "İ", "漢字", "un", "\u0301"]


def option_folders(vocab, folder):
    """tokenizer.json files of every option that is read, with what is said of them."""
    random_flags = random.Random(11)
    for number in range(24):
        r = random_flags
        prefix = r.choice(["##", "##", "@@", "x", ""])
        pieces = dict.fromkeys(prefix + p[2:] if p.startswith("##") and len(p) > 2 else p for p in vocab)
        pieces = {p: i for i, p in enumerate(pieces)}
        tokenizer = Tokenizer(WordPiece(pieces, unk_token="[UNK]", continuing_subword_prefix=prefix, max_input_chars_per_word=r.choice([1, 5, 100, 300])))
        tokenizer.normalizer = r.choice([None, Lowercase()] + 6 * [BertNormalizer(
            clean_text=r.random() < 0.5, lowercase=r.random() < 0.5, strip_accents=r.choice([None, True, False]), handle_chinese_chars=r.random() < 0.7)])
        tokenizer.pre_tokenizer = BertPreTokenizer()
        tokenizer.add_special_tokens(SPECIAL)
        for text in r.sample(ADDED, r.randrange(0, 6)):
            flags = {flag: r.random() < 0.4 for flag in ("single_word", "lstrip", "rstrip", "normalized")}
            tokenizer.add_tokens([AddedToken(text, **flags)])
        path = folder / f"options-{number}"
        path.mkdir()
        tokenizer.save(str(path / "tokenizer.json"))
        yield path, tokenizer


def option_differences(electra, vocab, folder, lines):
    """Lines whose ids differ under any of the options; [SEP] and added tokens strewn in."""
    r = random.Random(13)
    lines = [" ".join(r.choice([part, part + r.choice(ADDED + SPECIAL)]) for part in line.split(" ")) for line in lines]
    text = ("\n".join(lines) + "\n").encode()
    for path, tokenizer in option_folders(vocab, folder):
        command = [electra, "tokenize", "--ids", "--special-tokens", "tokens", "--vocab", str(path)]
        output = subprocess.run(command, input=text, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True).stdout.decode()
        mine = [[int(i) for i in line.split()] for line in output.split("\n")[:-1]]
        theirs = [e.ids for e in tokenizer.encode_batch(lines, add_special_tokens=False)]
        yield path.name, lines, [i for i in range(len(lines)) if theirs[i] != mine[i]], sum(map(len, theirs))


def heldout(data, language):
    path = data / "corpus" / f"{language}.heldout.txt.zst"
    text = subprocess.run(["zstd", "-dc", str(path)], stdout=subprocess.PIPE, check=True).stdout.decode()
    return text.split("\n")[:-1]


def hard_strings(data):
    text = (data / "fixtures/tokenizer/ggml-vocab-bert-bge.gguf.inp").read_text(encoding="utf-8")
    return [s.strip("\n").replace("\n", " ") for s in text.split("__ggml_vocab_test__")]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--electra", default="build/electra")
    parser.add_argument("--data", type=pathlib.Path, default=pathlib.Path("../shared/data"))
    parser.add_argument("--strings", type=int, default=1_000_000)
    options = parser.parse_args()
    vocabs = options.data / "fixtures/vocab"
    uncased, cased = vocabs / "bert-base-uncased-vocab.txt", vocabs / "bert-base-cased-vocab.txt"
    korean = vocabs / "koelectra-v2-vocab-32200.txt"
    failed = False

    def report(what, vocab_name, casing, different, count, ids):
        nonlocal failed
        failed |= bool(different)
        print(f"{what:16} {vocab_name:10} {casing:24} {count:9} lines {ids:10} ids  {len(different)} differ", flush=True)

    casings = {"uncased": (True, True), "cased": (False, False), "lower-cased, accents kept": (True, False)}
    texts = {
        "English held-out": (heldout(options.data, "english"), [(uncased, "uncased"), (cased, "cased")]),
        "Korean held-out": (heldout(options.data, "korean"), [(korean, "cased"), (korean, "uncased")]),
        "hard strings": (hard_strings(options.data), [(uncased, "uncased"), (cased, "cased"), (korean, "cased")]),
        "random strings": (random_strings(options.strings), [(uncased, "uncased"), (cased, "cased")]),
    }
    for what, (lines, pairs) in texts.items():
        for path, casing in pairs:
            different, ids = differing(options.electra, read_vocab(path), path, *casings[casing], lines)
            report(what, path.name.split("-vocab")[0][-10:], casing, different, len(lines), ids)
            for i in different[:5]:
                print("   ", ascii(lines[i]))

    with tempfile.TemporaryDirectory() as folder:
        strings = random_strings(options.strings // 20)
        for name, lines, different, ids in option_differences(options.electra, read_vocab(cased), pathlib.Path(folder), strings):
            report(name, "cased", "by tokenizer.json", different, len(lines), ids)
            for i in different[:5]:
                print("   ", ascii(lines[i]))
        path = pathlib.Path(folder) / "characters.txt"
        vocab = character_vocab(path)
        points = [c for c in range(0x110000) if c != 10 and not 0xD800 <= c <= 0xDFFF]
        listed = {}
        for name, casing in casings.items():
            lines = ["a" + chr(c) + "B" for c in points]
            different, ids = differing(options.electra, vocab, path, *casing, lines)
            print(f"every code point characters {name:24} {len(lines):9} lines {ids:10} ids  {len(different)} differ", flush=True)
            for i in different:
                listed.setdefault(points[i], []).append(name)
            known = set(chr(points[i]) for i in different)
            lines = texts["random strings"][0]
            different, ids = differing(options.electra, vocab, path, *casing, lines)
            beyond = [i for i in different if not known & set(lines[i])]
            report("random strings", "characters", name, beyond, len(lines), ids)
            if len(beyond) != len(different):
                print(f"    ({len(different) - len(beyond)} more differ in the code points listed below)")
            for i in beyond[:5]:
                print("   ", ascii(lines[i]))
        for c, names in listed.items():
            print(f"U+{c:04X} {unicodedata.name(chr(c), '(no name in Unicode ' + unicodedata.unidata_version + ')')}: {', '.join(names)}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
