#!/usr/bin/env python3
"""A fine-tuned model's answers: `electra predict` beside PyTorch (in batches) and onnxruntime (one by one), in turn.

    bench/peers/predict.py --electra build/release/electra --vocab vocab.txt --task sst2 --data SST-2

An ELECTRA-Small of random weights with a head for the task's labels, asked the texts of the dev rows at their real lengths.
Milliseconds a text.  Counted on both sides: tokenising, the model and writing the answers (classifier.py); electra's is a
whole program, so what its start takes is found by asking less and taken off: the difference between all the texts and the
first of them.  At a batch of 32, electra works on as many tokens at a time as 32 texts have on average; PyTorch's batches are
of 32 texts, padded.  Before that, the answers must be the same.
"""
import argparse
import pathlib
import subprocess
import sys
import tempfile
import time

import numpy as np
from finetune_speed import make_small
from rounds import (Figures, Turns, Worker, environment, fastest, finish, markdown, median, parser, ratio, run_json,
                    take_turns)
from tasks import TASKS, load
from transformers import AutoTokenizer, ElectraForSequenceClassification
from transformers.utils import logging

TIME = "milliseconds"
PEERS = {32: {"fp32": ["torch", "torch-eager"], "bf16": ["torch-bf16", "torch-bf16-eager"]},
         1: {"fp32": ["onnxruntime", "onnxruntime-fused"], "bf16": ["onnxruntime", "onnxruntime-fused"]}}


def make_model(a: argparse.Namespace, folder: pathlib.Path, labels: int) -> None:
    """Wide enough initialised that answers differ."""
    make_small(folder, a.vocab, a.lowercase)
    model = ElectraForSequenceClassification.from_pretrained(folder, num_labels=labels)
    for parameter in model.classifier.parameters():
        parameter.data *= 4
    model.save_pretrained(folder)


def predict(a: argparse.Namespace, precision: str, tokens: int, texts: pathlib.Path) -> str:
    return subprocess.run([a.electra, "predict", "--model", a.folder, "--format", "lines", "--precision", precision, "--threads",
                           str(a.threads), "--micro-batch-tokens", str(tokens), texts], check=True, stdout=subprocess.PIPE,
                          text=True).stdout


def electra(a: argparse.Namespace, precision: str, tokens: int) -> Figures:
    seconds, counts = [], []
    for texts in (a.few, a.all):
        start = time.perf_counter()
        counts.append(predict(a, precision, tokens, texts).count("\n"))
        seconds.append(time.perf_counter() - start)
    return {TIME: 1e3 * (seconds[1] - seconds[0]) / (counts[1] - counts[0]), "start_milliseconds": 1e3 * seconds[0]}


def compare_answers(a: argparse.Namespace, tokens: dict[int, int]) -> None:
    for batch, libraries in PEERS.items():
        ours = np.array([line.split("\t")[2:] for line in predict(a, "fp32", tokens[batch], a.all).split("\n")[1:-1]], float)
        for library in libraries["fp32"]:
            answers = a.folder / "answers"
            run_json([sys.executable, pathlib.Path(__file__).parent / "classifier.py", "--library", library, "--model", a.folder,
                      "--batch-size", batch, "--answers", answers, a.all], environment(a.threads))
            theirs = np.array([line.split("\t")[2:] for line in answers.read_text().splitlines()], float)
            apart = abs(ours - theirs).max()
            print(f"{library}: probabilities from {theirs.min():.3f} to {theirs.max():.3f}, at most {apart:.1e} from electra's")
            if not apart < 1e-4:
                sys.exit(f"{library} computes something else")


def compare(a: argparse.Namespace, batch: int, tokens: int) -> Turns:
    libraries = dict.fromkeys(library for precision in a.precision for library in PEERS[batch][precision])
    workers = {library: Worker("classifier.py", ["--library", library, "--model", str(a.folder), "--batch-size", str(batch),
                                                 "--threads", str(a.threads), str(a.all)],
                               environment(a.threads, openmp=library.startswith("torch")))
               for library in libraries}
    for worker in workers.values():
        worker.answer()
    contestants = {"electra " + precision: lambda precision=precision: electra(a, precision, tokens) for precision in a.precision}
    for library, worker in workers.items():
        contestants[library] = worker.ask
    turns = take_turns(contestants, a.rounds, a.under)
    for worker in workers.values():
        worker.close()
    return turns


def rows(a: argparse.Namespace, batch: int, turns: Turns) -> list[list[str]]:
    lines = []
    for precision in a.precision:
        best = fastest(turns, PEERS[batch][precision], TIME)
        lines.append([f"{batch}, {precision}", f"{median(turns['electra ' + precision], TIME):.3f}",
                      *[f"{name}: {median(turns[name], TIME):.3f} ({median(turns[name], 'model_milliseconds'):.3f})"
                        for name in PEERS[batch][precision]], ratio(turns["electra " + precision], turns[best], TIME)])
    return lines


def main() -> None:
    p = parser(__doc__)
    p.add_argument("--task", choices=[name for name, task in TASKS.items() if task.kind == "classify"], required=True)
    p.add_argument("--data", type=pathlib.Path, required=True)
    p.add_argument("--vocab", type=pathlib.Path, required=True, help="vocab.txt")
    p.add_argument("--lowercase", action=argparse.BooleanOptionalAction, default=True)
    p.add_argument("--texts", type=int, default=600, help="that are asked about")
    p.add_argument("--few", type=int, default=100, help="of them, whose time is taken off")
    p.add_argument("--batch-size", nargs="+", type=int, choices=PEERS, default=list(PEERS))
    p.add_argument("--precision", nargs="+", choices=["fp32", "bf16"], default=["fp32", "bf16"])
    p.set_defaults(rounds=3)
    a = p.parse_args()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    data = load(a.task, a.data, None, 0, a.texts, 1)
    with tempfile.TemporaryDirectory() as name:
        a.folder = pathlib.Path(name)
        make_model(a, a.folder, len(data.labels))
        texts = [e.texts[0] for e in data.dev]
        lengths = [len(ids) for ids in AutoTokenizer.from_pretrained(a.folder)(texts)["input_ids"]]
        tokens = {1: 1, 32: round(32 * sum(lengths) / len(lengths))}
        a.all, few, a.few = a.folder / "all.txt", texts[:a.few], a.folder / "few.txt"
        a.all.write_text("\n".join(texts) + "\n")
        a.few.write_text("\n".join(few) + "\n")
        compare_answers(a, tokens)
        results = {batch: compare(a, batch, tokens[batch]) for batch in a.batch_size}
        cost = 1e3 * a.all.stat().st_size / len(texts) / 1e6 / run_json(
            [a.electra, "bench", "tokenize", "--json", "--seconds", "0.01", "--threads", 1, "--vocab", a.folder, a.all])["megabytes_per_second"]
    finish(a, results)
    print(f"\n{a.task}, {sum(lengths) / len(lengths):.0f} tokens a text, the longest {max(lengths)}; milliseconds a text (of which the model); "
          f"{a.threads} threads; of electra's {cost:.4f} is tokenising; medians of {a.rounds} turns\n")
    print(markdown(["batch", "electra", "a peer", "another", "ratio to the faster one (least-most)"],
                   [line for batch, turns in results.items() for line in rows(a, batch, turns)]))


if __name__ == "__main__":
    main()
