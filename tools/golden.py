#!/usr/bin/env python3
"""Makes tests/model/golden/: a tiny pair of networks by Hugging Face's transformers, and what they compute.

    python3 tools/golden.py [FOLDER]        needs numpy, torch, transformers, safetensors

    generator/, discriminator/   model folders as transformers saves them, float32, embeddings shared
    case.safetensors             a batch and the answers, computed in double from those weights:

    padded_ids (3, longest), lengths (3)    the batch as transformers is given it
    ids, segments, positions (rows)         the same without padding, one sequence after another
    starts (4)                              where each begins; the last is the number of rows
    slots (k)                               rows to predict, ascending; slot_sequence, slot_position (k): where they are
    targets, sampled (k)                    the original ids there, and the ids put in their place
    generator_ids, discriminator_ids (rows) inputs; all slots but one are [MASK], one sample equals its original
    replaced (rows)                         1 where the discriminator's input differs from the original
    generator_logits (k, vocabulary), discriminator_logits (rows)
    loss (3)                                total = mlm + 50 disc, mlm (mean over slots), disc (mean over rows)
    generator.<name>, discriminator.<name>  gradients of the total, float32; the embeddings' are the sum over both
                                            networks and the output layer, as discriminator.electra.embeddings...
    curve (10, 3)                           loss before each of ten AdamW steps on this batch
    curve_norm (10)                         norm of the gradient there, before it is clipped to 1

Integers are I32, numbers F64 unless said.
"""
import os
import shutil
import sys

import numpy
import torch
from safetensors.numpy import save_file
from transformers import ElectraConfig, ElectraForMaskedLM, ElectraForPreTraining

SHAPE = dict(vocab_size=50, embedding_size=16, num_hidden_layers=2, intermediate_size=64, max_position_embeddings=32,
             hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0, attn_implementation="eager")
CLS, SEP, MASK = 2, 3, 4
LENGTHS = [11, 5, 16]
SECONDS = [6, 5, 9]  # where segment 1 begins
SLOTS = [[2, 7], [3], [1, 9, 13]]
KEPT = (2, 9)  # the slot that the generator sees unmasked
GUESSED = (0, 7)  # the slot whose sample is right
RATE, DECAY, BETA1, BETA2, EPSILON, STEPS = 1e-3, 0.01, 0.9, 0.999, 1e-6, 10


def randomize(model, random):
    for name, value in model.named_parameters():
        numbers = 0.2 * random.standard_normal(tuple(value.shape))
        if name.endswith("LayerNorm.weight"):
            numbers += 1
        value.data = torch.tensor(numbers, dtype=torch.float32)


def networks():
    random = numpy.random.default_rng(20201)
    discriminator = ElectraForPreTraining(ElectraConfig(hidden_size=32, num_attention_heads=2, **SHAPE))
    generator = ElectraForMaskedLM(ElectraConfig(hidden_size=16, num_attention_heads=1, **SHAPE))
    randomize(discriminator, random)
    randomize(generator, random)
    generator.electra.embeddings = discriminator.electra.embeddings
    # The original has no padding row, so its gradient is like any other's.
    generator.electra.embeddings.word_embeddings.padding_idx = None
    generator.generator_lm_head.weight = generator.electra.embeddings.word_embeddings.weight
    return generator.eval(), discriminator.eval()


def save_network(model, folder):
    shutil.rmtree(folder, ignore_errors=True)
    model.save_pretrained(folder)
    for name in os.listdir(folder):
        if name not in ("config.json", "model.safetensors"):
            os.remove(os.path.join(folder, name))


def padded(rows):
    longest = max(LENGTHS)
    return torch.tensor([list(r) + [0] * (longest - len(r)) for r in rows])


def batch():
    random = numpy.random.default_rng(7)
    original = [[CLS] + list(random.integers(5, 50, n - 2)) + [SEP] for n in LENGTHS]
    for sequence, second, n in zip(original, SECONDS, LENGTHS):
        if second < n:
            sequence[second - 1] = SEP
    masked = [list(s) for s in original]
    replaced = [list(s) for s in original]
    sampled = []
    for s, positions in enumerate(SLOTS):
        for p in positions:
            if (s, p) != KEPT:
                masked[s][p] = MASK
            if (s, p) != GUESSED:
                replaced[s][p] = 5 + (original[s][p] + 13) % 45  # any other token
            assert (replaced[s][p] == original[s][p]) == ((s, p) == GUESSED)
            sampled.append(replaced[s][p])
    return original, masked, replaced, sampled


