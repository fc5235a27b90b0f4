#!/usr/bin/env python3
"""All ratios of docs/performance.md for the processor at hand, as one table.

    bench/peers/all.py --venv /tmp/peers --text english.txt
    bench/peers/all.py --venv /tmp/peers --parts step int8 --rounds 1 --output ratios.json

Runs the other scripts of this folder one after the other, each of which measures in turns.  A venv that is not there is
made, with the peers in it (some gigabytes).  --text is needed by the parts that read one; 256 MB of English were used.
What cannot be measured here (a peer or an instruction set that is missing) says so in its row.
"""
import argparse
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time
import venv
from collections.abc import Callable, Iterator

from rounds import HERE, Figures, Turns, fastest, finish, machine, markdown, median, parser, ratio, run_json, take_turns

PACKAGES = ["torch", "transformers", "tokenizers", "openvino", "onnx", "onnxruntime", "onnxscript", "nanotoken"]
RATE, MILLISECONDS, SECONDS = "tokens_per_second", "milliseconds", "seconds"
FILE_BYTES = 10_000  # of each of many small files
Row = list[str]


class Trouble(Exception):
    """Why a part could not be measured."""


def script(a: argparse.Namespace, name: str, *arguments: object) -> dict:
    """What a script of this folder has measured, as it writes it."""
    with tempfile.TemporaryDirectory() as folder:
        output = pathlib.Path(folder) / "turns.json"
        words = [sys.executable, HERE / name, "--electra", a.electra, "--threads", a.threads, "--rounds", a.rounds,
                 "--output", output, *arguments]
        done = subprocess.run([str(word) for word in words], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        if done.returncode or not output.exists():
            raise Trouble(next(iter(done.stderr.strip().split("\n")[-1:]), "") or f"exit code {done.returncode}")
        return json.loads(output.read_text())


def row(what: str, turns: Turns, ours: str, peers: list[str], key: str, bar: str = "") -> Row:
    """Ours beside the fastest of some peers."""
    best = fastest(turns, peers, key)
    share = f"{100 * median(turns[ours], 'peak_share'):.0f} %" if "peak_share" in turns[ours][0] else ""
    return [what, f"{median(turns[ours], key):.4g}", share, best, f"{median(turns[best], key):.4g}",
            ratio(turns[ours], turns[best], key), bar]


# ---- the parts ----

def step(a: argparse.Namespace, raw: dict) -> Iterator[Row]:
    """Tokens a second of a training step."""
    cases = [("small", "auto", ("1.8", "3")), ("small", "avx2", ("1.95",)), ("base", "auto", ("1.9", "2.5"))]
    for size, level, bars in [case for case in cases if case[0] in a.model_sizes]:
        precisions = ["fp32", "bf16"][: len(bars)]
        turns = raw[f"{size} {level}"] = script(a, "step.py", "--model-size", size, "--level", level, "--precision", *precisions)
        for precision, bar in zip(precisions, bars):
            t = turns[precision]
            forced = "" if level == "auto" else f", {level} forced"
            yield row(f"step, {size}, {precision}{forced}, tokens/s", t, "electra", [name for name in t if name != "electra"],
                      RATE, bar)


def infer(a: argparse.Namespace, raw: dict) -> Iterator[Row]:
    """Milliseconds of an encoder's call."""
    from infer import PEERS, SHAPES

    for size, bar in [case for case in [("small", "1.2"), ("base", "1.1")] if case[0] in a.model_sizes]:
        shapes = a.shapes or (SHAPES if size == "small" else SHAPES[:-1])
        turns = raw[size] = script(a, "infer.py", "--model-size", size, "--seconds", a.seconds, "--shapes", *shapes)
        for kind in ("float", "bf16"):
            for shape in shapes:
                yield row(f"encoder, {size}, {kind}, {shape}, ms", turns[shape], "electra " + kind, PEERS[kind], MILLISECONDS, bar)


def int8(a: argparse.Namespace, raw: dict) -> Iterator[Row]:
    """int8 beside others' int8, and beside our own float."""
    from infer import PEERS

    shapes = a.shapes or ["1x16", "1x128", "32x128"]
    turns = raw["peers"] = script(a, "infer.py", "--precision", "int8", "--seconds", a.seconds, "--shapes", *shapes)
    for shape in shapes:
        yield row(f"encoder, small, int8, {shape}, ms", turns[shape], "electra int8", PEERS["int8"], MILLISECONDS, "1.0")
    for level, bar in [("auto", "2.5 with VNNI"), ("avx2", "1.6")]:
        def ours(precision: str, level: str = level) -> Figures:
            return run_json([a.electra, "bench", "infer", "--json", "--seconds", a.seconds, "--batch-size", 32,
                             "--max-seq-length", 128, "--threads", a.threads, "--precision", precision,
                             "--instruction-set", level])

        own = raw[level] = take_turns({"int8": lambda: ours("int8"), "our float": lambda: ours("fp32")}, a.rounds, a.under)
        forced = "" if level == "auto" else f", {level} forced"
        yield row(f"encoder, small, int8, 32x128{forced}, ms", own, "int8", ["our float"], MILLISECONDS, bar)


def tokenize(a: argparse.Namespace, raw: dict) -> Iterator[Row]:
    """Text to ids, and vocabularies."""
    with vocabulary(a) as vocab:
        raw["tokenize"] = script(a, "tokenizing.py", "--vocab", vocab, a.text)
    for threads, turns in raw["tokenize"].items():
        yield row(f"tokenize, {threads} threads, MB/s", turns, "electra", ["nanotoken"], "megabytes_per_second", "1.25")
    turns = raw["vocab"] = script(a, "vocab.py", a.text)
    yield row("vocab of 30522, s", turns, "electra", ["tokenizers"], SECONDS, "10")


class vocabulary:
    """A vocabulary of the text's first megabytes, for as long as it is used."""

    def __init__(self, a: argparse.Namespace):
        if not a.text:
            raise Trouble("--text: which?")
        self.a, self.folder = a, tempfile.TemporaryDirectory()

    def __enter__(self) -> pathlib.Path:
        folder = pathlib.Path(self.folder.name)
        with self.a.text.open("rb") as text:
            (folder / "begin.txt").write_bytes(text.read(20_000_000))
        run(self.a, "vocab", "--vocab-size", 30522, "--output", folder / "vocab.txt", folder / "begin.txt")
        return folder / "vocab.txt"

    def __exit__(self, *_: object) -> None:
        self.folder.cleanup()


def run(a: argparse.Namespace, *arguments: object) -> Figures:
    start = time.perf_counter()
    done = subprocess.run([str(word) for word in (a.electra, *arguments)], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                          text=True)
    if done.returncode:
        raise Trouble(done.stderr.strip().split("\n")[-1])
    return {"seconds": time.perf_counter() - start}


def cut(text: pathlib.Path, size: int, folder: pathlib.Path) -> tuple[pathlib.Path, pathlib.Path]:
    """The first `size` bytes as one file, and in files of FILE_BYTES, each to the end of a line."""
    one, many = folder / "one.txt", folder / "many"
    with text.open("rb") as source, one.open("wb") as whole:
        for i in range(size // FILE_BYTES):
            data = source.read(FILE_BYTES) + source.readline()
            if not data:
                break
            place = many / f"{i // 1000:04}"
            place.mkdir(parents=True, exist_ok=True)
            (place / f"{i:07}.txt").write_bytes(data)
            whole.write(data + b"\n")
    return one, many


def files(a: argparse.Namespace, raw: dict) -> Iterator[Row]:
    """Many small files beside one that holds the same text."""
    with vocabulary(a) as vocab, tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        one, many = cut(a.text, a.files * FILE_BYTES, folder)
        commands = {"prepare": ["prepare", "--vocab", vocab, "--overwrite", "--output", folder / "shards"],
                    "vocab": ["vocab", "--vocab-size", 1000, "--output", folder / "v.txt"]}
        for command, words in commands.items():
            turns = raw[command] = take_turns({"many files": lambda: run(a, *words, "--threads", a.threads, many),
                                               "one file": lambda: run(a, *words, "--threads", a.threads, one)},
                                              a.rounds, a.under)
            yield row(f"{command}, {a.files} files of 10 kB, s", turns, "many files", ["one file"], SECONDS, "1.0")


PARTS: dict[str, Callable[[argparse.Namespace, dict], Iterator[Row]]] = {
    "step": step, "infer": infer, "int8": int8, "tokenize": tokenize, "files": files}


# ---- the whole ----

def enter(folder: pathlib.Path) -> None:
    """Goes on in the venv's Python, which is made where it is not there."""
    python = folder / "bin" / "python"
    if not python.exists():
        print(f"{folder}: making it, with {', '.join(PACKAGES)}", file=sys.stderr)
        venv.create(folder, with_pip=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", *PACKAGES], check=True,
                       env=os.environ | {"PIP_EXTRA_INDEX_URL": "https://download.pytorch.org/whl/cpu"})
    if pathlib.Path(sys.prefix).resolve() != folder.resolve():
        os.execv(python, [str(python), *sys.argv])


def kind_of(flags: set[str]) -> str:
    """The kind of processor that docs/performance.md has a table for."""
    if "avx512f" in flags:
        has = {"bf16": "avx512_bf16", "VNNI": "avx512_vnni", "AMX": "amx_bf16"}
        return ", ".join(["AVX-512"] + [name for name, flag in has.items() if flag in flags])
    return "AVX2" if "avx2" in flags else "no AVX2"


def flags() -> set[str]:
    info = pathlib.Path("/proc/cpuinfo").read_text()
    return set(next((line for line in info.split("\n") if line.startswith("flags")), "").split())


def main() -> None:
    p = parser(__doc__)
    p.set_defaults(rounds=3)
    p.add_argument("--venv", type=pathlib.Path, required=True, help="with the peers; made if it is not there")
    p.add_argument("--parts", nargs="+", choices=PARTS, default=list(PARTS))
    p.add_argument("--model-sizes", nargs="+", choices=["small", "base"], default=["small", "base"])
    p.add_argument("--shapes", nargs="+", metavar="BATCHxLENGTH", help="of encoders (default: all that have a row)")
    p.add_argument("--text", type=pathlib.Path, help="a large text file, for tokenize and files")
    p.add_argument("--files", type=int, default=10000, help="small files that the text is cut into")
    p.add_argument("--seconds", type=float, default=0.5, help="that an encoder's turn measures for, at least")
    a = p.parse_args()
    enter(a.venv)
    raw: dict[str, dict] = {}
    rows: list[Row] = []
    for part in a.parts:
        print(f"{part} ...", file=sys.stderr)
        raw[part] = {}
        try:
            for line in PARTS[part](a, raw[part]):
                rows.append(line)
        except Trouble as why:
            rows.append([f"{part}: not measured", *[""] * 4, str(why), ""])
    finish(a, raw)
    peak = run_json([a.electra, "bench", "gemm", "--json", "--seconds", 0.1, "--threads", a.threads])
    print(f"{machine(peak)} ({kind_of(flags())}); medians of {a.rounds} turns\n")
    print(markdown(["what", "electra", "of the peak", "the fastest peer", "its figure", "ratio (least-most)", "wanted"], rows))


if __name__ == "__main__":
    main()
