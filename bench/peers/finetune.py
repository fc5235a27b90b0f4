#!/usr/bin/env python3
"""Fine-tuning with transformers on PyTorch as `electra finetune` does it: the same weights, rows and hyperparameters.

    bench/peers/finetune.py --model run/discriminator --task sst2 --data SST-2 --num-trials 5 --max-train-examples 10000

Rows, their order and what is held out are those of `electra finetune` with the same options (tasks.py); new heads and
dropout are PyTorch's own random numbers.  The recipe: AdamW without bias correction, rates that decrease from layer to
layer, a tenth of the steps warming up, then linear to 0, clipping at 1, dropout 0.1, in float; the epoch with the best
dev figure counts.  Prints an object a trial, then one of all.
"""
import argparse
import json
import math
import pathlib
import re
import statistics
import time
from collections.abc import Sequence

import torch
from tasks import TASKS, Data, Feature, Maker, batches, load, score
from transformers import (AutoModelForQuestionAnswering, AutoModelForSequenceClassification,
                          AutoModelForTokenClassification, AutoTokenizer, PreTrainedModel)
from transformers.utils import logging

NETWORKS = {"classify": AutoModelForSequenceClassification, "regress": AutoModelForSequenceClassification,
            "tag": AutoModelForTokenClassification, "span": AutoModelForQuestionAnswering}
PROBLEMS = {"classify": "single_label_classification", "regress": "regression"}
DEV_BATCH = 128


class AdamW(torch.optim.Optimizer):
    """Without bias correction, as the original ELECTRA has it."""

    def __init__(self, groups: list[dict], beta1: float = 0.9, beta2: float = 0.999, epsilon: float = 1e-6):
        super().__init__(groups, dict(lr=0.0))
        self.beta1, self.beta2, self.epsilon = beta1, beta2, epsilon
        for group in groups:
            group["m"] = [torch.zeros_like(p) for p in group["params"]]
            group["v"] = [torch.zeros_like(p) for p in group["params"]]

    @torch.no_grad()
    def step(self) -> None:
        for group in self.param_groups:
            values, m, v = group["params"], group["m"], group["v"]
            gradients = [p.grad for p in values]
            torch._foreach_lerp_(m, gradients, 1 - self.beta1)
            torch._foreach_mul_(v, self.beta2)
            torch._foreach_addcmul_(v, gradients, gradients, 1 - self.beta2)
            below = torch._foreach_sqrt(v)
            torch._foreach_add_(below, self.epsilon)
            torch._foreach_mul_(values, 1 - group["lr"] * group["weight_decay"])
            torch._foreach_addcdiv_(values, m, below, -group["lr"])


def depth_of(name: str, layers: int) -> int:
    """0 for the embeddings, then the layers, then the head, of which a BERT's pooler is a part."""
    layer = re.search(r"\.layer\.(\d+)\.", name)
    return int(layer[1]) + 1 if layer else 0 if ".embeddings" in name else layers + 1


def groups_of(model: PreTrainedModel, decay: float, weight_decay: float) -> list[dict]:
    """The head learns at the full rate, the top layer at `decay` of it, the one below at its square, ..."""
    layers = model.config.num_hidden_layers
    groups: dict[tuple, dict] = {}
    for name, parameter in model.named_parameters():
        scale = decay ** (layers + 1 - depth_of(name, layers))
        decays = weight_decay if parameter.dim() > 1 else 0.0
        groups.setdefault((scale, decays), dict(params=[], scale=scale, weight_decay=decays))["params"].append(parameter)
    return list(groups.values())


def rate_at(step: int, steps: int, peak: float, warmup: float) -> float:
    warm = int(steps * warmup)
    return peak * (1 - step / steps) * (step / warm if step < warm else 1)


def open_model(folder: pathlib.Path, data: Data, dropout: float) -> PreTrainedModel:
    """Without a head in the folder a new one, by Glorot's rule as electra's."""
    outputs = {} if data.task.kind == "span" else dict(num_labels=max(1, len(data.labels)))
    model, found = NETWORKS[data.task.kind].from_pretrained(
        folder, problem_type=PROBLEMS.get(data.task.kind), hidden_dropout_prob=dropout, classifier_dropout=dropout,
        attention_probs_dropout_prob=dropout, output_loading_info=True, **outputs)
    for name in found["missing_keys"]:
        parameter = model.get_parameter(name).data
        torch.nn.init.xavier_uniform_(parameter) if parameter.dim() > 1 else parameter.zero_()
    return model


def target_tensor(kind: str, features: Sequence[Feature], width: int) -> dict[str, torch.Tensor]:
    targets = [f.target for f in features]
    if kind == "span":
        starts, ends = zip(*targets)
        return dict(start_positions=torch.tensor(starts), end_positions=torch.tensor(ends))
    if kind == "tag":
        targets = [[target.get(row, -100) for row in range(width)] for target in targets]
    return dict(labels=torch.tensor(targets))


def collate(kind: str, features: Sequence[Feature]) -> dict[str, torch.Tensor]:
    """Padded to the longest."""
    width = max(len(f.ids) for f in features)
    rows = [f.ids + [0] * (width - len(f.ids)) for f in features]
    return dict(input_ids=torch.tensor(rows),
                token_type_ids=torch.tensor([[int(f.second <= i < len(f.ids)) for i in range(width)] for f in features]),
                attention_mask=torch.tensor([[int(i < len(f.ids)) for i in range(width)] for f in features]),
                **target_tensor(kind, features, width))


