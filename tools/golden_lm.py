#!/usr/bin/env python3
"""Makes tests/objective/golden/: tiny language models as transformers saves them, and what they say.

    python3 tools/golden_lm.py [FOLDER]        needs numpy, torch, transformers, safetensors

    causal/      ElectraForCausalLM (is_decoder); causal-bert/  BertLMHeadModel
    albert/      AlbertForMaskedLM, one layer used twice; albert-wide/  two layers used twice, embeddings as wide as they
    albert-pairs/  AlbertForPreTraining, all layers different; bert-pairs/  BertForPreTraining

Each folder holds config.json, model.safetensors and answers.safetensors, computed in double:

    ids, segments, positions (rows), starts (3)    two sequences, one after another
    logits (rows, vocabulary), and of models of pairs sentences (2, 2)
"""
import os
import shutil
import sys

import numpy
import torch
from safetensors.numpy import save_file
from transformers import (AlbertConfig, AlbertForMaskedLM, AlbertForPreTraining, BertConfig, BertForPreTraining,
                          BertLMHeadModel, ElectraConfig, ElectraForCausalLM)

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


if __name__ == "__main__":
    main()
