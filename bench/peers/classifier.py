#!/usr/bin/env python3
"""Texts to labels by one of the peers: what predict.py asks for its turns.

    bench/peers/classifier.py --library torch --model FOLDER --batch-size 32 texts.txt
    bench/peers/classifier.py --library onnxruntime-fused --model FOLDER texts.txt

A line of the file is a text.  PyTorch is given batches padded to the longest, as people run it; onnxruntime a text at a time
at its own length, without a mask or, fused, with one of ones.  Counted: tokenising (Hugging Face's, in Rust), the model,
softmax and a line of text for each answer; and, beside that, the model alone.
"""
import argparse
import pathlib
import time
from collections.abc import Callable, Sequence

import numpy as np
import torch
from encoder import run_onnxruntime
from rounds import Figures, serve, show
from transformers import AutoTokenizer, ElectraForSequenceClassification
from transformers.utils import logging

Ask = Callable[[dict[str, np.ndarray]], np.ndarray]


def ask_torch(model: ElectraForSequenceClassification, kind: str, attention: str) -> Ask:
    model = model.to(torch.bfloat16 if kind == "bf16" else torch.float32)
    model.set_attn_implementation(attention)

    @torch.inference_mode()
    def ask(inputs: dict[str, np.ndarray]) -> np.ndarray:
        return model(**{name: torch.from_numpy(values) for name, values in inputs.items()}).logits.float().numpy()

    return ask


def ask_onnxruntime(model: ElectraForSequenceClassification, kind: str, threads: int) -> Ask:
    run = run_onnxruntime(model, (1, 8), threads, kind, open_length=True)
    return lambda inputs: run(inputs["input_ids"])


LIBRARIES = {
    "torch": lambda model, threads: ask_torch(model, "float", "sdpa"),
    "torch-eager": lambda model, threads: ask_torch(model, "float", "eager"),
    "torch-bf16": lambda model, threads: ask_torch(model, "bf16", "sdpa"),
    "torch-bf16-eager": lambda model, threads: ask_torch(model, "bf16", "eager"),
    "onnxruntime": lambda model, threads: ask_onnxruntime(model, "float", threads),
    "onnxruntime-fused": lambda model, threads: ask_onnxruntime(model, "fused", threads),
}


def answer_lines(texts: Sequence[str], batch: int, tokenizer: Callable, ask: Ask) -> tuple[list[str], float]:
    """A line for each text, and the seconds that the model took."""
    lines, seconds = [], 0.0
    for first in range(0, len(texts), batch):
        inputs = tokenizer(texts[first:first + batch], padding=True, truncation=True, max_length=128, return_tensors="np")
        start = time.perf_counter()
        logits = ask(inputs)
        seconds += time.perf_counter() - start
        shares = np.exp(logits - logits.max(-1, keepdims=True))
        shares /= shares.sum(-1, keepdims=True)
        lines += [f"{first + i}\t{row.argmax()}\t" + "\t".join(f"{share:.7g}" for share in row) for i, row in enumerate(shares)]
    return lines, seconds


def main() -> None:
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("texts", type=pathlib.Path)
    p.add_argument("--library", choices=LIBRARIES, required=True)
    p.add_argument("--model", type=pathlib.Path, required=True)
    p.add_argument("--batch-size", type=int, default=1)
    p.add_argument("--threads", type=int, default=2)
    p.add_argument("--answers", type=pathlib.Path, help="writes them here")
    p.add_argument("--serve", action="store_true", help="measure when predict.py asks, not once")
    a = p.parse_args()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    torch.set_num_threads(a.threads)
    torch.set_flush_denormal(True)
    texts = a.texts.read_text().splitlines()
    tokenizer = AutoTokenizer.from_pretrained(a.model)
    ask = LIBRARIES[a.library](ElectraForSequenceClassification.from_pretrained(a.model).eval(), a.threads)

    def measure() -> Figures:
        start = time.perf_counter()
        lines, model = answer_lines(texts, a.batch_size, tokenizer, ask)
        seconds = time.perf_counter() - start
        if a.answers:
            a.answers.write_text("\n".join(lines) + "\n")
        return {"library": a.library, "milliseconds": 1e3 * seconds / len(texts), "model_milliseconds": 1e3 * model / len(texts)}

    answer_lines(texts[:100], a.batch_size, tokenizer, ask)
    serve(measure) if a.serve else show(measure())


if __name__ == "__main__":
    main()
