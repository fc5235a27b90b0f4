#!/usr/bin/env python3
"""Hugging Face both ways: the same numbers here and in transformers.

    tools/check_transformers.py --electra build/release/electra [--run RUN ...]

With --run, opens the networks of RUN by the classes that their config.json names, and AutoTokenizer, and compares pieces, the
discriminator's logits and the generator's probabilities with those of `electra detect` and `electra fill`; of Electric, of
causal models, of XLNets and of what restores tokens sums of energies and of log probabilities with those of `electra score`;
of what opens as an encoder alone vectors with those of `electra embed`. A folder that names no class must say which head it
has, and one that reads backwards that it does. Always, the other way round: makes random small ELECTRA models with
transformers, saves them, and compares what `electra` says of them; then begins a `pretrain --init-from` from a pair and from
a discriminator alone, and checks that a step at rate 0 writes the same weights again. Needs torch and transformers; nothing
in the build or the tests does.
"""
import argparse
import json
import math
import pathlib
import shutil
import subprocess
import sys
import tempfile

import torch
from safetensors.torch import load_file
import transformers
from transformers import AutoTokenizer, ElectraConfig, ElectraForMaskedLM, ElectraForPreTraining
from transformers.utils import logging

TOLERANCE = 1e-4
TEXTS = [
    "The quick brown fox jumps over the lazy dog.",
    "Perl is a language for getting your job done.",
    "Café naïve, ÅNGSTRÖM; 中文 字符 and 한국어 문장입니다!",
    "one",
    "Numbers 3.14159, e-mail@example.org, and a_very_long_identifier::name().",
    "a word " * 20,
]
MASKED = ["The [MASK] brown fox jumps over the [MASK] dog.", "[MASK]", "Perl is a [MASK] for getting your job done."]

failures = 0


def check(fine, what):
    global failures
    print(("ok    " if fine else "WRONG ") + what)
    failures += not fine


def ask(program, command, model, texts, *flags):
    lines = subprocess.run([program, command, "--model", str(model), "--json", *flags, *texts], check=True,
                           capture_output=True, text=True).stdout.splitlines()
    return [json.loads(line) for line in lines]


def logit(probability):
    return math.log(probability) - math.log1p(-probability)


@torch.no_grad()
def compare_detect(program, where, folder, flags=()):
    model = ElectraForPreTraining.from_pretrained(folder).eval()
    tokenizer = AutoTokenizer.from_pretrained(folder)
    worst, same_pieces = 0.0, True
    for text, answer in zip(TEXTS, ask(program, "detect", where, TEXTS, *flags)):
        inputs = tokenizer(text, return_tensors="pt")
        pieces = tokenizer.convert_ids_to_tokens(inputs["input_ids"][0])[1:-1]
        same_pieces &= pieces == [t["piece"] for t in answer["tokens"]]
        theirs = model(**inputs).logits.flatten()[1:-1].tolist()
        for ours, right in zip(answer["tokens"], theirs):
            worst = max(worst, abs(logit(ours["probability"]) - right))
    check(same_pieces, f"{where}: detect gives AutoTokenizer's pieces")
    check(worst <= TOLERANCE, f"{where}: discriminator logits differ by at most {worst:.2e}")


@torch.no_grad()
def compare_score(program, where, folder, kind):
    """Sums over tokens: of energies, or of log p of each token given those before it."""
    model = getattr(transformers, kind).from_pretrained(folder).eval()
    tokenizer = AutoTokenizer.from_pretrained(folder)
    worst = 0.0
    for text, answer in zip(TEXTS, ask(program, "score", where, TEXTS)):
        inputs = tokenizer(text, return_tensors="pt")
        logits = model(**inputs).logits[0].double()
        if kind == "ElectraForPreTraining":
            right = -logits.flatten()[1:-1].sum().item()
        else:
            right = torch.log_softmax(logits[:-1], 1).gather(1, inputs["input_ids"][0, 1:, None]).sum().item()
        worst = max(worst, abs(answer["score"] - right) / (1 + abs(right)))
    check(worst <= TOLERANCE, f"{where}: scores differ by at most {worst:.2e} of their size")


