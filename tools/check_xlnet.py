#!/usr/bin/env python3
"""XLNet both ways: the same numbers here and in transformers.

    tools/check_xlnet.py --electra build/release/electra [--run RUN]

Theirs: a random XLNetLMHeadModel with a WordPiece vocabulary, and one of each of XLNet's heads, saved by transformers and asked by
`electra score` and `electra predict`.  Ours: the same heads taught a few steps by `electra finetune`, one of them without a tanh
(--head original); and with --run a run of `pretrain --objective xlnet`, its folder opened by XLNetLMHeadModel.  A score is a sum
of log p of each token given the others: transformers is asked by perm_mask and target_mapping.  Needs torch and transformers;
nothing in the build or the tests does.
"""
import argparse
import pathlib
import subprocess
import sys
import tempfile

import torch
from transformers import (AutoTokenizer, XLNetConfig, XLNetForQuestionAnsweringSimple, XLNetForSequenceClassification,
                          XLNetForTokenClassification, XLNetLMHeadModel)
from transformers.utils import logging

import check_finetuned
import check_transformers
from check_transformers import TEXTS, check, vocabulary

TOLERANCE = 1e-4
check_finetuned.HEADS = {
    "classify": XLNetForSequenceClassification,
    "tag": XLNetForTokenClassification,
    "span": XLNetForQuestionAnsweringSimple,
}


def make(kind: type, folder: pathlib.Path, **labels: object) -> None:
    """Random, with an initialisation so wide that logits are not all alike."""
    torch.manual_seed(7)
    folder.mkdir()
    size = vocabulary(folder)
    model = kind(XLNetConfig(vocab_size=size, d_model=64, n_layer=3, n_head=4, d_inner=256, pad_token_id=0, summary_type="first",
                             initializer_range=0.15, **labels)).eval()
    for parameter in model.parameters():
        if parameter.dim() == 1:
            parameter.data += 0.1 * torch.randn_like(parameter)
    model.save_pretrained(folder)


@torch.no_grad()
def score(model, tokenizer, text: str) -> float:
    inputs = tokenizer(text, return_tensors="pt")
    n = inputs["input_ids"].shape[1]
    places = torch.arange(1, n - 1)
    hidden, wanted = torch.zeros(n - 2, n, n), torch.zeros(n - 2, 1, n)
    hidden[places - 1, :, places] = 1
    wanted[places - 1, 0, places] = 1
    all_at_once = {name: value.expand(n - 2, -1) for name, value in inputs.items()}
    logits = model(**all_at_once, perm_mask=hidden, target_mapping=wanted).logits[:, 0].double()
    return float(torch.log_softmax(logits, -1)[places - 1, inputs["input_ids"][0, places]].sum())


def compare_scores(program: str, what: str, model_folder: pathlib.Path, folder: pathlib.Path) -> None:
    model, found = XLNetLMHeadModel.from_pretrained(folder, output_loading_info=True)
    lost = {key: sorted(names) for key, names in found.items() if names}
    check(not lost, f"{what}: transformers finds its weights" + (f", but {lost}" if lost else ""))
    tokenizer = AutoTokenizer.from_pretrained(folder)
    lines = subprocess.run([program, "score", "--model", model_folder, "--precision", "fp32", *TEXTS], check=True,
                           capture_output=True, text=True).stdout.splitlines()
    apart = max(abs(float(line.split("\t")[0]) - score(model.eval(), tokenizer, text)) / (1 + len(text.split()))
                for line, text in zip(lines, TEXTS))
    check(apart <= TOLERANCE, f"{what}: scores differ by at most {apart:.1e} a word")


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--electra", required=True, help="the program")
    arguments.add_argument("--run", type=pathlib.Path, help="of pretrain --objective xlnet")
    a = arguments.parse_args()
    torch.set_num_threads(1)
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        examples = check_finetuned.files(folder)
        make(XLNetLMHeadModel, folder / "start")
        compare_scores(a.electra, "theirs", folder / "start", folder / "start")
        if a.run:
            compare_scores(a.electra, "the run", a.run, a.run / "generator")
        for task, kind in check_finetuned.HEADS.items():
            make(kind, folder / task, **check_finetuned.labels_of(task))
            check_finetuned.compare(a.electra, task, f"theirs, {task}", folder / task, examples[task])
            if check_finetuned.teach(a.electra, task, folder / "start", examples[task], folder / f"{task}.run"):
                check_finetuned.compare(a.electra, task, f"ours, {task}", folder / f"{task}.run/model", examples[task])
        if check_finetuned.teach(a.electra, "classify", folder / "start", examples["classify"], folder / "affine.run",
                                 "--head", "original"):
            check_finetuned.compare(a.electra, "classify", "ours, without a tanh", folder / "affine.run/model", examples["classify"])
    sys.exit(1 if check_transformers.failures else 0)


if __name__ == "__main__":
    main()
