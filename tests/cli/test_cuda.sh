#!/bin/bash
# electra --device cuda: what the processor computes, a GPU computes too, in every command that runs a model; runs have the same
# bits twice, and when they were stopped.  The program given is one whose GPU is the processor (tests/ops/cuda_host), or one
# on a machine with a GPU.
electra=$(realpath "$1")
source "$(dirname "$0")/run.bash"
text 500 1 > train.txt
text 100 2 > heldout.txt
"$electra" vocab --vocab-size 160 --output vocab.txt train.txt > log 2>&1 || fail "vocab: $(cat log)"
for part in train heldout; do
    "$electra" prepare --vocab vocab.txt --max-seq-length 24 --output $part $part.txt > log 2>&1 || fail "prepare: $(cat log)"
done

pretrain() { # OUTPUT OPTIONS
    local output=$1
    shift
    "$electra" pretrain --data train --eval-data heldout --model-size tiny --hidden-size 64 --embedding-size 64 \
        --num-hidden-layers 2 --dropout 0.1 --attention-dropout 0.1 --train-batch-size 4 --logging-steps 2 --eval-batches 1 \
        --output $output "$@" > log 2>&1 || fail "pretrain $*: $(cat log)"
}
losses() { sed -nE 's/.*"(loss|generator_loss|discriminator_loss)": ([0-9.]+).*/\2/p; ' "$1/metrics.jsonl"; }
near() { # WHAT BOUND FILE FILE: numbers of two files, each within a share of the other
    paste -d ' ' "$3" "$4" | awk -v bound="$2" -v what="$1" '
        { d = $1 - $2; if (d < 0) d = -d; size = $2 < 0 ? -$2 : $2; n++
          if (NF != 2 || d > bound * (1 + size)) { print what ": " $1 " and " $2; bad = 1 } }
        END { exit bad || n == 0 }' >&2 || fail "$1"
}

# ---- pre-training: the processor's losses; the same bits again, stopped and resumed

pretrain processor --num-train-steps 4 --precision fp32 --threads 1
pretrain gpu --num-train-steps 4 --precision fp32 --device cuda
near "losses in float" 1e-4 <(losses processor) <(losses gpu)
grep -q '"device": "cuda"' gpu/run.json || fail "run.json does not name the device"
pretrain again --num-train-steps 4 --precision fp32 --device cuda:0
cmp gpu/discriminator/model.safetensors again/discriminator/model.safetensors || fail "two runs of one seed differ"
pretrain half --num-train-steps 4 --device cuda
near "losses in bf16" 2e-2 <(losses processor) <(losses half)
pretrain resumed --num-train-steps 2 --schedule-steps 4 --device cuda
pretrain resumed --num-train-steps 4 --device cuda
cmp half/discriminator/model.safetensors resumed/discriminator/model.safetensors || fail "a run that went on differs"

# ---- fine-tuning, and what models are asked

grep -v '^$' train.txt | head -60 | awk 'BEGIN { print "text\tlabel" } { print $0 "\t" (/cat/ ? "cat" : "none") }' > train.tsv
mkdir task
mv train.tsv task/train.tsv
cp task/train.tsv task/dev.tsv
for device in cpu cuda; do
    "$electra" finetune --model gpu --task classify --data task --num-train-epochs 1 --max-seq-length 24 --dropout 0 \
        --precision fp32 --threads 1 --max-restarts 0 --device $device --output tuned-$device > log 2>&1 || fail "finetune: $(cat log)"
    "$electra" evaluate --model tuned-$device --precision fp32 --threads 1 --device $device task/dev.tsv --json > eval-$device 2> log ||
        fail "evaluate: $(cat log)"
    "$electra" evaluate --model gpu --data heldout --precision fp32 --threads 1 --device $device --json > shards-$device 2> log ||
        fail "evaluate --data: $(cat log)"
    head -5 heldout.txt | "$electra" embed --model gpu --precision fp32 --threads 1 --device $device --json - > embed-$device 2> log ||
        fail "embed: $(cat log)"
    "$electra" detect --model gpu --threads 1 --device $device --json "the small cat sees a old dog" > detect-$device 2> log ||
        fail "detect: $(cat log)"
    "$electra" fill --model gpu --threads 1 --device $device --json "the [MASK] cat sees a dog" > fill-$device 2> log ||
        fail "fill: $(cat log)"
    head -5 task/dev.tsv | cut -f1 | tail -n +2 | "$electra" predict --model tuned-$device --precision fp32 --threads 1 --device $device - \
        > predict-$device 2> log || fail "predict: $(cat log)"
done
numbers() { grep -oE -- '-?[0-9]+\.[0-9]+(e-?[0-9]+)?' "$1"; }
for what in embed detect fill shards; do
    near "$what" 2e-3 <(numbers $what-cpu) <(numbers $what-cuda)
done
diff <(cut -f1 predict-cpu) <(cut -f1 predict-cuda) > /dev/null || fail "predictions differ"

# ---- what is said