@torch.no_grad()
def compare_originals(program, where, folder, kind):
    """Sums over tokens of log P(the token shown): of the softmax, or, with a gate d that copies, log(d + (1 - d) softmax)."""
    model = getattr(transformers, kind).from_pretrained(folder).eval()
    tokenizer = AutoTokenizer.from_pretrained(folder)
    stored = load_file(folder / "model.safetensors")
    worst = 0.0
    for text, answer in zip(TEXTS, ask(program, "score", where, TEXTS, "--by", "originals")):
        inputs = tokenizer(text, return_tensors="pt")
        said = model(**inputs, output_hidden_states=True)
        right = torch.log_softmax(said.logits[0].double(), 1).gather(1, inputs["input_ids"][0, :, None]).flatten()
        if "copy_gate.weight" in stored:
            gate = (said.hidden_states[-1][0] @ stored["copy_gate.weight"].flatten() + stored["copy_gate.bias"]).double()
            right = torch.logaddexp(torch.nn.functional.logsigmoid(gate), torch.nn.functional.logsigmoid(-gate) + right)
        right = right[1:-1].sum().item()
        worst = max(worst, abs(answer["score"] - right) / (1 + abs(right)))
    check(worst <= TOLERANCE, f"{where}: scores of originals differ by at most {worst:.2e} of their size")


@torch.no_grad()
def compare_fill(program, where, folder, flags=(), kind="ElectraForMaskedLM"):
    model = getattr(transformers, kind).from_pretrained(folder).eval()
    tokenizer = AutoTokenizer.from_pretrained(folder)
    worst, same_order = 0.0, True
    for text, answer in zip(MASKED, ask(program, "fill", where, MASKED, "--top-k", "10", *flags)):
        inputs = tokenizer(text, return_tensors="pt")
        slots = (inputs["input_ids"][0] == tokenizer.mask_token_id).nonzero().flatten().tolist()
        same_order &= len(slots) == len(answer["masks"])
        for slot, mask in zip(slots, answer["masks"]):
            said = model(**inputs)
            logits = said.prediction_logits if "PreTraining" in kind else said.logits
            theirs = torch.log_softmax(logits[0, slot].double(), 0)
            for guess in mask["guesses"]:
                right = theirs[tokenizer.convert_tokens_to_ids(guess["piece"])].item()
                worst = max(worst, abs(math.log(guess["probability"]) - right))
            best = tokenizer.convert_ids_to_tokens(theirs.topk(1).indices.tolist())[0]
            same_order &= best == mask["guesses"][0]["piece"] or worst <= TOLERANCE
    check(same_order, f"{where}: fill answers every [MASK], the best first")
    check(worst <= TOLERANCE, f"{where}: log probabilities of the generator differ by at most {worst:.2e}")


@torch.no_grad()
def compare_embed(program, where, folder, kind):
    """The encoder alone: means of its last layer."""
    model = getattr(transformers, kind).from_pretrained(folder).eval()
    tokenizer = AutoTokenizer.from_pretrained(folder)
    lines = subprocess.run([program, "embed", "--model", str(where), "--json", "--pooling", "mean", "--precision", "fp32", "-"],
                           input="".join(t + "\n" for t in TEXTS), check=True, capture_output=True, text=True).stdout.splitlines()
    worst = 0.0
    for text, line in zip(TEXTS, lines):
        right = model(**tokenizer(text, return_tensors="pt")).last_hidden_state[0].mean(0)
        worst = max(worst, (torch.tensor(json.loads(line)["vector"]) - right).abs().max().item())
    check(len(lines) == len(TEXTS) and worst <= TOLERANCE, f"{where}: vectors of {kind} differ by at most {worst:.2e}")


def compare_run(program, run):
    """Each network by the class that its config.json names; as the run where one may be asked so."""
    for name, own in (("discriminator", "ElectraForPreTraining"), ("generator", "ElectraForMaskedLM"), ("backward", "")):
        folder = run / name
        if not folder.exists():
            continue
        config = json.loads((folder / "config.json").read_text())
        kind = config.get("architectures", [""])[0]
        if not kind:
            check("task_head" in config, f"{folder}: names no class, but its head: {config.get('task_head')}")
        elif name == "backward":
            check(config.get("reads_backwards", False), f"{folder}: {kind}, and says that it reads backwards")
        elif kind.startswith("XLNet"):
            import check_xlnet  # which needs this
            check_xlnet.compare_scores(program, str(run), run, folder)
        elif kind.endswith("Model"):
            check("task_head" in config, f"{folder}: {kind}, and its head is {config.get('task_head')}")
            compare_embed(program, run, folder, kind)
        elif kind.endswith("CausalLM") or config.get("electra_objective") == "electric":
            compare_score(program, run, folder, kind)
        elif kind == "ElectraForPreTraining":
            compare_detect(program, folder, folder)
            if kind == own:
                compare_detect(program, run, folder)
        elif name == "discriminator":
            compare_originals(program, run, folder, kind)
        else:
            compare_fill(program, folder, folder, kind=kind)
            if kind == own:
                compare_fill(program, run, folder)


