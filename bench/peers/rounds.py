"""What the comparisons share: contestants take turns, medians are compared, a table is printed.

A contestant is a function without arguments that measures for some seconds and returns its figures.  What costs time to
load or compile is a Worker, one process for all its turns; `serve` is the other end.  A ratio is the median over the
rounds of the quotients within one round, so that a slow minute slows both sides of it.
"""
import argparse
import contextlib
import json
import os
import pathlib
import shlex
import statistics
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence

Figures = dict[str, object]
Turns = dict[str, list[Figures]]

HERE = pathlib.Path(__file__).resolve().parent


def parser(description: str) -> argparse.ArgumentParser:
    p = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--electra", default="build/release/electra", help="the program")
    p.add_argument("--threads", type=int, default=2)
    p.add_argument("--rounds", type=int, default=5, help="turns that each contestant takes")
    p.add_argument("--output", type=pathlib.Path, help="writes every turn as JSON here")
    p.add_argument("--under", type=shlex.split, default=[], metavar="COMMAND",
                   help="keeps `COMMAND cat` running during each round: a lock, a program that stops others")
    return p


def environment(threads: int, openmp: bool = True) -> dict[str, str]:
    """What a peer's process is told: threads and where they run, memory kept by malloc and in huge pages.  OpenMP binds
    the first thread to a core, which pools that are not OpenMP's would inherit: all of their threads on one core."""
    bound = {"OMP_PROC_BIND": "true", "OMP_PLACES": "cores"} if openmp else {}
    return os.environ | bound | {
        "OMP_NUM_THREADS": str(threads), "MKL_NUM_THREADS": str(threads), "RAYON_NUM_THREADS": str(threads),
        "THP_MEM_ALLOC_ENABLE": "1",
        "MALLOC_TRIM_THRESHOLD_": str(1 << 40), "MALLOC_MMAP_THRESHOLD_": str(1 << 40), "MALLOC_TOP_PAD_": str(1 << 26),
        "TOKENIZERS_PARALLELISM": "true", "HF_HUB_OFFLINE": "1",
    }


class Worker:
    """A script of this folder that answers one line of JSON with another, until it is closed."""

    def __init__(self, script: str, arguments: Sequence[str], env: dict[str, str]):
        self.what = " ".join([script, *arguments])
        self.process = subprocess.Popen([sys.executable, str(HERE / script), *arguments, "--serve"], env=env, text=True,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def answer(self) -> Figures:
        line = self.process.stdout.readline()
        if not line:
            sys.exit(f"{self.what}: ended without an answer")
        return json.loads(line)

    def ask(self, **request: object) -> Figures:
        self.process.stdin.write(json.dumps(request) + "\n")
        self.process.stdin.flush()
        return self.answer()

    def close(self) -> None:
        self.process.stdin.close()
        self.process.wait()


def serve(answer: Callable[..., Figures]) -> None:
    """Says that it is ready, then answers requests.  What libraries print goes to stderr."""
    replies = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    print(json.dumps({"ready": True}), file=replies)
    for line in sys.stdin:
        print(json.dumps(answer(**json.loads(line))), file=replies)


def show(figures: Figures) -> None:
    print(json.dumps(figures))


def run_json(command: Sequence[object], env: dict[str, str] | None = None) -> Figures:
    """The JSON object that a program prints."""
    return json.loads(subprocess.run([str(word) for word in command], env=env, check=True, stdout=subprocess.PIPE).stdout)


@contextlib.contextmanager
def held(command: Sequence[str]) -> Iterator[None]:
    """Keeps `command cat` running; it has begun once cat gives a line back."""
    if not command:
        yield
        return
    with subprocess.Popen([*command, "cat"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as cat:
        cat.stdin.write("begin\n")
        cat.stdin.flush()
        cat.stdout.readline()
        yield
        cat.stdin.close()


def take_turns(contestants: dict[str, Callable[[], Figures]], rounds: int, under: Sequence[str]) -> Turns:
    """Every contestant once a round, in an order that turns round each time."""
    turns: Turns = {name: [] for name in contestants}
    for i in range(rounds):
        with held(under):
            for name in list(contestants)[:: -1 if i % 2 else 1]:
                turns[name].append(contestants[name]())
    return turns


def numbers(turns: list[Figures], key: str) -> list[float]:
    return [float(turn[key]) for turn in turns]


def median(turns: list[Figures], key: str) -> float:
    return statistics.median(numbers(turns, key))


def fastest(turns: Turns, names: Sequence[str], key: str) -> str:
    """Who has the highest rate, or the lowest time where the key is one."""
    best = min if key in ("milliseconds", "seconds") else max
    return best(names, key=lambda name: median(turns[name], key))


def ratio(ours: list[Figures], theirs: list[Figures], key: str) -> str:
    """How many times as fast we are, with the least and the most of all rounds."""
    quotients = [a / b for a, b in zip(numbers(ours, key), numbers(theirs, key))]
    if key in ("milliseconds", "seconds"):
        quotients = [1 / q for q in quotients]
    return f"**{statistics.median(quotients):.2f}** ({min(quotients):.2f}-{max(quotients):.2f})"


def markdown(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def machine(figures: Figures) -> str:
    """The machine as `electra bench --json` describes it."""
    m = figures["machine"]
    return f"{m['cpu']}, {m['threads']} threads, {m['instruction_set']}"


def finish(options: argparse.Namespace, raw: object) -> None:
    if options.output:
        options.output.write_text(json.dumps(raw, indent=1) + "\n")
