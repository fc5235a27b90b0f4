#!/bin/bash
# electra export: an ONNX file of a run's discriminator, of its generator and of fine-tuned models; what cannot be is said.
electra=$(realpath "$1")
source "$(dirname "$0")/run.bash"
make_data
"$electra" pretrain "${settings[@]}" --num-train-steps 2 --threads 1 --output run 2> log || fail "pretrain: $(cat log)"

# export MODEL FILE OUTPUT...: the file is ONNX, has these outputs and the weights.
export_has() {
    local model=$1 file=$2 out
    shift 2
    "$electra" export --model "$model" --format onnx --output "$file" ${network:-} 2> log || fail "export of $model: $(cat log)"
    [ "$(head -c 2 "$file" | od -An -tx1)" = " 08 08" ] || fail "$file does not begin with IR version 8"
    for out in "$@" last_hidden_state; do grep -aq "$out" "$file" || fail "$file has no output $out"; done
}
export_has run run.onnx logits discriminator_predictions.dense.weight
export_has run/discriminator same.onnx logits
cmp -s run.onnx same.onnx || fail "a run and its discriminator are not the same"
network="--network generator" export_has run generator.onnx generator_lm_head.bias logits
network=
bytes() { stat -c %s "$1"; }
[ "$(bytes run.onnx)" -gt $(($(bytes run/discriminator/model.safetensors) * 9 / 10)) ] || fail "weights are missing"

awk 'NF && n < 40 { n++; print $0 "\t" (/cat/ ? "cat" : "none") }' train.txt > labelled.tsv
"$electra" finetune --model run --task classify --train-file labelled.tsv --header no --max-seq-length 32 --num-train-epochs 1 \
    --max-restarts 0 --threads 1 --output tuned > log 2>&1 || fail "finetune: $(cat log)"
export_has tuned tuned.onnx logits classifier.out_proj.weight

refused 2 'which model' "$electra" export --output x.onnx
refused 2 'which file' "$electra" export --model run
refused 2 'no generator' "$electra" export --model tuned/model --network generator --output x.onnx
refused 3 nothere "$electra" export --model nothere --output x.onnx
[ ! -e x.onnx ] || fail "something is left where nothing was done"
