#!/bin/bash
# `pip install .` in a clean environment brings the program and the module; the module's numbers are the program's.
# Skipped where there is no Python with venv, or no index to fetch scikit-build-core and numpy from.
electra=$(realpath "$1")
root=$(realpath "$(dirname "$0")/../..")
source "$(dirname "$0")/run.bash"
python3 -m venv venv > log 2>&1 || { echo "skipped: python3 -m venv does not work here: $(tail -1 log)"; exit 77; }
venv/bin/pip -q download --no-deps -d wheels scikit-build-core numpy > log 2>&1 ||
    { echo "skipped: there is no package index: $(tail -1 log)"; exit 77; }
mkdir source && (cd "$root" && tar --exclude=./build --exclude=./demo-run --exclude=./.git -cf - .) | tar -C source -xf -
venv/bin/pip -q install ./source > log 2>&1 || fail "pip install: $(tail -5 log)"
[ "$(venv/bin/electra --version)" = "$("$electra" --version)" ] || fail "pip brings another program"

make_data
"$electra" pretrain --data shards --model-size tiny --hidden-size 64 --embedding-size 64 --num-train-steps 3 --threads 1 \
    --output run 2> log || fail "pretrain: $(cat log)"
grep -v '^$' heldout.txt | head -40 > lines.txt
{ printf 'text\tlabel\n'; awk '{ print $0 "\t" (/cat/ ? "cat" : "none") }' lines.txt; } > data.tsv
"$electra" finetune --model run --task classify --train-file data.tsv --num-train-epochs 1 --num-trials 1 --threads 1 \
    --output sorted > out.txt 2> log || fail "finetune: $(cat log)"
{ printf 'text\tother\tlabel\n'; awk '{ print $0 "\tthe cat\t" NR % 3 / 2 }' lines.txt; } > pairs.tsv
"$electra" finetune --model run --task regress --train-file pairs.tsv --text-column text --second-column other \
    --num-train-epochs 1 --num-trials 1 --threads 1 --output rated > out.txt 2> log || fail "finetune: $(cat log)"
"$electra" embed --model run --precision fp32 --output vectors.npy lines.txt 2> log || fail "embed: $(cat log)"
"$electra" predict --model sorted --precision fp32 --format lines --json lines.txt > predicted 2> log || fail "predict: $(cat log)"
"$electra" detect --model run --precision fp32 --json "the cat sees" > detected 2> log || fail "detect: $(cat log)"
cat > check.py << 'PY'
import json, os, threading, numpy, electra
lines = open("lines.txt").read().split("\n")[:-1]
model = electra.Model("run", threads=1)
assert model.can == ["detect", "fill", "embed"], model.can
vectors = model.embed(lines)
assert vectors.dtype == numpy.float32 and abs(vectors - numpy.load("vectors.npy")).max() < 1e-6
assert (model.embed(lines[0]) == vectors[0]).all()
tuned = electra.Model("sorted", threads=1)
theirs = [json.loads(line)["probabilities"] for line in open("predicted")]
ours = tuned.predict(lines)
assert ours.shape == (len(lines), 2)
for row, line in zip(ours, theirs):
    for label, probability in zip(tuned.labels, row):
        assert abs(line[label] - probability) < 1e-6, (line, label, probability)
pieces = model.detect("the cat sees")
want = json.loads(open("detected").read())["tokens"]
assert [p.piece for p in pieces] == [t["piece"] for t in want]
assert all(abs(p.probability - t["probability"]) < 1e-6 for p, t in zip(pieces, want))
text = "\u00e9\u00e9 the caf\u00e9"
tokens = electra.Tokenizer("run/generator").encode(text)
assert text[tokens[-1].end - 1] == "\u00e9" and tokens[0].begin == 0, tokens
assert len(model.fill("the [MASK] sees the [MASK]", top_k=2)) == 2
found = [None] * 4
def ask(i): found[i] = model.embed(lines)
threads = [threading.Thread(target=ask, args=(i,)) for i in range(4)]
for t in threads: t.start()
for t in threads: t.join()
assert all((f == vectors).all() for f in found)
try:
    electra.Model("/nowhere")
    assert False
