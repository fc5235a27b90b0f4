#!/usr/bin/env python3
"""Encoders at work: `electra bench infer` beside OpenVINO, onnxruntime and PyTorch, in turn.

    bench/peers/infer.py --electra build/release/electra --model-size small
    bench/peers/infer.py --model-size base --shapes 1x16 1x128 --rounds 3
    bench/peers/infer.py --precision int8
    bench/peers/infer.py --check

Milliseconds a call; encoder.py says how each peer is set.  --check first makes a random Small discriminator with
transformers, and compares the logits that `electra detect` and each peer's encoder give for a sentence.
"""
import argparse
import json
import pathlib
import sys
import tempfile

from rounds import (Figures, Turns, Worker, environment, fastest, finish, machine, markdown, median, parser, ratio,
                    run_json, take_turns)

PRECISIONS = {"float": "fp32", "bf16": "bf16", "int8": "int8"}
PEERS = {  # by the precision of their products
    "float": ["openvino", "onnxruntime", "onnxruntime-fused"],
    "bf16": ["openvino-bf16", "torch-bf16"],
    "int8": ["openvino-int8", "onnxruntime-int8"],
}
SHAPES = ["1x16", "1x32", "1x128", "1x512", "32x128"]
TOLERANCE = {"float": 1e-4, "bf16": 0.05, "int8": 0.2}  # of the range that the logits take
SENTENCE = "the quick brown fox jumps over the lazy dog"


def compare(a: argparse.Namespace, shape: str) -> Turns:
    """Peers are opened together and wait, warm, for their turns."""
    batch, length = shape.split("x")
    case = ["--model-size", a.model_size, "--batch-size", batch, "--max-seq-length", length, "--threads", str(a.threads)]
    workers = {library: Worker("encoder.py", ["--library", library, *case],
                               environment(a.threads, openmp=library.startswith("torch")))
               for kind in a.precision for library in PEERS[kind]}
    for worker in workers.values():
        worker.answer()

    def electra(kind: str) -> Figures:
        return run_json([a.electra, "bench", "infer", "--json", "--seconds", a.seconds, "--precision", PRECISIONS[kind], *case])

    contestants = {"electra " + kind: lambda kind=kind: electra(kind) for kind in a.precision}
    for library, worker in workers.items():
        contestants[library] = lambda worker=worker: worker.ask(seconds=a.seconds)
    turns = take_turns(contestants, a.rounds, a.under)
    for worker in workers.values():
        worker.close()
    return turns


def rows(kind: str, results: dict[str, Turns]) -> list[list[str]]:
    """One line for each contestant, then our ratio to the fastest peer at each shape, and its name."""
    def line(name: str) -> list[str]:
        return [name] + [f"{median(turns[name], 'milliseconds'):.4g}" for turns in results.values()]

    ours = "electra " + kind
    best = {shape: fastest(turns, PEERS[kind], "milliseconds") for shape, turns in results.items()}
    share = [f"{100 * median(turns[ours], 'peak_share'):.0f} %" for turns in results.values()]
    against = [ratio(turns[ours], turns[best[shape]], "milliseconds") for shape, turns in results.items()]
    return [line(ours), ["of the peak", *share], *(line(peer) for peer in PEERS[kind]),
            ["ratio to the fastest peer", *against], ["which is", *best.values()]]


def make_discriminator(folder: pathlib.Path) -> "torch.nn.Module":
    """Random; the encoder's weights narrow enough that tokens stay apart, the head's wide enough that logits do."""
    import torch
    from encoder import SIZES
    from transformers import ElectraConfig, ElectraForPreTraining

    pieces = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *dict.fromkeys(SENTENCE.split())]
    (folder / "vocab.txt").write_text("".join(piece + "\n" for piece in pieces))
    (folder / "tokenizer_config.json").write_text(json.dumps({"do_lower_case": True, "tokenizer_class": "ElectraTokenizer"}))
    torch.manual_seed(7)
    model = ElectraForPreTraining(ElectraConfig(vocab_size=len(pieces), initializer_range=0.04, **SIZES["small"])).eval()
    for parameter in model.discriminator_predictions.parameters():
        parameter.data *= 6
    model.save_pretrained(folder)
    return model


def check(a: argparse.Namespace) -> None:
    import numpy as np
    import torch
    from encoder import open_encoder

    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        model = make_discriminator(folder)
        words = (folder / "vocab.txt").read_text().split()
        ids = np.array([[words.index(piece) for piece in ["[CLS]", *SENTENCE.split(), "[SEP]"]]])
        for kind in a.precision:
            found = run_json([a.electra, "detect", "--model", folder, "--json", "--precision", PRECISIONS[kind], SENTENCE])
            shares = np.array([token["probability"] for token in found["tokens"]])
            ours = np.log(shares / (1 - shares))
            for library in PEERS[kind]:
                hidden = open_encoder(library, "small", ids.shape, a.threads, folder)(ids)
                with torch.no_grad():
                    theirs = model.discriminator_predictions(torch.from_numpy(np.array(hidden)))[0, 1:-1].numpy()
                apart = abs(theirs - ours).max()
                print(f"{library}: logits from {theirs.min():.2f} to {theirs.max():.2f}, at most {apart:.1e} from electra's")
                if not apart <= TOLERANCE[kind] * (ours.max() - ours.min()):
                    sys.exit(f"{library} computes something else")


def main() -> None:
    p = parser(__doc__)
    p.add_argument("--seconds", type=float, default=1, help="that a turn measures for, at least")
    p.add_argument("--model-size", choices=["small", "base"], default="small")
    p.add_argument("--shapes", nargs="+", default=SHAPES, metavar="BATCHxLENGTH")
    p.add_argument("--precision", nargs="+", choices=PEERS, default=["float", "bf16"])
    p.add_argument("--check", action="store_true", help="only compare what is computed")
    a = p.parse_args()
    if a.check:
        check(a)
        return
    results = {shape: compare(a, shape) for shape in a.shapes}
    finish(a, results)
    some = results[a.shapes[0]]["electra " + a.precision[0]][0]
    print(f"{a.model_size} encoder, milliseconds a call; {machine(some)}; medians of {a.rounds} turns\n")
    for kind in a.precision:
        print(markdown([kind, *a.shapes], rows(kind, results)) + "\n")


if __name__ == "__main__":
    main()
