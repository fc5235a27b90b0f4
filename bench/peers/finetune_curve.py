#!/usr/bin/env python3
"""Losses of the first steps of fine-tuning: `electra finetune` beside transformers on PyTorch, from the same start.

    bench/peers/finetune_curve.py --electra build/release/electra --model run/discriminator --task sst2 --data SST-2
    bench/peers/finetune_curve.py --model run/discriminator --task chunk --data conll2000
    bench/peers/finetune_curve.py --model run/discriminator --task squadv1 --train-file dev-v1.1.json --dev-every 5 \\
        --max-train-examples 800 --max-seq-length 128

Both begin with the weights, the new head among them, that a step of `electra finetune` at no rate writes; both learn in
float, without dropout, and find rows, their order and their tokens each in its own way; the schedule is that of the whole
run, of which these are the first steps.  transformers learns once more in double: rounding alone takes two runs apart, the
faster the higher the rate.  Prints the largest differences and fails where that in float is above
--tolerance.
"""
import argparse
import json
import pathlib
import subprocess
import sys
import tempfile
import time

import torch
from finetune import Training, open_data, open_model, parser
from rounds import markdown
from tasks import TASKS
from transformers.utils import logging

STOPPED = 75  # its exit code after a signal


def command(a: argparse.Namespace, folder: pathlib.Path, *options: object) -> list[str]:
    """`electra finetune` of the very same task; the dev rows do not matter here."""
    given = {"--train-file": a.train_file, "--data": a.data, "--dev-every": a.dev_every, "--max-seq-length": a.max_seq_length}
    return [str(word) for word in [
        a.electra, "finetune", "--model", a.model, "--task", a.task, *(word for item in given.items() if item[1] for word in item),
        "--output", folder, "--max-train-examples", a.max_train_examples, "--max-dev-examples", 1, "--seed", a.seed,
        "--dropout", 0, "--precision", "fp32", "--threads", a.threads, "--max-restarts", 0,
        "--layerwise-lr-decay", a.layerwise_lr_decay, "--weight-decay-rate", a.weight_decay_rate,
        "--warmup-proportion", a.warmup_proportion, "--train-batch-size", a.train_batch_size, *options]]


def begin(a: argparse.Namespace, folder: pathlib.Path) -> None:
    """A step that changes nothing, for its weights."""
    subprocess.run(command(a, folder, "--learning-rate", 1e-30, "--num-train-epochs", 1e-6), check=True,
                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def losses(a: argparse.Namespace, metrics: pathlib.Path) -> list[float]:
    """Of numbers as shares of their range, as transformers learns them here."""
    square = (TASKS[a.task].high or 1) ** 2
    text = metrics.read_text() if metrics.exists() else ""
    records = [json.loads(line) for line in text.splitlines(keepends=True) if line.endswith("\n")]
    return [record["loss"] / square for record in records if record["kind"] == "train"]


def ours(a: argparse.Namespace, folder: pathlib.Path) -> list[float]:
    """Until it has taken so many steps."""
    process = subprocess.Popen(command(a, folder, "--learning-rate", a.learning_rate, "--num-train-epochs", a.num_train_epochs,
                                       "--logging-steps", 1), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while process.poll() is None and len(losses(a, folder / "trial-1/metrics.jsonl")) < a.steps:
        time.sleep(0.1)
    process.terminate()
    if process.wait() not in (0, STOPPED):
        sys.exit(f"electra finetune ended with {process.returncode}")
    return losses(a, folder / "trial-1/metrics.jsonl")[:a.steps]


def theirs(a: argparse.Namespace, start: pathlib.Path, numbers: torch.dtype) -> list[float]:
    torch.set_default_dtype(numbers)
    data, train, _ = open_data(a)
    training = Training(open_model(start, data, 0.0).to(numbers), data.task.kind, train, a, a.num_train_epochs or data.task.epochs, a.seed)
    return [training.step(number) for number in range(min(training.steps, a.steps))]


def main() -> None:
    p = parser(__doc__)
    p.add_argument("--electra", default="build/release/electra", help="the program")
    p.add_argument("--steps", type=int, default=50, help="that are compared")
    p.add_argument("--tolerance", type=float, default=1e-4)
    p.set_defaults(max_train_examples=10000, max_dev_examples=1)
    a = p.parse_args()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    torch.set_num_threads(a.threads)
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        begin(a, folder / "start")
        curves = [ours(a, folder / "run"), *(theirs(a, folder / "start/model", kind) for kind in (torch.float32, torch.float64))]
    table = [(i + 1, *values) for i, values in enumerate(zip(*curves))]
    print(markdown(["step", "electra", "transformers, float", "transformers, double"],
                   [[str(line[0]), *(f"{loss:.7f}" for loss in line[1:])] for line in table if line[0] % 10 in (0, 1)]))
    apart, of_double, their_own = (max(abs(line[i] - line[j]) for line in table) for i, j in ((1, 2), (1, 3), (2, 3)))
    print(f"\n{a.task}: losses of {len(table)} steps differ by at most {apart:.1e}; from those in double electra's by "
          f"{of_double:.1e}, transformers' own by {their_own:.1e}")
    sys.exit(apart > a.tolerance)


if __name__ == "__main__":
    main()
