#!/bin/bash
# electra export: model folders in other types, an ONNX file of a run's discriminator, of its generator and of fine-tuned models, in whole numbers too; what cannot be is said.
electra=$(realpath "$1")
here=$(realpath "$(dirname "$0")")
source "$here/run.bash"
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
"$electra" pretrain "${settings[@]}" --objective mlm --num-train-steps 2 --threads 1 --output masked 2> log || fail "pretrain: $(cat log)"
export_has masked masked.onnx generator_lm_head.bias logits
for format in onnx safetensors gguf; do
    refused 2 'no discriminator in masked' "$electra" export --model masked --format $format --network discriminator --output x
done
bytes() { stat -c %s "$1"; }
[ "$(bytes run.onnx)" -gt $(($(bytes run/discriminator/model.safetensors) * 9 / 10)) ] || fail "weights are missing"

awk 'NF && n < 40 { n++; print $0 "\t" (/cat/ ? "cat" : "none") }' train.txt > labelled.tsv
"$electra" finetune --model run --task classify --train-file labelled.tsv --header no --max-seq-length 32 --num-train-epochs 1 \
    --max-restarts 0 --threads 1 --output tuned > log 2>&1 || fail "finetune: $(cat log)"
export_has tuned tuned.onnx logits classifier.out_proj.weight

# Numbers are those of predict: their range is in the weights, and of a folder that has it beside them in the graph.
awk -F'\t' 'NF == 2 { print $1 "\t" NR + 10 }' labelled.tsv > numbers.tsv
"$electra" finetune --model run --task regress --train-file numbers.tsv --header no --max-seq-length 32 --num-train-epochs 1 \
    --max-restarts 0 --threads 1 --output numbers > log 2>&1 || fail "finetune: $(cat log)"
grep -q '"low": 11' numbers/trial-1/best/config.json || fail "the trial's model has no range: $(cat numbers/trial-1/best/config.json)"
grep -q '"low"' numbers/model/config.json && fail "the range is not in the weights alone: $(cat numbers/model/config.json)"
export_has numbers numbers.onnx logits
export_has numbers/trial-1/best ranged.onnx logits range/Mul range/Add
grep -aq range/Mul numbers.onnx && fail "the graph widens what is wide already"
"$electra" export --model numbers/trial-1/best --format safetensors --output folded 2> log || fail "export: $(cat log)"
grep -q '"low"' folded/config.json && fail "export keeps the range apart"
for model in numbers numbers/trial-1/best folded; do
    "$electra" predict --model $model --precision fp32 numbers.tsv 2> log | awk -F'\t' '{ printf "%.3f\n", $NF }' > values
    [ -e first.values ] || { cp values first.values && awk '$1 < 5 && NR > 1 { exit 1 } END { exit NR < 30 }' values; } ||
        fail "numbers outside of the range: $(cat values log)"
    diff first.values values >&2 || fail "$model answers otherwise"
done

# A model folder in other types: half the bytes, hardly other answers; what a card says of a fine-tuned model.
"$electra" export --model run --format safetensors --output whole 2> log || fail "export: $(cat log)"
cmp -s whole/model.safetensors run/discriminator/model.safetensors || fail "in fp32 there are other weights"
for type in fp16 bf16; do
    "$electra" export --model run --format safetensors --dtype $type --output $type 2> log || fail "export: $(cat log)"
    [ "$(bytes $type/model.safetensors)" -lt $(($(bytes whole/model.safetensors) * 6 / 10)) ] || fail "$type takes as many bytes"
    grep -q '"torch_dtype": "b\?float16"' $type/config.json || fail "config.json of $type says another type"
    for model in run $type; do
        "$electra" detect --model $model --precision fp32 --json "the cat sees a dog" 2> log | grep -o '"probability":[0-9.]*' | cut -d: -f2 > $model.p
    done
    paste run.p $type.p | awk '{ d = $1 - $2; if (d * d > 1e-4) exit 1 } END { exit NR < 5 }' || fail "$type answers otherwise: $(paste run.p $type.p)"