def loss_of(model: PreTrainedModel, kind: str, features: Sequence[Feature]) -> torch.Tensor:
    """Spans one sequence at a time: transformers does not mask padding in that head's softmax."""
    if kind != "span":
        return model(**collate(kind, features)).loss
    return torch.stack([model(**collate(kind, [f])).loss for f in features]).mean()


@torch.inference_mode()
def answers_of(model: PreTrainedModel, kind: str, features: Sequence[Feature]) -> list[object]:
    model.eval()
    answers: list[object] = []
    for first in range(0, len(features), DEV_BATCH):
        part = features[first:first + DEV_BATCH]
        logits = model(**collate(kind, part)).logits
        if kind == "regress":
            answers += logits[:, 0].tolist()
        elif kind == "classify":
            answers += logits.argmax(-1).tolist()
        else:
            answers += [[tags[row] for row in f.target] for f, tags in zip(part, logits.argmax(-1).tolist())]
    model.train()
    return answers


class Training:
    """A model, what it learns from, and its steps."""

    def __init__(self, model: PreTrainedModel, kind: str, features: list[Feature], a: argparse.Namespace, epochs: float, seed: int,
                 optimizer: type[torch.optim.Optimizer] = AdamW, bf16: bool = False):
        self.model, self.kind, self.features, self.a, self.bf16 = model.train(), kind, features, a, bf16
        self.optimizer = optimizer(groups_of(model, a.layerwise_lr_decay, a.weight_decay_rate))
        self.steps = math.ceil(len(features) * epochs / a.train_batch_size)
        self.every = math.ceil(self.steps / epochs)
        self.order = batches(seed, len(features), a.train_batch_size, self.steps)

    def step(self, number: int) -> float:
        for group in self.optimizer.param_groups:
            group["lr"] = group["scale"] * rate_at(number, self.steps, self.a.learning_rate, self.a.warmup_proportion)
        self.optimizer.zero_grad(set_to_none=True)
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=self.bf16):
            loss = loss_of(self.model, self.kind, [self.features[i] for i in next(self.order)])
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        self.optimizer.step()
        return loss.item()


def trial(a: argparse.Namespace, data: Data, train: list[Feature], dev: list[Feature], seed: int) -> dict[str, object]:
    torch.manual_seed(seed)
    start, best, at = time.perf_counter(), -math.inf, 0
    t = Training(open_model(a.model, data, a.dropout), data.task.kind, train, a, a.num_train_epochs or data.task.epochs, seed)
    for number in range(t.steps):
        t.step(number)
        if (number + 1) % t.every == 0 or number + 1 == t.steps:
            value = score(data, answers_of(t.model, t.kind, dev))
            best, at = (value, number + 1) if value > best else (best, at)
    return {"task": a.task, "seed": seed, data.task.metric: best, "best_step": at, "steps": t.steps,
            "seconds": round(time.perf_counter() - start, 1)}


def parser(description: str) -> argparse.ArgumentParser:
    """Options as `electra finetune` calls them, with its defaults for a width up to 512."""
    p = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--model", type=pathlib.Path, required=True, help="folder of a discriminator or a BERT")
    p.add_argument("--task", choices=TASKS, required=True)
    p.add_argument("--data", type=pathlib.Path, help="folder with files that have train, and dev or valid, in their names")
    p.add_argument("--train-file", type=pathlib.Path)
    p.add_argument("--dev-every", type=int, default=0, help="without a dev file: every so many-th group is held out")
    p.add_argument("--max-train-examples", type=int, default=0)
    p.add_argument("--max-dev-examples", type=int, default=0)
    p.add_argument("--max-seq-length", type=int, default=0, help="0: the task's")
    p.add_argument("--num-train-epochs", type=float, default=0, help="0: the task's")
    p.add_argument("--learning-rate", type=float, default=3e-4)
    p.add_argument("--layerwise-lr-decay", type=float, default=0.8)
    p.add_argument("--weight-decay-rate", type=float, default=0.0)
    p.add_argument("--warmup-proportion", type=float, default=0.1)
    p.add_argument("--train-batch-size", type=int, default=32)
    p.add_argument("--dropout", type=float, default=0.1)
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--threads", type=int, default=2)
    return p


def open_data(a: argparse.Namespace) -> tuple[Data, list[Feature], list[Feature]]:
    """Rows, and features to learn from and to be asked."""
    data = load(a.task, a.data, a.train_file, a.max_train_examples, a.max_dev_examples, a.seed, every=a.dev_every)
    maker = Maker(AutoTokenizer.from_pretrained(a.model), data.task, data.labels, a.max_seq_length or data.task.length)
    return data, maker.make(data.train, True), maker.make(data.dev, False)


def main() -> None:
    p = parser(__doc__)
    p.add_argument("--num-trials", type=int, default=1, help="seeds one after the other")
    a = p.parse_args()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    torch.set_num_threads(a.threads)
    data, train, dev = open_data(a)
    values = []
    for seed in range(a.seed, a.seed + a.num_trials):
        result = trial(a, data, train, dev, seed)
        values.append(result[data.task.metric])
        print(json.dumps(result), flush=True)
    print(json.dumps({"task": a.task, "metric": data.task.metric, "trials": len(values), "mean": statistics.mean(values),
                      "deviation": statistics.stdev(values) if len(values) > 1 else 0.0, "best": max(values)}))


if __name__ == "__main__":
    main()
