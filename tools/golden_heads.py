#!/usr/bin/env python3
"""Makes tests/model/golden/heads/: fine-tuning's heads by Hugging Face's transformers, and what they compute.

    python3 tools/golden_heads.py [FOLDER]        needs numpy, torch, transformers, safetensors

    sequence/, token/, span/   model folders as transformers saves them, float32
    case.safetensors           a batch and the answers, computed in double from those weights without dropout, each
                               sequence on its own; <kind> is also sequence_affine and span_joint, the original's
                               heads, written here in torch on sequence/'s encoder; their weights are pattern() below

    ids, segments, positions (rows), starts (4)   the batch without padding
    labels (3), rows (k), tags (k)                classes of sequences; rows whose words are tagged, and the tags
    start, end, impossible (3)                    of spans: rows within the sequence; an answer that is not there
    joint_start, joint_end (3)                    the same as numbers of candidates: [CLS] and the rows from segment 1 on
    <kind>.logits                                 (3, 3), (3, 3), (k, 4), (rows, 2); of span_joint (candidates, 2), the ends
                                                  given the right start
    span_joint.answer (3)                         logits of having no answer
    <kind>.losses                                 of each sequence, or of each word
    <kind>.<name>                                 gradients of the mean of losses, float32

Integers are I32, numbers F64 unless said.
"""
import os
import sys

import numpy
import torch
from safetensors.numpy import save_file
from torch.nn.functional import binary_cross_entropy_with_logits, cross_entropy, gelu
from transformers import (ElectraConfig, ElectraForQuestionAnswering, ElectraForSequenceClassification,
                          ElectraForTokenClassification)

from golden import CLS, SEP, flat, integers, randomize, save_network

SHAPE = dict(vocab_size=30, embedding_size=4, hidden_size=8, num_hidden_layers=1, num_attention_heads=2,
             intermediate_size=16, max_position_embeddings=16, attn_implementation="eager")
LENGTHS, SECONDS = [11, 5, 16], [6, 3, 9]
LABELS = [2, 0, 1]
WORDS, TAGS = [[1, 3, 4, 8], [1], [2, 5, 14]], [[0, 3, 1, 1], [2], [3, 0, 2]]
SPANS = [(7, 9), (0, 0), (9, 9)]  # rows; (0, 0): no answer here
IMPOSSIBLE, WEIGHT, WIDE = [0, 1, 0], 0.5, 512


def batch():
    random = numpy.random.default_rng(11)
    sequences = [[CLS] + list(random.integers(5, 30, n - 2)) + [SEP] for n in LENGTHS]
    for sequence, second in zip(sequences, SECONDS):
        sequence[second - 1] = SEP
    return sequences, [[int(p >= second) for p in range(n)] for n, second in zip(LENGTHS, SECONDS)]


def networks():
    random = numpy.random.default_rng(5)
    made = {}
    for kind, make, labels in (("sequence", ElectraForSequenceClassification, 3),
                               ("token", ElectraForTokenClassification, 4), ("span", ElectraForQuestionAnswering, 2)):
        made[kind] = make(ElectraConfig(num_labels=labels, **SHAPE))
        randomize(made[kind], random)
        made[kind].electra.embeddings.word_embeddings.padding_idx = None  # a row like any other
    return {kind: model.eval() for kind, model in made.items()}


def pattern(*shape):
    numbers = numpy.arange(numpy.prod(shape)).reshape(shape)
    return torch.nn.Parameter(torch.tensor((0.3 * numpy.sin(1 + 0.9 * numbers)).astype(numpy.float32)).double())


def original_heads(hidden):
    return {
        "sequence_affine": {"out.weight": pattern(3, hidden), "out.bias": pattern(3)},
        "span_joint": {"start.weight": pattern(1, hidden), "start.bias": pattern(1),
                       "end_hidden.weight": pattern(WIDE, 2 * hidden), "end_hidden.bias": pattern(WIDE),
                       "end.weight": pattern(1, WIDE), "end.bias": pattern(1),
                       "answer_hidden.weight": pattern(WIDE, 2 * hidden), "answer_hidden.bias": pattern(WIDE),
                       "answer.weight": pattern(1, WIDE), "answer.bias": pattern(1)},
    }


def affine(head, name, x):
    return x @ head[name + ".weight"].T + head[name + ".bias"]


def joint(head, h, start):
    """Logits of starts, of ends given the start, and of having no answer; h: the candidates."""
    starts = affine(head, "start", h)[:, 0]
    tiled = h[start].expand_as(h)
    ends = affine(head, "end", gelu(affine(head, "end_hidden", torch.cat([h, tiled], -1))))[:, 0]
    read = torch.cat([h[0], (torch.softmax(starts, 0)[:, None] * h).sum(0)])
    return starts, ends, affine(head, "answer", gelu(affine(head, "answer_hidden", read)))[0]