done
for words in 'pipeline_tag: text-classification' 'model-index:' '- type: accuracy' 'electra finetune' '--train-file labelled.tsv'; do
    grep -qF -- "$words" tuned/model/README.md || fail "the card has no \"$words\": $(cat tuned/model/README.md)"
done
grep -q 'electra pretrain' run/discriminator/README.md || fail "the card does not say what made the model"
"$electra" export --model tuned --format safetensors --dtype fp16 --output card 2> log || fail "export: $(cat log)"
cmp tuned/model/README.md card/README.md || fail "the model's card does not go along"

# A generator of two towers is imported whole; a half of it has no head that GGUF could refuse.
"$electra" pretrain "${settings[@]}" --objective electric --num-train-steps 1 --threads 1 --output towers 2> log || fail "pretrain: $(cat log)"
"$electra" import towers --output kept 2> log || fail "import: $(cat log)"
for network in generator backward discriminator; do
    cmp towers/$network/model.safetensors kept/$network/model.safetensors || fail "import keeps another $network"
    "$electra" import towers --check > list 2> log && grep -q "^$network/electra.encoder.layer.0" list || fail "import --check of a run: $(cat list log)"
    "$electra" info kept 2> log | grep -q "^$network\$" || fail "info of an imported run: $(cat log)"
done
refused 2 'nor one direction' "$electra" export --model towers --network generator --format gguf --output x.gguf
grep -q 'is taken' log && fail "what was refused is said to be taken"
"$electra" export --model towers --network generator --format safetensors --output tower 2> log && grep -q 'the one that reads forwards' log ||
    fail "a half is taken in silence: $(cat log)"
for network in generator backward discriminator; do
    sed -n 's/^# //p; s/^library_name: //p' towers/$network/README.md
done > titles
printf '%s\n' 'ELECTRA generator of two towers' transformers 'ELECTRA generator of two towers; it reads ids and positions in reverse order' \
    transformers 'ELECTRA discriminator' | diff - titles >&2 || fail "what the cards say"
refused 2 'is there already' "$electra" export --model run --format safetensors --output whole

# Whole numbers: a smaller file, and what they cost.
"$electra" export --model tuned --int8 --dev labelled.tsv --output whole.onnx > scores 2> log || fail "export --int8: $(cat log)"
for words in MatMulInteger DynamicQuantizeLinear electra.encoder.layer.0.intermediate.dense.weight_quantized; do
    grep -aq $words whole.onnx || fail "there is no $words in what --int8 wrote"
done
[ "$(bytes whole.onnx)" -lt $(($(bytes tuned.onnx) * 7 / 10)) ] || fail "8-bit numbers take as many bytes"
for precision in fp32 int8; do # as `evaluate` has them
    "$electra" evaluate --model tuned --precision $precision labelled.tsv 2> log | awk '{ print $1, $2 }' > $precision.scores
done
awk 'NR > 1 { print $1, $2 }' scores | diff - fp32.scores >&2 && awk 'NR > 1 { print $1, $3 }' scores | diff - int8.scores >&2 ||
    fail "other scores than those of evaluate"
"$electra" export --model run --int8 --output coded.onnx 2> log && grep -q 'is not known' log || fail "nothing is said of scores: $(cat log)"
refused 2 'evaluate' "$electra" export --model tuned --dev labelled.tsv --output x.onnx
refused 2 'onnx takes 8-bit' "$electra" export --model tuned --format safetensors --int8 --output x
refused 3 'nothere' "$electra" export --model tuned --int8 --dev nothere --output x.onnx
refused 3 'no task' "$electra" export --model run --int8 --dev labelled.tsv --output x.onnx
refused 2 'safetensors and GGUF hold' "$electra" export --model run --format gguf --int8 --output x

# A model with a number that is not finite is not handed on, in any form.
cp -r tuned wrong
spoil wrong/model electra.encoder.layer.0.attention.self.key.bias
refused 1 'the model.s numbers are not finite' "$electra" export --model wrong --int8 --dev labelled.tsv --output x.onnx
for form in "onnx" "onnx --int8" "safetensors" "safetensors --dtype bf16"; do
    refused 3 'model.safetensors: electra.encoder.layer.0.attention.self.key.bias has a number that is not finite' \
        "$electra" export --model wrong --format $form --output x
