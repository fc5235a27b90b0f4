#!/usr/bin/env python3
"""A whole ELECTRA training step: `electra bench step` beside transformers on PyTorch, in turn.

    bench/peers/step.py --electra build/release/electra --compile
    bench/peers/step.py --model-size base --precision bf16 --rounds 3
    bench/peers/step.py --level avx2 --precision fp32

The peer's figure is the better of eager and, with --compile, compiled; torch_step.py says what the step is, what was done
for its speed, and what it is without that (--plain, in the environment as it is).  --level forces both sides to an
instruction set below this processor's best.  torch.compile takes minutes the first time and remembers
(TORCHINDUCTOR_CACHE_DIR).
"""
import argparse
import os
from collections.abc import Callable

from rounds import (Figures, Turns, Worker, environment, fastest, finish, machine, markdown, median, parser, ratio,
                    run_json, take_turns)

CASES = {"small": (16, 128), "base": (4, 512)}  # sequences, tokens in each
RATE = "tokens_per_second"
LEVELS = {  # what confines PyTorch, oneDNN and MKL as --instruction-set confines electra
    "auto": {},
    "avx2": {"ATEN_CPU_CAPABILITY": "avx2", "ONEDNN_MAX_CPU_ISA": "AVX2", "MKL_ENABLE_INSTRUCTIONS": "AVX2"},
    "avx512": {"ATEN_CPU_CAPABILITY": "avx512", "ONEDNN_MAX_CPU_ISA": "AVX512_CORE_VNNI",
               "MKL_ENABLE_INSTRUCTIONS": "AVX512"},
}


def case(a: argparse.Namespace) -> list[str]:
    batch, length = CASES[a.model_size]
    return ["--model-size", a.model_size, "--batch-size", str(batch), "--max-seq-length", str(length),
            "--threads", str(a.threads)]


def electra(a: argparse.Namespace, precision: str) -> Callable[[], Figures]:
    return lambda: run_json([a.electra, "bench", "step", "--json", "--seconds", a.seconds, "--precision", precision,
                             "--instruction-set", a.level, *case(a)])


def compare(a: argparse.Namespace, precision: str) -> Turns:
    """PyTorch's processes begin together and wait, warm, for their turns."""
    peers = {"PyTorch": ([], environment(a.threads))}
    if a.plain:
        peers["PyTorch, plain"] = (["--plain"], dict(os.environ))
    if a.compile:
        peers["PyTorch, compiled"] = (["--compile"], environment(a.threads))
    workers = {name: Worker("torch_step.py", [*case(a), "--precision", precision, *flags], env | LEVELS[a.level])
               for name, (flags, env) in peers.items()}
    for worker in workers.values():
        worker.answer()
    contestants = {"electra": electra(a, precision)}
    for name, worker in workers.items():
        contestants[name] = lambda worker=worker: worker.ask(seconds=a.seconds, least=a.least)
    turns = take_turns(contestants, a.rounds, a.under)
    for worker in workers.values():
        worker.close()
    return turns


def row(precision: str, turns: Turns) -> list[str]:
    ours, peers = turns["electra"], list(turns)[1:]
    best = fastest(turns, peers, RATE)
    share = median(turns[best], RATE) * median(ours, "flops_per_token") / (1e9 * median(ours, "peak_gflops"))
    return [precision, f"{median(ours, RATE):.0f}", f"{100 * median(ours, 'peak_share'):.0f} %",
            *(f"{median(turns[name], RATE):.0f}" for name in peers), f"{100 * share:.0f} %", ratio(ours, turns[best], RATE)]


def main() -> None:
    p = parser(__doc__)
    p.add_argument("--seconds", type=float, default=4, help="that a turn measures for, at least")
    p.add_argument("--model-size", choices=CASES, default="small")
    p.add_argument("--precision", nargs="+", choices=["fp32", "bf16"], default=["fp32", "bf16"])
    p.add_argument("--level", choices=LEVELS, default="auto")
    p.add_argument("--compile", action="store_true", help="measure torch.compile too")
    p.add_argument("--plain", action="store_true", help="measure PyTorch's step as commonly written too")
    p.add_argument("--least", type=int, default=1, help="steps of PyTorch in a turn, at least")
    a = p.parse_args()
    results = {precision: compare(a, precision) for precision in a.precision}
    finish(a, results)
    batch, length = CASES[a.model_size]
    first = results[a.precision[0]]
    print(f"{a.model_size}, {batch} x {length} tokens a step; {machine(first['electra'][0])}; {first['PyTorch'][0]['program']}; "
          f"tokens a second, medians of {a.rounds} turns\n")
    print(markdown(["", "electra", "of the peak", *list(first)[1:], "the best, of the peak", "ratio to it (least-most)"],
                   [row(precision, turns) for precision, turns in results.items()]))


if __name__ == "__main__":
    main()
