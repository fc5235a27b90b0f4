#!/usr/bin/env python3
"""Steps of fine-tuning on PyTorch with transformers: what finetune_speed.py asks for its turns.

    bench/peers/torch_finetune.py --model FOLDER --task sst2 --data SST-2 --precision bf16

Batches are those of `electra finetune` with the same seed, padded to the longest of each, as people run it; a step is from
their ids to new weights: tensors, forward, backward, clipping, PyTorch's fused AdamW.  bf16 is autocast.
"""
import time

import torch
from finetune import Training, open_data, open_model, parser
from rounds import Figures, serve, show
from transformers.utils import logging

WARM_UP = 2  # steps that are not counted, here and there


def fused(groups: list[dict]) -> torch.optim.Optimizer:
    return torch.optim.AdamW(groups, eps=1e-6, fused=True)


def main() -> None:
    p = parser(__doc__)
    p.add_argument("--precision", choices=["fp32", "bf16"], default="fp32")
    p.add_argument("--attention", choices=["eager", "sdpa"], default="sdpa")
    p.add_argument("--steps", type=int, default=16)
    p.add_argument("--serve", action="store_true", help="measure when finetune_speed.py asks, not once")
    a = p.parse_args()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    torch.manual_seed(a.seed)
    torch.set_num_threads(a.threads)
    torch.set_flush_denormal(True)
    data, train, _ = open_data(a)
    model = open_model(a.model, data, a.dropout)
    model.set_attn_implementation(a.attention)

    def measure() -> Figures:
        training = Training(model, data.task.kind, train, a, 1, a.seed, fused, a.precision == "bf16")
        for number in range(a.steps):
            if number == WARM_UP:
                start = time.perf_counter()
            training.step(number)
        return {"program": f"torch {torch.__version__}", "milliseconds": 1e3 * (time.perf_counter() - start) / (a.steps - WARM_UP)}

    serve(measure) if a.serve else show(measure())


if __name__ == "__main__":
    main()