done
cp -r run/discriminator strange
spoil strange electra.embeddings.LayerNorm.weight
refused 3 'LayerNorm.weight has a number that is not finite' "$electra" export --model strange --format gguf --output x
ls -d x* 2> log && fail "half a file is left"


# GGUF: an encoder whose embeddings are as wide as its layers.
"$electra" export --model run --format gguf --output run.gguf 2> log && grep -q 'encoder alone' log || fail "export to GGUF: $(cat log)"
"$electra" export --model run --format gguf --dtype fp16 --output half.gguf 2> log || fail "export to GGUF: $(cat log)"
[ "$(head -c 4 run.gguf)" = GGUF ] && grep -aq bert.block_count run.gguf && grep -aq blk.0.attn_q.weight run.gguf || fail "run.gguf is no encoder"
[ "$(bytes half.gguf)" -lt $(($(bytes run.gguf) * 7 / 10)) ] || fail "fp16 takes as many bytes"
refused 2 'head of a task' "$electra" export --model tuned --format gguf --output x.gguf
refused 2 'fp32 or fp16' "$electra" export --model run --format gguf --dtype bf16 --output x.gguf
cp -r "$here/../model/golden/discriminator" narrow && printf '%s\n' '[PAD]' '[UNK]' '[CLS]' '[SEP]' '[MASK]' {a..z} '##'{a..s} > narrow/vocab.txt
refused 2 'no projection' "$electra" export --model narrow --format gguf --output x.gguf
[ ! -e x.gguf ] || fail "a file is left"

refused 2 'fp32' "$electra" export --model run --dtype fp16 --output x.onnx

refused 2 'which model' "$electra" export --output x.onnx
refused 2 'which file' "$electra" export --model run
for format in onnx gguf; do
    refused 2 'also what is to be read' "$electra" export --model masked --format $format --output masked/generator/model.safetensors
done
# Nothing that belongs to the model is written over, whatever it is called; what export wrote is.
for output in vocab.txt config.json README.md tokenizer_config.json; do
    for format in onnx gguf; do
        refused 2 'also what is to be read' "$electra" export --model run --format $format --output run/discriminator/$output
    done
done
ln -s run/discriminator/vocab.txt link.onnx
refused 2 'also what is to be read' "$electra" export --model run --output link.onnx
for file in run.json generator/model.safetensors; do
    cp run/$file before && ln -sf run/$file link.onnx
    refused 2 'link.onnx is a file of the folder that is to be exported' "$electra" export --model run --output link.onnx
    cmp before run/$file || fail "a link leads into the model"
done
cp -r run linked && mv linked/generator/model.safetensors blob && ln -s ../../blob linked/generator/model.safetensors
refused 2 'is a file of the folder' "$electra" export --model linked --output linked/generator/model.safetensors
cmp blob run/generator/model.safetensors || fail "what the model's folder links to is written over"
for output in run.json generator/model.safetensors; do
    refused 2 "run/$output is a file of the folder that is to be exported" "$electra" export --model run --output run/$output
done
refused 2 'labelled.tsv is also what is to be read' "$electra" export --model tuned --int8 --dev labelled.tsv --output labelled.tsv
for i in 1 2; do
    "$electra" export --model run --output run/discriminator/model.onnx 2> log || fail "export into the model's folder: $(cat log)"
done
rm run/discriminator/model.onnx
! "$electra" export --model tuned --format gguf --output x.gguf 2>&1 | grep -q 'is written' || fail "what was refused is said to be written"

for model in tuned tuned/model; do
    refused 2 "no generator in $model\$" "$electra" export --model $model --network generator --output x.onnx
done
refused 3 nothere "$electra" export --model nothere --output x.onnx
[ ! -e x.onnx ] || fail "something is left where nothing was done"
