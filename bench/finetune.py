#!/usr/bin/env python3
"""finetune - what pre-training is worth: every labelled folder, from pre-trained and from random weights

    bench/finetune.py --electra build/release/electra --english RUN --korean RUN --labelled DATA --output OUT

Some seeds each, a thread a run, as many runs at a time as --jobs says.  OUT keeps the runs, and goes on with them when
run again.  --starts original learns with the original's heads instead of Hugging Face's.  Prints a Markdown table: mean
and standard deviation over the seeds of the figure that chose the best checkpoint, on the dev examples.  Python's own
library is all it needs.
"""
import argparse
import concurrent.futures
import json
import pathlib
import subprocess
import sys

# name, language, seeds at most, arguments in which {} is the folder of labelled data
TASKS = [
    ("conll2000", "english", 9, "--task chunk --data {}/conll2000"),
    ("subj", "english", 9, "--task classify --train-file "
     "objective={0}/subj/plot.tok.gt9.5000,subjective={0}/subj/quote.tok.gt9.5000"),
    ("sst2", "english", 9, "--task sst2 --data {}/sst2"),
    ("cola", "english", 9, "--task cola --data {}/cola"),
    ("sick entailment", "english", 9, "--task classify --train-file {0}/sick/SICK_train.txt --dev-file "
     "{0}/sick/SICK_trial.txt --text-column 2 --second-column 3 --label-column 5"),
    ("sick relatedness", "english", 3, "--task regress --train-file {0}/sick/SICK_train.txt --dev-file "
     "{0}/sick/SICK_trial.txt --text-column 2 --second-column 3 --label-column 4 --low 1 --high 5 "
     "--num-train-epochs 10"),
    ("ner_wnut17", "english", 9, "--task ner --data {}/ner_wnut17"),
    ("klue_ner", "korean", 9, "--task ner --train-file {}/ko_klue_ner_dev/klue-ner-v1.1_dev.tsv --dev-last 1000"),
    ("ko_nsmc", "korean", 9, "--task classify --train-file {}/ko_nsmc/ratings_train.txt.zst --format tsv "
     "--max-dev-examples 2000"),
    ("ko_sts", "korean", 3, "--task regress --train-file {0}/ko_sts/sts-train.tsv --dev-file {0}/ko_sts/sts-dev.tsv "
     "--low 0 --high 5 --num-train-epochs 10"),
    ("ko_hate", "korean", 9, "--task classify --data {}/ko_hate --text-column comments --label-column hate"),
    ("ko_question_pair", "korean", 9, "--task classify --train-file {0}/ko_question_pair/train.tsv --dev-file "
     "{0}/ko_question_pair/dev.tsv"),
    ("rte", "english", 3, "--task rte --data {}/rte"),
    ("stsb", "english", 3, "--task stsb --data {}/stsb"),
    ("squad", "english", 3, "--task squad --train-file {}/squad/dev-v2.0.rebuilt.json --dev-every 5"),
]
STARTS = {"pre-trained": [], "random": ["--random-start"], "original": ["--head", "original"]}


def command(arguments, task, start):
    name, language, most, options = task
    output = pathlib.Path(arguments.output) / f"{name.replace(' ', '_')}.{start}"
    words = [arguments.electra, "finetune", "--model", getattr(arguments, language), "--output", str(output), "--json",
             "--threads", "1", "--num-trials", str(min(most, arguments.seeds)),
             "--max-train-examples", str(arguments.rows)]
    return words + options.format(arguments.labelled).split() + STARTS[start] + arguments.more


def run(words):
    done = subprocess.run(words, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{' '.join(words)}\n{done.stderr.splitlines()[-1] if done.stderr else done.returncode}")
    return json.loads(done.stdout)


def cell(result):
    summary = result["summary"][result["metric"]]
    return f"{100 * summary['mean']:.1f} ± {100 * summary['deviation']:.1f}"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--electra", required=True)
    parser.add_argument("--english", required=True, help="pre-trained run or model folder")
    parser.add_argument("--korean", required=True)
    parser.add_argument("--labelled", required=True, help="folder of the tasks' folders")
    parser.add_argument("--output", required=True)
    parser.add_argument("--tasks", nargs="*", help="only these")
    parser.add_argument("--starts", nargs="*", choices=STARTS, default=["pre-trained", "random"])
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--rows", type=int, default=10000, help="training rows at most")
    parser.add_argument("--jobs", type=int, default=2)
    arguments, arguments.more = parser.parse_known_args()
    tasks = [task for task in TASKS if not arguments.tasks or task[0] in arguments.tasks]
    with concurrent.futures.ThreadPoolExecutor(arguments.jobs) as pool:
        results = {(task[0], start): pool.submit(run, command(arguments, task, start))
                   for task in tasks for start in arguments.starts}
        print("| data | figure | seeds | " + " | ".join(arguments.starts) + " |")
        print("|" + "---|" * (3 + len(arguments.starts)))
        for task in tasks:
            of_task = [results[task[0], start].result() for start in arguments.starts]
            print(f"| {task[0]} | {of_task[0]['metric']} | {min(task[2], arguments.seeds)} | "
                  + " | ".join(map(cell, of_task)) + " |", flush=True)


if __name__ == "__main__":
    main()
