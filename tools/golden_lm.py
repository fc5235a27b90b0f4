#!/usr/bin/env python3
"""Makes tests/objective/golden/: tiny language models as transformers saves them, and what they say.

    python3 tools/golden_lm.py [FOLDER]        needs numpy, torch, transformers, safetensors

    causal/      ElectraForCausalLM (is_decoder); causal-bert/  BertLMHeadModel
    albert/      AlbertForMaskedLM, one layer used twice; albert-wide/  two layers used twice, embeddings as wide as they
    albert-pairs/  AlbertForPreTraining, all layers different; bert-pairs/  BertForPreTraining
    xlnet/       XLNetLMHeadModel

Each folder holds config.json, model.safetensors and answers.safetensors, computed in double:

    ids, segments, positions (rows), starts (3)    two sequences, one after another
    logits (rows, vocabulary), and of models of pairs sentences (2, 2)

and xlnet's limits too: its first sequence has two targets behind its other tokens, and a query row for each, whose id is the
size of the vocabulary; its second has none.
"""
import os
import shutil
import sys

import numpy
import torch
from safetensors.numpy import save_file
from transformers import (AlbertConfig, AlbertForMaskedLM, AlbertForPreTraining, BertConfig, BertForPreTraining,
                          BertLMHeadModel, ElectraConfig, ElectraForCausalLM, XLNetConfig, XLNetLMHeadModel)

SHAPE = dict(vocab_size=30, hidden_size=16, num_hidden_layers=2, num_attention_heads=2, intermediate_size=32,
             max_position_embeddings=16, attn_implementation="eager")
CAUSAL = dict(is_decoder=True, use_cache=False)
LENGTHS, SECONDS = [9, 6], [5, 6]


def randomize(model):
    random = numpy.random.default_rng(7)
    for name, value in model.named_parameters():
        numbers = 0.3 * random.standard_normal(tuple(value.shape)) + name.lower().endswith("norm.weight")
        value.data = torch.tensor(numbers, dtype=torch.float32)
    model.tie_weights()


def texts(vocabulary):
    random = numpy.random.default_rng(11)
    return [random.integers(5, vocabulary, n) for n in LENGTHS]


def save(folder, model, answers):
    randomize(model)
    model.eval().save_pretrained(folder)
    for name in ("generation_config.json",):
        if os.path.exists(os.path.join(folder, name)):
            os.remove(os.path.join(folder, name))
    save_file(answers(model.double()), os.path.join(folder, "answers.safetensors"))


@torch.no_grad()
def rows(model, pairs=""):
    ids = texts(model.config.vocab_size)
    out = {"ids": [], "segments": [], "positions": [], "logits": []}
    if pairs:
        out["sentences"] = []
    for text, second in zip(ids, SECONDS):
        segments = (numpy.arange(len(text)) >= second).astype(numpy.int32)
        said = model(input_ids=torch.tensor(text)[None], token_type_ids=torch.tensor(segments)[None].long())
        out["ids"].append(text.astype(numpy.int32))
        out["segments"].append(segments)
        out["positions"].append(numpy.arange(len(text), dtype=numpy.int32))
        out["logits"].append((said.prediction_logits if pairs else said.logits)[0].numpy())
        if pairs:
            out["sentences"].append(said[pairs].numpy())
    arrays = {name: numpy.concatenate(parts) for name, parts in out.items()}
    arrays["starts"] = numpy.cumsum([0] + LENGTHS).astype(numpy.int32)
    return arrays


def sines_in_double(model):
    """Where transformers computes them in float whatever the model's type."""
    def sines(qlen, klen, bsz=None, **_):
        rates = 10000 ** (-torch.arange(0, model.config.d_model, 2.0, dtype=torch.float64) / model.config.d_model)
        angles = torch.arange(klen, -qlen, -1.0, dtype=torch.float64)[:, None] * rates
        return torch.cat([angles.sin(), angles.cos()], -1)[:, None, :].expand(-1, bsz or 1, -1)
    model.transformer.relative_positional_encoding = sines


@torch.no_grad()
def ordered(model):
    """Rows as electra's permutation objectives have them; transformers is told by perm_mask what no token may see."""
    sines_in_double(model)
    out = {"ids": [], "segments": [], "positions": [], "limits": [], "logits": []}
    for text, second, targets in zip(texts(model.config.vocab_size), SECONDS, ([6, 2], [])):
        n, c = len(text), len(text) - len(targets)
        segments = (numpy.arange(n) >= second).astype(numpy.int32)
        ordinary = [i for i in range(n) if i not in targets]
        hidden = torch.zeros(1, n, n)
        for rank, target in enumerate(targets):
            hidden[0, ordinary + targets[:rank + 1], target] = 1
        mapping = torch.zeros(1, len(targets), n)
        for rank, target in enumerate(targets):
            mapping[0, rank, target] = 1
        asked = dict(input_ids=torch.tensor(text)[None], token_type_ids=torch.tensor(segments)[None].long(),
                     perm_mask=hidden.double())
        order = ordinary + targets
        said = [model(**asked).logits[0].numpy()[order]]
        if targets:
            said.append(model(**asked, target_mapping=mapping.double()).logits[0].numpy())
        order += targets
        ids = numpy.concatenate([text[ordinary + targets], [model.config.vocab_size] * len(targets)])
        out["ids"].append(ids.astype(numpy.int32))
        out["segments"].append(segments[order])
        out["positions"].append(numpy.array(order, dtype=numpy.int32))
        out["limits"].append(numpy.array([c] * c + list(range(c + 1, n + 1)) + list(range(c, n)), dtype=numpy.int32))
        out["logits"].append(numpy.concatenate(said))
    lengths = [len(ids) for ids in out["ids"]]
    arrays = {name: numpy.concatenate(parts) for name, parts in out.items()}
    arrays["starts"] = numpy.cumsum([0] + lengths).astype(numpy.int32)
    return arrays


def main():
    folder = sys.argv[1] if len(sys.argv) > 1 else os.path.join(os.path.dirname(__file__), "../tests/objective/golden")
    shutil.rmtree(folder, ignore_errors=True)
    save(os.path.join(folder, "causal"), ElectraForCausalLM(ElectraConfig(embedding_size=8, **SHAPE, **CAUSAL)), rows)
    save(os.path.join(folder, "causal-bert"), BertLMHeadModel(BertConfig(**SHAPE, **CAUSAL)), rows)
    albert = dict(SHAPE, hidden_act="gelu", classifier_dropout_prob=0.1)
    save(os.path.join(folder, "albert"), AlbertForMaskedLM(AlbertConfig(embedding_size=8, **albert)), rows)
    wide = dict(albert, num_hidden_layers=4, num_hidden_groups=2)
    save(os.path.join(folder, "albert-wide"), AlbertForMaskedLM(AlbertConfig(embedding_size=16, **wide)), rows)
    apart = AlbertConfig(embedding_size=8, num_hidden_groups=2, **albert)
    save(os.path.join(folder, "albert-pairs"), AlbertForPreTraining(apart), lambda m: rows(m, "sop_logits"))
    bert = BertConfig(**{k: v for k, v in albert.items() if k != "classifier_dropout_prob"})
    save(os.path.join(folder, "bert-pairs"), BertForPreTraining(bert), lambda m: rows(m, "seq_relationship_logits"))
    xlnet = XLNetConfig(vocab_size=30, d_model=16, n_layer=2, n_head=2, d_inner=32, pad_token_id=0)
    save(os.path.join(folder, "xlnet"), XLNetLMHeadModel(xlnet), ordered)


if __name__ == "__main__":
    main()
