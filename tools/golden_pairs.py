#!/usr/bin/env python3
"""The means that tests/task/test_squad_score.c wants of 20 000 made pairs of answers, by the official scripts' own rules.

    python3 tools/golden_pairs.py          needs nothing but Python

Pairs follow from a linear congruential generator, so that both sides make the same: one to eight of the CHARACTERS, and as
gold the same with each in its other case (its neighbour), the same with some of them so, or others.
"""
import collections
import re
import string

CHARACTERS = ["Σ", "σ", "Σ", "ς", "Α", "α", "İ", "i", "I", "ı", "ẞ", "ß", "A", "a", "B", "b", "the ", "The ", " an ", " AN ", " ", "\u00a0",
              ".", "-", "'", "‘", "《", "》", "가", "각", "\u1100", "\u1161", "é", "e\u0301", "1", "０", "²", "Ⅳ", "ⅳ", "_"]
PAIRS = 20000


class Random:
    def __init__(self):
        self.state = 38

    def below(self, bound):
        self.state = (self.state * 6364136223846793005 + 1442695040888963407) % 2 ** 64
        return (self.state >> 33) % bound


def pair(random):
    numbers = [random.below(len(CHARACTERS)) for _ in range(1 + random.below(8))]
    how = random.below(3)
    if how == 0:
        other = [n ^ 1 for n in numbers]
    elif how == 1:
        other = [n ^ random.below(2) for n in numbers]
    else:
        other = [random.below(len(CHARACTERS)) for _ in range(1 + random.below(5))]
    return ["".join(CHARACTERS[n] for n in part) for part in (numbers, other)]


def squad(text):
    text = "".join(c for c in text.lower() if c not in set(string.punctuation))
    return re.sub(r"\b(a|an|the)\b", " ", text).split()


def korquad(text):
    text = "".join(" " if c in "'\"《》<>〈〉()‘’" else c for c in text)
    return list("".join("".join(c for c in text.lower() if c not in set(string.punctuation)).split()))


def korquad_exact(text):
    text = "".join(" " if c in "'\"《》<>〈〉()‘’" else c for c in text)
    return " ".join("".join(c for c in text.lower() if c not in set(string.punctuation)).split())


def f1(predicted, gold):
    same = sum((collections.Counter(predicted) & collections.Counter(gold)).values())
    return 2 * same / (len(predicted) + len(gold)) if same else 0


def main():
    for name, parts, exact in (("squad1", squad, lambda t: " ".join(squad(t))), ("korquad", korquad, korquad_exact)):
        random, total = Random(), [0, 0]
        for _ in range(PAIRS):
            predicted, gold = pair(random)
            total[0] += exact(predicted) == exact(gold)
            total[1] += f1(parts(predicted), parts(gold))
        print(name, total[0] / PAIRS, repr(total[1] / PAIRS))


if __name__ == "__main__":
    main()