class Case:
    def __init__(self):
        self.original, self.masked, self.replaced, self.sampled = batch()
        self.segments = [[int(p >= second) for p in range(n)] for n, second in zip(LENGTHS, SECONDS)]
        self.real = padded([[1] * n for n in LENGTHS])
        self.slots = [(s, p) for s, positions in enumerate(SLOTS) for p in positions]
        self.targets = torch.tensor([self.original[s][p] for s, p in self.slots])
        self.labels = (padded(self.replaced) != padded(self.original)).double()

    def logits(self, generator, discriminator):
        how = dict(attention_mask=self.real, token_type_ids=padded(self.segments))
        guess = generator(padded(self.masked), **how).logits
        found = discriminator(padded(self.replaced), **how).logits
        return torch.stack([guess[s, p] for s, p in self.slots]), found

    def losses(self, generator, discriminator):
        guess, found = self.logits(generator, discriminator)
        mlm = torch.nn.functional.cross_entropy(guess, self.targets)
        each = torch.nn.functional.binary_cross_entropy_with_logits(found, self.labels, reduction="none")
        disc = (each * self.real).sum() / self.real.sum()
        return mlm + 50 * disc, mlm, disc

    def check_padding(self, generator, discriminator):
        """What a sequence computes must not depend on the padding after it."""
        guess, found = self.logits(generator, discriminator)
        for s, n in enumerate(LENGTHS):
            how = dict(token_type_ids=torch.tensor([self.segments[s]]))
            alone = discriminator(torch.tensor([self.replaced[s]]), **how).logits[0]
            assert (alone - found[s, :n]).abs().max() < 1e-12
            alone = generator(torch.tensor([self.masked[s]]), **how).logits[0]
            for k, (sequence, p) in enumerate(self.slots):
                assert sequence != s or (alone[p] - guess[k]).abs().max() < 1e-12


def parameters(generator, discriminator):
    """Every parameter once, by the name that the case gives its gradient."""
    named = {"discriminator." + name: p for name, p in discriminator.named_parameters()}
    seen = {id(p) for p in named.values()}
    named.update({"generator." + name: p for name, p in generator.named_parameters() if id(p) not in seen})
    return named


def backward(case, generator, discriminator, named):
    for p in named.values():
        p.grad = None
    losses = case.losses(generator, discriminator)
    losses[0].backward()
    return numpy.array([x.item() for x in losses])


def norm(named):
    return sum((p.grad**2).sum() for p in named.values()).sqrt().item()


@torch.no_grad()
def step(named, moments, clip):
    for name, p in named.items():
        m, v = moments.setdefault(name, (torch.zeros_like(p), torch.zeros_like(p)))
        g = p.grad * clip
        m.mul_(BETA1).add_((1 - BETA1) * g)
        v.mul_(BETA2).add_((1 - BETA2) * g * g)
        update = m / (v.sqrt() + EPSILON)
        if "LayerNorm" not in name and "bias" not in name:
            update = update + DECAY * p
        p -= RATE * update


def curve(case, generator, discriminator, named):
    losses, norms, moments = [], [], {}
    for _ in range(STEPS):
        losses.append(backward(case, generator, discriminator, named))
        norms.append(norm(named))
        step(named, moments, 1 / max(1, norms[-1]))
    return numpy.array(losses), numpy.array(norms)


def integers(values):
    return numpy.array(values, dtype=numpy.int32)


def flat(rows):
    return integers([x for row in rows for x in row])


def inputs(case):
    starts = numpy.cumsum([0] + LENGTHS)
    return {
        "padded_ids": integers(padded(case.original).tolist()), "lengths": integers(LENGTHS),
        "ids": flat(case.original), "segments": flat(case.segments),
        "positions": flat([range(n) for n in LENGTHS]), "starts": integers(starts),
        "slots": integers([starts[s] + p for s, p in case.slots]),
        "slot_sequence": integers([s for s, _ in case.slots]), "slot_position": integers([p for _, p in case.slots]),
        "targets": integers(case.targets.tolist()), "sampled": integers(case.sampled),
        "generator_ids": flat(case.masked), "discriminator_ids": flat(case.replaced),
        "replaced": flat([case.labels[s, :n].int().tolist() for s, n in enumerate(LENGTHS)]),
    }


def main():
    here = os.path.dirname(os.path.abspath(__file__))
    folder = sys.argv[1] if len(sys.argv) > 1 else os.path.join(here, "..", "tests", "model", "golden")
    generator, discriminator = networks()
    save_network(generator, os.path.join(folder, "generator"))
    save_network(discriminator, os.path.join(folder, "discriminator"))

    generator.double(), discriminator.double()
    case, named = Case(), parameters(generator, discriminator)
    case.check_padding(generator, discriminator)
    tensors = inputs(case)
    guess, found = case.logits(generator, discriminator)
    tensors["generator_logits"] = guess.detach().numpy()
    tensors["discriminator_logits"] = found[case.real.bool()].detach().numpy()
    tensors["loss"] = backward(case, generator, discriminator, named)
    for name, p in named.items():
        tensors[name] = p.grad.float().numpy()
    tensors["curve"], tensors["curve_norm"] = curve(case, generator, discriminator, named)
    save_file(tensors, os.path.join(folder, "case.safetensors"))
    print("loss", tensors["loss"], "norm", tensors["curve_norm"][0])


if __name__ == "__main__":
    main()
