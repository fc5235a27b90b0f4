#!/usr/bin/env python3
"""Whether `export --format onnx --int8` is the quantisation of `--precision int8`: the same vectors, in onnxruntime and OpenVINO.

    python3 tools/check_int8.py BUILD FOLDER SENTENCES [COUNT]       needs numpy, onnx, onnxruntime, openvino, tokenizers

BUILD: a build folder, with electra; FOLDER: a folder of sentence-transformers whose vectors are means; SENTENCES: a text a
line, the first COUNT (200) are taken.

Ours are those of --instruction-set baseline: its steps are 255, as in the file.  Whole numbers have exact sums, so a text whose
numbers are all rounded alike has the same vector.  Elsewhere a number that lies between two steps falls on either side, by the
last bit of a float, and moves others in the layers above.  So vectors must be nearer to ours than those of fp32 are, in the
median, and no further from fp32 than ours by a tenth.
"""
import json
import pathlib
import subprocess
import sys
import tempfile

import numpy
import onnx
import onnxruntime
import openvino
import tokenizers


def ours(electra, folder, sentences, precision, where, level="auto"):
    vectors = where / f"{precision}.npy"
    subprocess.run([electra, "embed", "--model", folder, "--precision", precision, "--instruction-set", level,
                    "--format", "lines", "--output", vectors, sentences], check=True, stderr=subprocess.DEVNULL)
    return numpy.load(vectors)


def theirs(run, tokenizer, texts):
    rows = []
    for text in texts:
        ids = numpy.array([tokenizer.encode(text).ids], numpy.int64)
        hidden = run({"input_ids": ids, "attention_mask": numpy.ones_like(ids), "token_type_ids": numpy.zeros_like(ids)})
        mean = hidden[0].mean(0)
        rows.append(mean / numpy.linalg.norm(mean))
    return numpy.stack(rows)


def apart(a, b):
    return numpy.abs(a - b).max(1)


def say(name, gap):
    print(f"{name} from int8: median {numpy.median(gap):.2g}, largest {gap.max():.2g}, "
          f"{(gap <= 1e-6).mean():.0%} of the texts to 1e-6")


def main():
    electra, folder = pathlib.Path(sys.argv[1]) / "electra", pathlib.Path(sys.argv[2])
    count = int(sys.argv[4]) if len(sys.argv) > 4 else 200
    texts = [line for line in pathlib.Path(sys.argv[3]).read_text(encoding="utf-8").splitlines() if line.strip()][:count]
    tokenizer = tokenizers.Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.enable_truncation(json.loads((folder / "sentence_bert_config.json").read_text())["max_seq_length"])
    tokenizer.no_padding()
    with tempfile.TemporaryDirectory() as work:
        where = pathlib.Path(work)
        graph, lines = where / "model.onnx", where / "texts.txt"
        lines.write_text("".join(text + "\n" for text in texts), encoding="utf-8")
        subprocess.run([electra, "export", "--model", folder, "--int8", "--output", graph], check=True, stderr=subprocess.DEVNULL)
        onnx.checker.check_model(onnx.load(graph), full_check=True)
        fp32 = ours(electra, folder, lines, "fp32", where)
        int8 = ours(electra, folder, lines, "int8", where, "baseline")
        session = onnxruntime.InferenceSession(str(graph), providers=["CPUExecutionProvider"])
        vino = openvino.Core().compile_model(str(graph), "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
        peers = {"onnxruntime": lambda feed: session.run(["last_hidden_state"], feed)[0],
                 "OpenVINO": lambda feed: vino(feed)["last_hidden_state"]}
        rounded = apart(int8, fp32)
        best = ours(electra, folder, lines, "int8", where)
        say("fp32", rounded)
        say("the processor's best kernels", apart(int8, best))
        print(f"these kernels from fp32: median {numpy.median(apart(best, fp32)):.2g}")
        for name, run in peers.items():
            vectors = theirs(run, tokenizer, texts)
            say(name, apart(int8, vectors))
            print(f"{name} from fp32: median {numpy.median(apart(fp32, vectors)):.2g}")
            assert numpy.median(apart(int8, vectors)) <= numpy.median(rounded)
            assert numpy.median(apart(fp32, vectors)) <= 1.1 * numpy.median(rounded)


if __name__ == "__main__":
    main()
