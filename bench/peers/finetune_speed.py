#!/usr/bin/env python3
"""Steps of fine-tuning: `electra finetune` beside transformers on PyTorch, in turn, on texts of their real lengths.

    bench/peers/finetune_speed.py --electra build/release/electra --vocab vocab.txt --task sst2 --data SST-2
    bench/peers/finetune_speed.py --vocab koelectra/vocab.txt --no-lowercase --task classify --data nsmc --precision bf16

An ELECTRA-Small of random weights, batches of 32.  Both learn from the same batches, electra without padding, PyTorch padded
to the longest of each (torch_finetune.py), with the plain attention and with PyTorch's own.  Times are of a step, from a
batch's ids to new weights: tokenising beforehand is not counted, nor is the start of the program.
"""
import argparse
import json
import pathlib
import subprocess
import tempfile

from finetune import open_data
from rounds import Figures, Turns, Worker, environment, fastest, finish, markdown, median, parser, ratio, take_turns
from tasks import TASKS, Feature
from torch_finetune import WARM_UP

TIME = "milliseconds"


def make_small(folder: pathlib.Path, vocab: pathlib.Path, lowercase: bool) -> pathlib.Path:
    """A random ELECTRA-Small discriminator with this vocabulary."""
    import torch
    from encoder import SIZES
    from transformers import ElectraConfig, ElectraForPreTraining

    torch.manual_seed(1)
    text = vocab.read_text()
    size = len(text.rstrip("\n").split("\n"))
    ElectraForPreTraining(ElectraConfig(vocab_size=size, **SIZES["small"])).save_pretrained(folder)
    (folder / "vocab.txt").write_text(text)
    (folder / "tokenizer_config.json").write_text(json.dumps(
        {"do_lower_case": lowercase, "strip_accents": lowercase, "tokenizer_class": "BertTokenizer"}))
    return folder


def settings(a: argparse.Namespace) -> list[str]:
    """What both sides are told."""
    data = ["--train-file", a.train_file] if a.train_file else ["--data", a.data]
    return [str(word) for word in ["--model", a.model, "--task", a.task, *data, "--threads", a.threads, "--seed", a.seed,
                                   "--max-train-examples", a.max_train_examples, "--max-dev-examples", 1]]


def electra(a: argparse.Namespace, precision: str, epochs: float) -> Figures:
    with tempfile.TemporaryDirectory() as name:
        subprocess.run([a.electra, "finetune", *settings(a), "--output", name, "--precision", precision, "--logging-steps", "1",
                        "--num-train-epochs", str(epochs), "--max-restarts", "0"],
                       check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        records = [json.loads(line) for line in (pathlib.Path(name) / "trial-1/metrics.jsonl").read_text().splitlines()]
    seconds = [record["seconds"] for record in records if record["kind"] == "train"]
    return {TIME: 1e3 * (seconds[-1] - seconds[WARM_UP - 1]) / (len(seconds) - WARM_UP), "steps": len(seconds)}


def compare(a: argparse.Namespace, precision: str, features: list[Feature]) -> Turns:
    """PyTorch's processes begin together and wait for their turns."""
    workers = {f"PyTorch, {attention}": Worker(
        "torch_finetune.py", [*settings(a), "--precision", precision, "--attention", attention, "--steps", str(a.steps)],
        environment(a.threads)) for attention in ("eager", "sdpa")}
    for worker in workers.values():
        worker.answer()
    epochs = (a.steps - 0.5) * 32 / len(features)  # rounded up
    contestants = {"electra": lambda: electra(a, precision, epochs)}
    for name, worker in workers.items():
        contestants[name] = worker.ask
    turns = take_turns(contestants, a.rounds, a.under)
    for worker in workers.values():
        worker.close()
    return turns


def row(precision: str, turns: Turns) -> list[str]:
    peers = list(turns)[1:]
    best = fastest(turns, peers, TIME)
    return [precision, *(f"{median(turns[name], TIME):.0f}" for name in turns), ratio(turns["electra"], turns[best], TIME)]


def main() -> None:
    p = parser(__doc__)
    p.add_argument("--task", choices=TASKS, required=True)
    p.add_argument("--data", type=pathlib.Path)
    p.add_argument("--train-file", type=pathlib.Path)
    p.add_argument("--vocab", type=pathlib.Path, required=True, help="vocab.txt")
    p.add_argument("--lowercase", action=argparse.BooleanOptionalAction, default=True)
    p.add_argument("--steps", type=int, default=16, help="of a turn; the first two are not counted")
    p.add_argument("--precision", nargs="+", choices=["fp32", "bf16"], default=["fp32", "bf16"])
    p.set_defaults(rounds=3, seed=1)
    a = p.parse_args()
    a.max_train_examples = 32 * a.steps
    with tempfile.TemporaryDirectory() as name:
        a.model = make_small(pathlib.Path(name), a.vocab, a.lowercase)
        features = open_data(argparse.Namespace(**vars(a), dev_every=0, max_dev_examples=1, max_seq_length=0))[1]
        results = {precision: compare(a, precision, features) for precision in a.precision}
    finish(a, results)
    lengths = [len(f.ids) for f in features]
    print(f"{a.task}, {sum(lengths) / len(lengths):.0f} tokens a text, the longest {max(lengths)}; milliseconds a step of 32; "
          f"{a.threads} threads; {results[a.precision[0]]['PyTorch, eager'][0]['program']}; medians of {a.rounds} turns\n")
    print(markdown(["", *results[a.precision[0]], "ratio to the faster one (least-most)"],
                   [row(precision, turns) for precision, turns in results.items()]))


if __name__ == "__main__":
    main()
