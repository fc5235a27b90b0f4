#!/usr/bin/env python3
"""Whether `electra export --format gguf` is read by the gguf package, and gives our vectors in llama.cpp.

    python3 tools/check_gguf.py BUILD FOLDER SENTENCES [COUNT]          needs numpy, gguf, cyllama (llama.cpp as a package)

BUILD: a build folder, with electra; FOLDER: a folder of sentence-transformers whose vectors are means; SENTENCES: a text a
line, the first COUNT (50) are taken.  llama.cpp computes GELU by tanh: cosines of at least 0.9999 are asked for.
"""
import pathlib
import subprocess
import sys
import tempfile

import cyllama.rag.embedder as llama
import gguf
import numpy


def vectors(file, texts):
    embedder = llama.Embedder(str(file), n_gpu_layers=0)
    for text in texts:
        ids = embedder._vocab.tokenize(text, True, False)
        batch = llama.LlamaBatch(n_tokens=len(ids), embd=0, n_seq_max=1)
        for place, token in enumerate(ids):
            batch.add(token, place, [0], True)
        embedder._ctx.kv_cache_clear()
        embedder._ctx.encode(batch)
        mean = numpy.mean([embedder._ctx.get_embeddings_ith(i) for i in range(len(ids))], 0)
        yield mean / numpy.linalg.norm(mean)


def main():
    electra, folder = pathlib.Path(sys.argv[1]) / "electra", sys.argv[2]
    count = int(sys.argv[4]) if len(sys.argv) > 4 else 50
    texts = [line for line in pathlib.Path(sys.argv[3]).read_text(encoding="utf-8").splitlines() if line.strip()][:count]
    with tempfile.TemporaryDirectory() as work:
        where = pathlib.Path(work)
        lines, ours = where / "texts.txt", where / "vectors.npy"
        lines.write_text("".join(text + "\n" for text in texts), encoding="utf-8")
        subprocess.run([electra, "embed", "--model", folder, "--precision", "fp32", "--normalize", "--format", "lines", "--output",
                        ours, lines], check=True, stderr=subprocess.DEVNULL)
        wanted = numpy.load(ours)
        for dtype in ("fp32", "fp16"):
            file = where / f"{dtype}.gguf"
            subprocess.run([electra, "export", "--model", folder, "--format", "gguf", "--dtype", dtype, "--output", file], check=True)
            read = gguf.GGUFReader(file)
            cosines = (numpy.stack(list(vectors(file, texts))) * wanted).sum(1)
            print(f"{dtype}: {len(read.tensors)} tensors, least cosine in llama.cpp {cosines.min():.6f}")
            assert cosines.min() >= 0.9999


if __name__ == "__main__":
    main()