except electra.Error as error:
    assert error.status == "data" and "/nowhere" in str(error), error
assert model.embed([]).shape[0] == 0
whole = electra.Model("run", threads=1, precision="int8").embed(lines)
assert 0 < abs(whole - vectors).max() < 0.2, abs(whole - vectors).max()
for wrong in ({"precision": "int4"}, {"precision": None}):
    try:
        electra.Model("run", **wrong)
        assert False
    except ValueError as error:
        assert "'int8'" in str(error), error
# What is no text, number or path is refused; none is taken for another.
def refuses(kind, words, call, *arguments, **more):
    try:
        call(*arguments, **more)
    except kind as error:
        assert words in str(error), error
        return
    assert False, (words, arguments, more)
for wrong in (b"the cat", [b"the cat"], ["the", 5], numpy.array([["a"], ["b"]])):
    refuses(TypeError, "a text is a string, not", model.embed, wrong)
refuses(ValueError, "longest", model.embed, "the cat", longest=2**32 + 16)
refuses(ValueError, "top_k", model.fill, "the [MASK]", top_k=-1)
refuses(ValueError, "threads", electra.Model, "run", threads=2**32 + 1)
refuses(ValueError, "batch_tokens", electra.Model, "run", batch_tokens=2**32 + 1)
refuses(TypeError, "not int", electra.Model, 5)
refuses(TypeError, "instruction_set is a string", electra.Model, "run", instruction_set=b"avx2")
refuses(ValueError, "NUL", electra.Model, "run", instruction_set="avx2\0")
refuses(TypeError, "", model.fill, "the [MASK]", top_k=2.5)
assert [len(g) for g in model.fill("[MASK] " * 8, top_k=numpy.uint8(100))] == [100] * 8
assert abs(numpy.linalg.norm(model.embed("the cat", normalize=2**32)) - 1) < 1e-5
import pickle
again = pickle.loads(pickle.dumps(electra.Error(3, "a sentence")))
assert again.status == "data" and str(again) == "a sentence"
refuses(ValueError, "NUL", electra.Model, "run\0")
refuses(TypeError, "not dict", model.embed, {"the cat": 1})
refuses(electra.Error, "name too long", electra.Model, "a" + "\ud55c" * 600)
refuses(electra.Error, "...", electra.Model, "a" + "\ud55c" * 1000)
refuses(electra.Error, "no such", electra.Tokenizer, os.fsdecode(b"caf\xe9"))
assert electra.Model(b"run", threads=1).can == model.can
assert electra.__version__ == electra.version()
import copy
refuses(TypeError, "open it again", copy.deepcopy, model)
# Ctrl-C ends a long question, and the next one is answered whole.
import signal
def interrupt(*_): raise KeyboardInterrupt
signal.signal(signal.SIGALRM, interrupt)
many = lines * 500
signal.setitimer(signal.ITIMER_REAL, 0.1)
try:
    model.embed(many)
    assert False, "not interrupted"
except KeyboardInterrupt:
    pass
assert (model.embed(lines) == vectors).all()
rated = electra.Model("rated", threads=1)
nothing = rated.predict([], [])
assert nothing.shape == (0,) and nothing.dtype == numpy.float64 and rated.predict(["a"], ["b"]).dtype == numpy.float64
print("ok")
PY
[ "$(venv/bin/python check.py 2> log)" = ok ] || fail "the module: $(cat log)"
PYTHONPATH=source/python venv/bin/python -c 'import sys; sys.path.insert(0, "source/python"); import electra' > log 2>&1 &&
    fail "a module without its library is imported"
grep -q 'ImportError.*pip install' log || fail "a module without its library does not say how to build it: $(cat log)"
