#!/usr/bin/env python3
"""Writes tests/text/golden/: a small vocabulary and what Hugging Face `tokenizers` makes of hard strings with it.

A case is a line: the text as a JSON string, a tab, the ids.  One file for each casing.  The vocabulary has a few
words, and every character that occurs as a piece and a continuation, so that [UNK] hides little.
Needs: pip install tokenizers.
"""
import json
import pathlib

from compare_tokenizers import SPECIAL, peer

CASINGS = {"uncased": (True, True), "cased": (False, False), "accents": (True, False), "stripped": (False, True)}

WORDS = ["the", "un", "##aff", "##able", "hello", "Hello", "wor", "##ld", "##l", "mask", "한국", "##어", "ing", "##ing", "3", "##33"]

CASES = [
    "", " ", "\t\r ", "hello", "Hello, World!", "unaffable", "the  theing", "w048 7tuijk", "3333333",
    "[MASK] [CLS]x[SEP] [UNK]", "##ing # ## #ing", "don't $5.00 a+b=c <x> ^~`|", "x_y-z/w\\v",
    "Führer führer Fu\u0308hrer Ünal", "İstanbul Iıi\u0307 ß ẞ ΣΑΣ σας ǅ Ǆ", "e\u0301e\u0323\u0301 \u0301a",
    "\u00c5 \u212b \u2126 \u212a \u1e69 \u1e9b\u0323", "한국어 \u1112\u1161\u11ab 가각힣", "漢字かなカナ 㐀\U00020000\U0002b820\U0002b920\uf900\ufa0e",
    "\u037e\u1fef\u2260\u226e \u0387", "a\u00a0b\u3000c\u2028d\u2029e\u2003f\u1680g", "a\u200bb\u200dc\ufeffd\u00ade",
    "a\x00b\x01c\x0bd\x0ce\x7ff\x85g\ufffdh", "\ue000x\U000f0000y\U0010fffdz", "\U0001f999.cpp \U0001f636\u200d\U0001f32b\ufe0f ✅",
    "a\u302e\u0591\u302fb \U0001d165\u302ec \u302e\u034f\U0001d165", "\U0001d15e\U0001d160 \u0958\u0929 \u0344 \u0f77\u0f81",
    "。、「」〜・ ‘’“”—… ¿¡§¶ ₩€£ ©®™ ½²①", "កាន់តែ ไทย हिन्दी বাংলা தமிழ்", "нещо на Български ЁЙёй", "\u0378\ufdd0\uffff\U0001fffe",
    "\u2e52\u1ace\u0890 \u166d\u1734\U000111c9", "\u1c89\ua7cb\U00010d50\U00016ea0", "ﬁ ﬀ Ａｂ ％＃", "a" * 99, "a" * 100, "a" * 101, "b" + "a\u0301" * 99, "é" * 101, "가" * 40,
    "the " * 20, "http://example.com/a?b=c&d=%20#e", "\u05d0\u05b0\u05b1 \u0627\u064b\u0651", "ŉ ǰ ΐ",
]


def main():
    folder = pathlib.Path(__file__).parent.parent / "tests/text/golden"
    folder.mkdir(parents=True, exist_ok=True)
    characters = set()
    for lowercase, strip_accents in CASINGS.values():
        normalizer = peer({"[UNK]": 0}, lowercase, strip_accents).normalizer
        for case in CASES:
            characters |= set(normalizer.normalize_str(case))
    characters = sorted(characters - set(" \t\r\n") - set("字x三"))
    pieces = SPECIAL + WORDS + [c for c in characters if c not in WORDS] + ["##" + c for c in characters if "##" + c not in WORDS]
    (folder / "vocab.txt").write_bytes(("\n".join(pieces) + "\n").encode())
    vocab = {piece: i for i, piece in enumerate(pieces)}
    for name, casing in CASINGS.items():
        tokenizer = peer(vocab, *casing)
        with open(folder / f"{name}.tsv", "w", encoding="ascii", newline="\n") as out:
            for case in CASES:
                ids = tokenizer.encode(case, add_special_tokens=False).ids
                out.write(json.dumps(case) + "\t" + " ".join(map(str, ids)) + "\n")


if __name__ == "__main__":
    main()