def candidates(s):
    return [0] + list(range(SECONDS[s], LENGTHS[s]))


def span_loss(starts, ends, start, end):
    return (cross_entropy(starts[None], torch.tensor([start])) + cross_entropy(ends[None], torch.tensor([end]))) / 2


class Case:
    def __init__(self):
        self.sequences, self.segments = batch()
        self.inputs = [dict(input_ids=torch.tensor([ids]), token_type_ids=torch.tensor([segments]))
                       for ids, segments in zip(self.sequences, self.segments)]

    def sequence(self, model, _):
        logits, losses = [], []
        for s, label in enumerate(LABELS):
            out = model(**self.inputs[s], labels=torch.tensor([label]))
            logits.append(out.logits[0])
            losses.append(out.loss)
        return torch.stack(logits), losses, {}

    def token(self, model, _):
        logits, losses = [], []
        for s in range(3):
            z = model(**self.inputs[s]).logits[0]
            logits += [z[w] for w in WORDS[s]]
            losses += [cross_entropy(z[w][None], torch.tensor([t])) for w, t in zip(WORDS[s], TAGS[s])]
        return torch.stack(logits), losses, {}

    def span(self, model, _):
        logits, losses = [], []
        for s, (start, end) in enumerate(SPANS):
            out = model(**self.inputs[s], start_positions=torch.tensor([start]), end_positions=torch.tensor([end]))
            logits.append(torch.stack([out.start_logits[0], out.end_logits[0]], -1))
            losses.append(span_loss(out.start_logits[0], out.end_logits[0], start, end))
            assert (losses[-1] - out.loss).abs() < 1e-12
        return torch.cat(logits), losses, {}

    def sequence_affine(self, model, head):
        logits = torch.stack([affine(head, "out", model.electra(**x)[0][0, 0]) for x in self.inputs])
        return logits, list(cross_entropy(logits, torch.tensor(LABELS), reduction="none")), {}

    def span_joint(self, model, head):
        logits, losses, answers = [], [], []
        for s, (start, end) in enumerate(SPANS):
            rows = candidates(s)
            h = model.electra(**self.inputs[s])[0][0, rows]
            start, end = rows.index(start), rows.index(end)
            starts, ends, answer = joint(head, h, start)
            logits.append(torch.stack([starts, ends], -1))
            answers.append(answer)
            impossible = torch.tensor(float(IMPOSSIBLE[s])).double()
            losses.append(span_loss(starts, ends, start, end)
                          + WEIGHT * binary_cross_entropy_with_logits(answer, impossible))
        return torch.cat(logits), losses, {"answer": torch.stack(answers)}


def main():
    here = os.path.dirname(os.path.abspath(__file__))
    folder = sys.argv[1] if len(sys.argv) > 1 else os.path.join(here, "..", "tests", "model", "golden", "heads")
    made, case = networks(), Case()
    for kind, model in made.items():
        save_network(model, os.path.join(folder, kind))
        model.double()
    starts = numpy.cumsum([0] + LENGTHS)
    tensors = {
        "ids": flat(case.sequences), "segments": flat(case.segments), "positions": flat([range(n) for n in LENGTHS]),
        "starts": integers(starts), "labels": integers(LABELS),
        "rows": integers([starts[s] + w for s in range(3) for w in WORDS[s]]), "tags": flat(TAGS),
        "start": integers([a for a, _ in SPANS]), "end": integers([b for _, b in SPANS]),
        "impossible": integers(IMPOSSIBLE),
        "joint_start": integers([candidates(s).index(a) for s, (a, _) in enumerate(SPANS)]),
        "joint_end": integers([candidates(s).index(b) for s, (_, b) in enumerate(SPANS)]),
    }
    heads = original_heads(SHAPE["hidden_size"])
    for kind in ("sequence", "sequence_affine", "token", "span", "span_joint"):
        model, head = made[kind if kind in made else "sequence"], heads.get(kind, {})
        named = {n: p for n, p in model.named_parameters() if kind in made or n.startswith("electra.")}
        named.update({"task_specific." + n: p for n, p in head.items()})
        for p in named.values():
            p.grad = None
        logits, losses, more = getattr(case, kind)(model, head)
        torch.stack([loss.reshape(()) for loss in losses]).mean().backward()
        more.update(logits=logits, losses=torch.stack([loss.reshape(()) for loss in losses]))
        tensors.update({f"{kind}.{n}": t.detach().numpy() for n, t in more.items()})
        tensors.update({f"{kind}.{n}": p.grad.float().numpy() for n, p in named.items()})
        print(kind, tensors[kind + ".losses"])
    save_file(tensors, os.path.join(folder, "case.safetensors"))


if __name__ == "__main__":
    main()
