#!/usr/bin/env python3
"""rank - how many directions a discriminator's hidden states use, layer by layer

    bench/peers/rank.py --data heldout RUN/discriminator ...

Reads token ids from a folder of shards (electra prepare), runs the models in transformers, and prints a row of effective
ranks a model: exp of the entropy of the squared singular values' shares, states centred (Roy and Vetterli, 2007).  A
model whose layers use three directions of 256 can tell replaced tokens by their frequency and carries little else.
Needs torch, transformers and safetensors.
"""
import argparse
import pathlib

import torch
from safetensors.numpy import load_file
from transformers import ElectraModel


def sequences(folder, count, length):
    shard = load_file(sorted(pathlib.Path(folder).glob("shard-*.safetensors"))[0])
    ids = torch.tensor(shard["ids"][:count * length].astype("int64"))
    return ids[:len(ids) // length * length].view(-1, length)


def effective_rank(states):
    states = states.reshape(-1, states.shape[-1])
    shares = torch.linalg.svdvals(states - states.mean(0)) ** 2
    shares = shares / shares.sum()
    return torch.exp(-torch.special.xlogy(shares, shares).sum()).item()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="+")
    parser.add_argument("--data", required=True, help="folder of shards")
    parser.add_argument("--sequences", type=int, default=32)
    parser.add_argument("--max-seq-length", type=int, default=128)
    arguments = parser.parse_args()
    ids = sequences(arguments.data, arguments.sequences, arguments.max_seq_length)
    for name in arguments.models:
        model = ElectraModel.from_pretrained(name).eval()
        with torch.no_grad():
            states = model(ids, output_hidden_states=True).hidden_states
        ranks = "  ".join(f"{effective_rank(s):6.1f}" for s in states)
        print(f"{name}: embeddings and layers {ranks} of {states[-1].shape[-1]}", flush=True)


if __name__ == "__main__":
    main()