"$electra" info --devices > devices 2> log || fail "info --devices: $(cat log)"
grep -q cuda:0 devices || fail "info --devices: $(cat devices)"
"$electra" bench step --model-size tiny --batch-size 2 --max-seq-length 16 --seconds 0.01 --device cuda --json > bench 2> log ||
    fail "bench: $(cat log)"
grep -q tokens_per_second bench || fail "bench: $(cat bench)"
for part in step ops infer gemm; do
    refused 2 "int8" "$electra" bench $part --model-size tiny --batch-size 2 --max-seq-length 16 --seconds 0.01 --device cuda --precision int8
done
"$electra" pretrain --data train --model-size tiny --num-train-steps 2 --train-batch-size 2 --device cuda --dry-run > dry 2> log ||
    fail "dry run: $(cat log)"
grep -q "memory of the GPU" dry || fail "dry run: $(cat dry)"
refused 2 "cuda:7" "$electra" embed --model gpu --json --device cuda:7 train.txt
for device in gpu cuda:x; do
    refused 2 "cuda, cuda:0, cuda:1, ..." "$electra" embed --model gpu --json --device $device train.txt
done
refused 2 "is the processor's" "$electra" embed --model gpu --json --device cuda --instruction-set avx2 train.txt

# ---- what only a host in a GPU's place can be told to be: short of memory, without a driver, a GPU or a product

if grep -q "the processor in a GPU's place" devices; then
    # A whole batch at a time, unless that leaves too little memory free.
    micro_batch() { # FREE, MiB: tokens that are computed at a time of a batch of 2400
        EL_HOST_FREE=$1 "$electra" pretrain --data train --model-size tiny --hidden-size 16 --num-attention-heads 1 --num-hidden-layers 1 \
            --train-batch-size 100 --num-train-steps 1 --device cuda --overwrite --output free > log 2>&1 || fail "pretrain: $(cat log)"
        grep -oE '"micro_batch_tokens": [0-9]+' free/run.json | head -1
    }
    [ "$(micro_batch 2000)" = '"micro_batch_tokens": 2400' ] || fail "with 2000 MiB free: $(micro_batch 2000)"
    [ "$(micro_batch 1000)" = '"micro_batch_tokens": 2048' ] || fail "with 1000 MiB free: $(micro_batch 1000)"
    # The host's cuBLASLt does not compute products of 13 numbers: others take its place, and that is said once.
    pretrain odd --num-train-steps 2 --embedding-size 13 --device cuda
    [ "$(grep -c "cuBLASLt does not compute a product of" log)" = 1 ] || fail "refused products: $(cat log)"
    # A number of tokens that free memory has chosen is said, and one that a whole batch has not.
    micro_batch 1000 > out
    grep -qF "room for 2048 of 2400 tokens at a time; runs have the same bits where that is the same: --micro-batch-tokens 2048" log ||
        fail "a batch is cut in silence: $(cat log)"
    micro_batch 2000 > out
    ! grep -q "tokens at a time" log || fail "a batch that is not cut: $(cat log)"
    # What a GPU has not done is nobody's answer; one that cannot be asked keeps no other from being listed.
    for part in step ops infer gemm; do
        refused 1 "cudaErrorInvalidValue" env EL_HOST_LOST=1 "$electra" bench $part --model-size tiny --batch-size 2 \
            --max-seq-length 16 --seconds 0.01 --device cuda
    done
    # The 50th wait is one of the passes that are measured.
    refused 1 "cudaErrorInvalidValue" env EL_HOST_LOST=50 "$electra" bench infer --model-size tiny --batch-size 2 --max-seq-length 16 \
        --seconds 0.01 --device cuda
    for command in detect fill score; do
        refused 1 "cudaErrorInvalidValue" env EL_HOST_LOST=1 "$electra" $command --model gpu --device cuda "the [MASK] cat"
    done
    for command in "embed --json --model gpu" "predict --model tuned-cuda" "evaluate --model tuned-cuda"; do
        refused 1 "cudaErrorInvalidValue" env EL_HOST_LOST=1 "$electra" $command --device cuda task/dev.tsv
    done
    EL_HOST_GPUS=2 EL_HOST_MUTE=0 "$electra" info --devices --json > devices 2> log || fail "info --devices: $(cat log)"
    grep -A1 '"cuda:0"' devices | grep -q '"usable": "cuda: asking a GPU' && grep -A1 '"cuda:1"' devices | grep -q '"name"' ||
        fail "of two GPUs the first says nothing: $(cat devices)"
    refused 1 "driver is not installed" env EL_HOST_DRIVER=0 "$electra" embed --model gpu --json --device cuda train.txt
    refused 1 "driver is one for CUDA 12.4; this program needs 13.0" \
        env EL_HOST_DRIVER=12040 "$electra" embed --model gpu --json --device cuda train.txt
    refused 1 "cudaErrorNoDevice" env EL_HOST_GPUS=0 "$electra" embed --model gpu --json --device cuda train.txt
fi
echo "cuda: the commands compute on it what they do on the processor"