def vocabulary(folder):
    pieces = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    letters = "abcdefghijklmnopqrstuvwxyz0123456789.,;:!?-_@()'"
    pieces += list(letters) + ["##" + c for c in letters]
    pieces += sorted({w.strip(".,").lower() for w in " ".join(TEXTS[:2]).split()} - set(letters))
    (folder / "vocab.txt").write_text("".join(p + "\n" for p in pieces))
    (folder / "tokenizer_config.json").write_text(json.dumps(
        {"do_lower_case": True, "strip_accents": None, "tokenize_chinese_chars": True,
         "tokenizer_class": "ElectraTokenizer"}))
    return len(pieces)


def make_pair(folder, embedding, hidden, generator_hidden, their_tokenizer):
    """A random discriminator and generator with initialisations wide enough that logits are not all alike."""
    torch.manual_seed(7)
    for name, kind, width in (("discriminator", ElectraForPreTraining, hidden),
                              ("generator", ElectraForMaskedLM, generator_hidden)):
        out = folder / name
        out.mkdir(parents=True)
        size = vocabulary(out)
        config = ElectraConfig(vocab_size=size, embedding_size=embedding, hidden_size=width, num_hidden_layers=3,
                               num_attention_heads=4, intermediate_size=4 * width, max_position_embeddings=128,
                               initializer_range=0.15)
        model = kind(config).eval()
        for parameter in model.parameters():
            if parameter.dim() == 1:
                parameter.data += 0.1 * torch.randn_like(parameter)
        model.save_pretrained(out)
        if their_tokenizer:  # tokenizer.json instead of vocab.txt
            AutoTokenizer.from_pretrained(out).save_pretrained(out)
            (out / "vocab.txt").unlink()


def compare_theirs(program, folder):
    for name, sizes in (("projected", (32, 64, 48, False)), ("unprojected", (64, 64, 64, True))):
        pair = folder / name
        make_pair(pair, *sizes)
        compare_detect(program, pair / "discriminator", pair / "discriminator")
        compare_fill(program, pair / "generator", pair / "generator")
        compare_detect(program, pair, pair / "discriminator")
        done = subprocess.run([program, "info", str(pair / "discriminator")], capture_output=True, text=True)
        check(done.returncode == 0, f"info opens {name}/discriminator")


def same_weights(what, ours, theirs):
    a, b = load_file(ours / "model.safetensors"), load_file(theirs / "model.safetensors")
    missing = [name for name in b if name not in a and not name.endswith("position_ids")]
    worst = max((a[name].float() - b[name].float()).abs().max().item() for name in a if name in b)
    check(not missing and worst <= 1e-6, f"{what}: weights after a step at rate 0 differ by at most {worst:.1e}"
          + (f"; not written: {missing}" if missing else ""))


def compare_start(program, folder):
    pair = folder / "pair"
    make_pair(pair, 32, 64, 32, False)
    text = folder / "text.txt"
    text.write_text("\n".join(TEXTS * 20) + "\n")
    quiet = dict(check=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    subprocess.run([program, "prepare", "--vocab", pair / "discriminator", "--max-seq-length", "32", "--output",
                    folder / "shards", text], **quiet)
    for what, start, tying in (("pair, separate", pair, "separate"), ("pair, gdes", folder / "gdes", "gdes"),
                               ("discriminator alone", pair / "discriminator", "shared")):
        if start.name == "gdes":
            make_pair(start, 32, 64, 64, False)
        out = folder / ("run-" + what.replace(" ", "-").replace(",", ""))
        done = subprocess.run([program, "pretrain", "--data", folder / "shards", "--init-from", start, "--embeddings", tying,
                               "--output", out, "--num-train-steps", "1", "--train-batch-size", "4", "--learning-rate", "0",
                               "--precision", "fp32"], capture_output=True, text=True)
        check(done.returncode == 0, f"pretrain --init-from takes a {what}" + done.stderr * (done.returncode != 0))
        if done.returncode:
            continue
        same_weights(what, out / "discriminator", start if what.startswith("disc") else start / "discriminator")
        if not what.startswith("disc"):
            same_weights(what + ", generator", out / "generator", start / "generator")


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--electra", required=True, help="the program")
    arguments.add_argument("--run", type=pathlib.Path, nargs="*", default=[], help="run folders of `electra pretrain`")
    a = arguments.parse_args()
    logging.disable_progress_bar()
    for run in a.run:
        compare_run(a.electra, run)
    folder = pathlib.Path(tempfile.mkdtemp())
    try:
        compare_theirs(a.electra, folder)
        compare_start(a.electra, folder)
    finally:
        shutil.rmtree(folder)
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
