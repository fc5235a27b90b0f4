#!/usr/bin/env python3
"""Makes tests/task/golden/finetuned.jsonl: what transformers says of texts with the models of tests/model/golden/heads.

    python3 tools/golden_finetuned.py        needs numpy, torch, transformers; after golden_heads.py

A case is a line, an object; the vocabulary is [PAD] [UNK] [CLS] [SEP] [MASK] w0 ... w24.

    "is" sequence   a, b (null: none); probabilities
    "is" token      words; tags, and the probability of each
    "is" span       question, context; answers: texts, best first, with their probabilities among them; odds: the score of
                    no answer less that of the best

Answers are decoded as in transformers' run_qa.py (all of one window), except that texts count once.
"""
import json
import pathlib
import random

import numpy
import torch
from transformers import (ElectraForQuestionAnswering, ElectraForSequenceClassification,
                          ElectraForTokenClassification)

random.seed(3)
ROOT = pathlib.Path(__file__).parent.parent / "tests"
CLS, SEP, FIRST, WORDS = 2, 3, 5, 25
BEST = 20


def text(words):
    return [f"w{random.randrange(WORDS)}" for _ in range(words)]


def ids(words):
    return [FIRST + int(word[1:]) for word in words]


def run(model, first, second=None):
    row = [CLS] + ids(first) + [SEP] + (ids(second) + [SEP] if second else [])
    segments = [int(i >= len(first) + 2) for i in range(len(row))]
    with torch.no_grad():
        return model(input_ids=torch.tensor([row]), token_type_ids=torch.tensor([segments]))


def load(kind, name):
    return kind.from_pretrained(ROOT / "model/golden/heads" / name, attn_implementation="eager").double().eval()


def sequence(model, a, b):
    out = run(model, a, b).logits[0]
    return {"is": "sequence", "a": " ".join(a), "b": b and " ".join(b), "probabilities": torch.softmax(out, -1).tolist()}


def token(model, words):
    out = torch.softmax(run(model, words).logits[0, 1:-1], -1)
    return {"is": "token", "words": words, "tags": out.argmax(-1).tolist(), "probabilities": out.max(-1).values.tolist()}


def span(model, question, context):
    out = run(model, question, context)
    starts, ends = out.start_logits[0].numpy(), out.end_logits[0].numpy()
    first = len(question) + 2
    found = {}
    for start in numpy.argsort(-starts)[:BEST]:
        for end in numpy.argsort(-ends)[:BEST]:
            if first <= start <= end < first + len(context):
                words = " ".join(context[start - first : end - first + 1])
                found[words] = max(found.get(words, -numpy.inf), starts[start] + ends[end])
    best = sorted(found.items(), key=lambda item: -item[1])[:BEST]
    scores = numpy.array([score for _, score in best])
    shares = numpy.exp(scores - scores.max()) / numpy.exp(scores - scores.max()).sum()
    return {"is": "span", "question": " ".join(question), "context": " ".join(context),
            "answers": [[words, share] for (words, _), share in zip(best, shares)],
            "odds": starts[0] + ends[0] - scores[0]}


def main():
    cases = []
    model = load(ElectraForSequenceClassification, "sequence")
    for a, b in ((1, 0), (14, 0), (3, 4), (6, 7), (1, 1)):
        cases.append(sequence(model, text(a), text(b) or None))
    model = load(ElectraForTokenClassification, "token")
    for count in (1, 5, 14):
        cases.append(token(model, text(count)))
    model = load(ElectraForQuestionAnswering, "span")
    for question, context in ((1, 1), (2, 5), (3, 10), (5, 8)):
        cases.append(span(model, text(question), text(context)))
    with open(ROOT / "task/golden/finetuned.jsonl", "w", encoding="utf-8", newline="\n") as out:
        for case in cases:
            out.write(json.dumps(case, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()
