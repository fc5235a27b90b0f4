#!/usr/bin/env python3
"""Makes tests/task/golden/embed.jsonl: vectors that transformers has for texts, with models of tests/model/golden/heads.

    python3 tools/golden_embed.py        needs torch, transformers; after golden_heads.py

A case is a line, an object; the vocabulary is [PAD] [UNK] [CLS] [SEP] [MASK] w0 ... w24.

    "is"              the model's folder; ElectraModel reads its encoder
    a, b              the text, or a pair (b null: none)
    cls, mean         the last layer at [CLS], and its mean over all tokens as sentence-transformers' pooling has it
    normalized        the mean, of length 1
"""
import json
import pathlib
import random

import torch
from transformers import ElectraModel

random.seed(7)
ROOT = pathlib.Path(__file__).parent.parent / "tests"
CLS, SEP, FIRST, WORDS = 2, 3, 5, 25


def text(words):
    return [f"w{random.randrange(WORDS)}" for _ in range(words)]


def ids(words):
    return [FIRST + int(word[1:]) for word in words]


def case(name, model, a, b):
    row = [CLS] + ids(a) + [SEP] + (ids(b) + [SEP] if b else [])
    mask = torch.ones(1, len(row), dtype=torch.double)
    with torch.no_grad():
        last = model(input_ids=torch.tensor([row]), attention_mask=mask.long(),
                     token_type_ids=torch.tensor([[int(i >= len(a) + 2) for i in range(len(row))]])).last_hidden_state
    mean = (last * mask[..., None]).sum(1) / mask.sum(1, keepdim=True)
    rounded = lambda values: [float(f"{value:.9g}") for value in values.tolist()]
    return {"is": name, "a": " ".join(a), "b": " ".join(b) or None, "cls": rounded(last[0, 0]), "mean": rounded(mean[0]),
            "normalized": rounded(torch.nn.functional.normalize(mean)[0])}


def main():
    cases = []
    for name in ("sequence", "span"):
        folder = ROOT / "model/golden/heads" / name
        model = ElectraModel.from_pretrained(folder, attn_implementation="eager").double().eval()
        for a, b in ((0, 0), (1, 0), (14, 0), (3, 4), (6, 7)):
            cases.append(case(name, model, text(a), text(b)))
    with open(ROOT / "task/golden/embed.jsonl", "w", encoding="utf-8", newline="\n") as out:
        for one in cases:
            out.write(json.dumps(one, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()
