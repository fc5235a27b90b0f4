#!/usr/bin/env python3
"""One full ELECTRA pre-training step on PyTorch with transformers' own classes: the peer of `electra bench step`.

    bench/peers/torch_step.py --threads 2 --precision bf16 --compile

The step: choose 15 % of the tokens, mask them, generator (its vocabulary product at the chosen tokens only), cross-entropy,
sample replacements, discriminator, binary cross-entropy at every token, loss = generator + 50 discriminator, backward through
both, clip at 1, fused AdamW.  Embeddings with their LayerNorm are shared; dropout is 0.1.  Prints one JSON object; the
figures are medians over the steps.  Needs torch and transformers; nothing in the build does.

PyTorch is made as fast as it reasonably goes: replacements are found by one uniform number a place in the running sum of
the softmax (Gumbel noise for every word of the vocabulary takes a fifth of the step), attention is the plain one (the fused
kernel has no dropout on a processor and gives way to a slower one), denormals are flushed; step.py adds threads bound to
cores and memory that stays with the process.  --plain is the step as it is commonly written: Gumbel noise, transformers'
own choice of attention.
"""
import argparse
import statistics
import time
from collections.abc import Callable

import torch
import transformers
from rounds import Figures, serve, show
from torch.nn import functional
from transformers import ElectraConfig, ElectraForMaskedLM, ElectraForPreTraining

SIZES = {  # discriminator: hidden, layers, heads, embedding; generator: share of the width, heads
    "small": dict(hidden=256, layers=12, heads=4, embedding=128, share=4, generator_heads=1),
    "base": dict(hidden=768, layers=12, heads=12, embedding=768, share=3, generator_heads=4),
}
VOCABULARY, MASK, FIRST_WORD = 30522, 103, 1000
MASK_SHARE, DISCRIMINATOR_WEIGHT = 0.15, 50.0


def config(size: dict[str, int], share: int, heads: int, attention: str | None) -> ElectraConfig:
    width = size["hidden"] // share
    return ElectraConfig(vocab_size=VOCABULARY, embedding_size=size["embedding"], hidden_size=width,
                         num_hidden_layers=size["layers"], num_attention_heads=heads, intermediate_size=4 * width,
                         hidden_dropout_prob=0.1, attention_probs_dropout_prob=0.1, attn_implementation=attention)


class Pair(torch.nn.Module):
    """Both networks and their joint loss on ids whose chosen places are known."""

    def __init__(self, size: dict[str, int], plain: bool):
        super().__init__()
        attention = None if plain else "eager"
        self.sample = sample_gumbel if plain else sample
        self.discriminator = ElectraForPreTraining(config(size, 1, size["heads"], attention))
        self.generator = ElectraForMaskedLM(config(size, size["share"], size["generator_heads"], attention))
        self.generator.electra.embeddings = self.discriminator.electra.embeddings
        self.generator.generator_lm_head.weight = self.discriminator.electra.embeddings.word_embeddings.weight

    def forward(self, ids, rows, columns, uniform):
        original = ids[rows, columns]
        masked = ids.clone()
        masked[rows, columns] = MASK
        hidden = self.generator.electra(masked)[0][rows, columns]
        logits = self.generator.generator_lm_head(self.generator.generator_predictions(hidden)).float()
        generator_loss = functional.cross_entropy(logits, original)
        corrupted = ids.clone()
        corrupted[rows, columns] = self.sample(logits.detach(), uniform)
        replaced = (corrupted != ids).float()
        scores = self.discriminator.discriminator_predictions(self.discriminator.electra(corrupted)[0]).float()
        return generator_loss + DISCRIMINATOR_WEIGHT * functional.binary_cross_entropy_with_logits(scores, replaced)


@torch.no_grad()
def sample(logits: torch.Tensor, uniform: torch.Tensor) -> torch.Tensor:
    """A draw from each row's softmax: where its running sum passes a uniform number."""
    sums = logits.softmax(-1).cumsum(-1)
    return torch.searchsorted(sums, uniform * sums[:, -1:]).squeeze(1).clamp(max=VOCABULARY - 1)


@torch.no_grad()
def sample_gumbel(logits: torch.Tensor, uniform: torch.Tensor) -> torch.Tensor:
    return (logits - torch.empty_like(logits).exponential_().log()).argmax(-1)


def draw(batch: int, length: int) -> tuple[torch.Tensor, ...]:
    """A batch and the places to predict, the same number in every row."""
    ids = torch.randint(FIRST_WORD, VOCABULARY, (batch, length))
    each = max(1, round(MASK_SHARE * length))
    columns = torch.rand(batch, length).topk(each, 1).indices.flatten()
    rows = torch.arange(batch).repeat_interleave(each)
    return ids, rows, columns, torch.rand(rows.numel(), 1)


def training(a: argparse.Namespace) -> tuple[Callable[[], float], int]:
    """The step, which returns its loss, and the number of parameters."""
    torch.manual_seed(1)
    torch.set_num_threads(a.threads)
    torch.set_flush_denormal(True)
    pair = Pair(SIZES[a.model_size], a.plain).train()
    parameters = list(dict.fromkeys(pair.parameters()))
    optimizer = torch.optim.AdamW(parameters, lr=5e-4, eps=1e-6, weight_decay=0.01, fused=True)
    forward = torch.compile(pair) if a.compile else pair

    def step() -> float:
        batch = draw(a.batch_size, a.max_seq_length)
        optimizer.zero_grad(set_to_none=True)
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=a.precision == "bf16"):
            loss = forward(*batch)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(parameters, 1.0)
        optimizer.step()
        return loss.item()

    return step, sum(p.numel() for p in parameters)


def main() -> None:
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--model-size", choices=SIZES, default="small")
    p.add_argument("--batch-size", type=int, default=16)
    p.add_argument("--max-seq-length", type=int, default=128)
    p.add_argument("--threads", type=int, default=2)
    p.add_argument("--precision", choices=["fp32", "bf16"], default="fp32")
    p.add_argument("--compile", action="store_true", help="through torch.compile (its time is in the warm-up)")
    p.add_argument("--plain", action="store_true", help="as commonly written")
    p.add_argument("--warmup", type=int, default=2)
    p.add_argument("--steps", type=int, default=5)
    p.add_argument("--serve", action="store_true", help="measure when step.py asks, not once")
    a = p.parse_args()
    step, parameters = training(a)
    for _ in range(a.warmup):
        step()

    def measure(seconds: float, least: int) -> Figures:
        times, end = [], time.perf_counter() + seconds
        while len(times) < least or time.perf_counter() < end:
            start = time.perf_counter()
            loss = step()
            times.append(time.perf_counter() - start)
        middle = statistics.median(times)
        return {
            "program": f"torch {torch.__version__}, transformers {transformers.__version__}",
            "model_size": a.model_size, "precision": a.precision, "compile": a.compile, "plain": a.plain, "threads": a.threads,
            "batch_size": a.batch_size, "max_seq_length": a.max_seq_length, "steps": len(times),
            "milliseconds": 1e3 * middle, "tokens_per_second": a.batch_size * a.max_seq_length / middle,
            "parameters": parameters, "loss": loss,
        }

    if a.serve:
        serve(measure)
    else:
        show(measure(0, a.steps))


if __name__ == "__main__":
    main()
