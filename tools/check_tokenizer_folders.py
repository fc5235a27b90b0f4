#!/usr/bin/env python3
"""Fine-tunes a tiny model in every golden folder of a tokenizer and reads what is written with Hugging Face.

    check_tokenizer_folders.py --electra build/release/electra

The ids of the written tokenizer.json (by `tokenizers`) and of the written folder (by AutoTokenizer) must be those of
the folder that the model came from (tests/format/golden/tokenizers), and model_max_length the model's places.
Needs: pip install tokenizers transformers safetensors numpy.
"""
import argparse
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

os.environ["TRANSFORMERS_VERBOSITY"] = "error"
import numpy as np  # noqa: E402
from safetensors.numpy import save_file  # noqa: E402
from tokenizers import Tokenizer  # noqa: E402
from transformers import AutoTokenizer  # noqa: E402

GOLDEN = pathlib.Path(__file__).parent.parent / "tests/format/golden/tokenizers"
SIZES = {"model_type": "electra", "architectures": ["ElectraForPreTraining"], "vocab_size": 400, "embedding_size": 8, "hidden_size": 8, "num_hidden_layers": 1,
         "num_attention_heads": 1, "intermediate_size": 16, "max_position_embeddings": 40, "type_vocab_size": 2, "hidden_act": "gelu"}


def write_model(folder):
    r = np.random.default_rng(1)
    tensors = {}

    def matrix(name, *shape):
        tensors[name] = r.standard_normal(shape).astype(np.float32)

    def linear(name, out, into):
        matrix(name + ".weight", out, into)
        matrix(name + ".bias", out)

    embeddings, layer = "electra.embeddings.", "electra.encoder.layer.0."
    matrix(embeddings + "word_embeddings.weight", 400, 8)
    matrix(embeddings + "position_embeddings.weight", 40, 8)
    matrix(embeddings + "token_type_embeddings.weight", 2, 8)
    for name in (embeddings + "LayerNorm", layer + "attention.output.LayerNorm", layer + "output.LayerNorm"):
        matrix(name + ".weight", 8)
        matrix(name + ".bias", 8)
    for name in ("self.query", "self.key", "self.value", "output.dense"):
        linear(layer + "attention." + name, 8, 8)
    linear(layer + "intermediate.dense", 16, 8)
    linear(layer + "output.dense", 8, 16)
    linear("discriminator_predictions.dense", 8, 8)
    linear("discriminator_predictions.dense_prediction", 1, 8)
    save_file(tensors, str(folder / "model.safetensors"), metadata={"format": "pt"})
    (folder / "config.json").write_text(json.dumps(SIZES))


def check(electra, source, place, texts):
    """What is wrong with the folder that is written, or None."""
    shutil.copytree(source, place / "from")
    write_model(place / "from")
    (place / "data.tsv").write_text("text\tlabel\na b\tx\nb c\ty\n")
    command = [electra, "finetune", "--model", place / "from", "--task", "classify", "--train-file", place / "data.tsv", "--dev-file", place / "data.tsv",
               "--num-train-epochs", "1", "--max-seq-length", "16", "--max-restarts", "0", "--threads", "1", "--output", place / "out"]
    run = subprocess.run([str(part) for part in command], capture_output=True, text=True)
    if run.returncode:
        return run.stderr.strip().split("\n")[-1]
    model = place / "out" / "model"
    wanted = [[int(i) for i in line.split()] for line in (source / "ids.txt").read_text().split("\n")[:-1]]
    of_file, of_folder = Tokenizer.from_file(str(model / "tokenizer.json")), AutoTokenizer.from_pretrained(model)
    for text, ids in zip(texts, wanted):
        for who, got in (("tokenizers", of_file.encode(text, add_special_tokens=False).ids), ("AutoTokenizer", of_folder(text, add_special_tokens=False)["input_ids"])):
            if got != ids:
                return f"{who} of {ascii(text)}: {got}, not {ids}"
    framed = of_file.encode(texts[2], texts[3])
    theirs = of_folder(texts[2], texts[3])
    if framed.ids != theirs["input_ids"] or framed.type_ids != theirs["token_type_ids"] or len(framed.ids) != len(wanted[2]) + len(wanted[3]) + 3:
        return "a pair is framed in two ways"
    if of_folder.model_max_length != 40:
        return f"model_max_length is {of_folder.model_max_length}"
    return None


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--electra", default="build/release/electra")
    options = parser.parse_args()
    texts = [json.loads(line) for line in (GOLDEN / "texts.txt").read_text().split("\n")[:-1]]
    failed = count = 0
    for source in sorted(GOLDEN.iterdir()):
        if not (source / "ids.txt").exists():
            continue
        with tempfile.TemporaryDirectory() as place:
            wrong = check(options.electra, source, pathlib.Path(place), texts)
        count += 1
        failed += wrong is not None
        if wrong:
            print(f"{source.name}: {wrong}", flush=True)
    print(f"{count} folders, {failed} differ")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
