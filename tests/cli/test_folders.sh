#!/bin/bash
# folders - what is missing is said alike by every command, and damaged or hostile files end in one sentence and exit 3
set -euo pipefail
program=$1
here=$(cd "$(dirname "$0")/.." && pwd)
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
cd "$place"

fail() {
    echo "FAILED: $*"
    exit 1
}

# refuse "sentence" arguments...
refuse() {
    local sentence=$1 code=0
    shift
    "$program" "$@" >out 2>log </dev/null || code=$?
    [[ $code == 3 ]] || fail "exit code $code, not 3, for $*: $(cat log)"
    grep -qF -- "$sentence" log || fail "\"$sentence\" is not said for $*: $(cat log)"
    [[ $(grep -c . log) == 1 ]] || fail "more than a sentence for $*: $(cat log)"
}

echo "w1 w2" >text
for command in "embed --json" "predict" "fill" "detect"; do
    # shellcheck disable=SC2086
    refuse "nothere: no such folder" $command --model nothere text
done

# Beside a config.json that is right, so that the weights are what is wrong.
tried=0
while IFS=$'\t' read -r name sentence; do
    cp -r "$here/format/golden/hostile/$name" "$name"
    cp "$here"/serve/golden/folders/bare-bin/{config.json,vocab.txt,tokenizer_config.json} "$name"
    refuse "$sentence" embed --model "$name" --json text
    tried=$((tried + 1))
done <"$here/format/golden/hostile.tsv"
[[ $tried -ge 25 ]] || fail "$tried hostile files"

refuse "there is no discriminator in it" detect --model "$here/serve/golden/folders/bert-masked-old-bin" text

# What import keeps answers as what it was made of, and is not written over.
answers() { # FOLDER TO
    "$program" embed --model "$1" --precision fp32 --json text >"$2" 2>log || fail "embed of $1: $(cat log)"
}
for folder in "$here"/serve/golden/folders/*; do
    name=$(basename "$folder")
    "$program" import "$folder" --output "kept-$name" 2>log || fail "import of $name: $(cat log)"
    answers "$folder" before
    cp -r "$folder"/modules.json "$folder"/sentence_bert_config.json "$folder"/1_Pooling "kept-$name" 2>/dev/null || true
    answers "kept-$name" after
    cmp -s before after || fail "$name answers otherwise once imported"
done
[[ -f kept-tensorflow/generator/model.safetensors ]] || fail "the generator of a TensorFlow checkpoint is not kept"
code=0
"$program" import "$folder" --output kept-tensorflow 2>log || code=$?
[[ $code == 2 ]] && grep -q "is there already" log || fail "import over a folder: $code, $(cat log)"
"$program" import "$here/serve/golden/folders/bert-bare" --check >first
"$program" import kept-bert-bare --check | sed 's/^bert\.//' >second
grep -v pooler first | diff - <(grep -v pooler second) || fail "the tensors are others once imported"

# Pre-training goes on from them: with both networks, or with a new generator; another vocabulary is refused.
for i in $(seq 60); do echo "w$((i % 25)) w$((i * 7 % 25)) w$((i * 3 % 25)) w$((i * 11 % 25))"; done >lines
"$program" prepare --vocab "$here/serve/golden/folders/bert-bare" --max-seq-length 16 --output shards lines >out 2>log || fail "prepare: $(cat log)"
begin() { # FOLDER SENTENCE
    "$program" pretrain --data shards --init-from "$here/serve/golden/folders/$1" --output "run-$1" --num-train-steps 2 \
        --train-batch-size 4 --threads 1 2>log || fail "pretrain from $1: $(cat log)"
    grep -qF "$2; rates and schedule begin anew" log || fail "\"$2\" is not said: $(cat log)"
}
begin tensorflow "both networks are those of the folder"
begin bert-masked-old-bin "the folder has no generator, which begins anew"
begin discriminator-old-bin "the folder has no generator, which begins anew"
cp -r "$here/serve/golden/folders/bert-bare" other
sed -i 's/^w7$/w77/' other/vocab.txt
refuse "w77" pretrain --data shards --init-from other --output run-other --num-train-steps 2
