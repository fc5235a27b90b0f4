#!/bin/bash
# Pre-training by ranks that have a GPU each (here: the processor, and a NCCL of plain copies; tests/ops/cuda_host): the same
# bytes as by one, whether gradients go from GPU to GPU or by way of the host; and what comes of GPUs and of an NCCL that fail.
electra=$(dirname "$1")/tests/electra_on_host mpi=$(dirname "$1")/tests/electra_mpi_on_host launcher=$3
source "$(dirname "$0")/cluster.bash"
[ -x "$mpi" ] || { echo "there is no program whose GPU is the processor"; exit 77; }
make_data
settings=(--data shards --model-size tiny --hidden-size 64 --embedding-size 64 --num-hidden-layers 1 --dropout 0.1 --train-batch-size 4
    --num-train-steps 3 --logging-steps 1 --threads 1 --device cuda --gradient-leaves 4)

"$electra" pretrain "${settings[@]}" --output alone > log 2>&1 || fail "alone: $(cat log)"
# as_alone N HOW: so many ranks, in a way that the log tells
as_alone() {
    rm -rf ranks
    ranks "$1" "$mpi" pretrain "${settings[@]}" --output ranks || fail "$1 ranks: $(cat log)"
    says "$2"
    for file in checkpoint-3/{model,optimizer}.safetensors; do
        cmp -s alone/$file ranks/$file || fail "$file of $1 ranks is another ($2)"
    done
    cmp -s <(figures alone) <(figures ranks) || fail "metrics of $1 ranks are others ($2)"
}
export EL_HOST_GPUS=4
as_alone 2 "gradients go from GPU to GPU by NCCL 2.27.3"
as_alone 4 "gradients go from GPU to GPU by NCCL 2.27.3"
EL_HOST_NCCL=missing as_alone 2 "gradients go by way of the host, not by NCCL: NVIDIA's libnccl.so.2 is not found"
EL_HOST_GPUS=1 as_alone 2 "gradients go by way of the host, not by NCCL: ranks 0 and 1 share a GPU"
ranks 2 "$mpi" pretrain "${settings[@]}" --dry-run || fail "dry run: $(cat log)"
says "^expected efficiency .* of 2 times one rank"

# Ranks compute a whole leaf at a time, or as much of it as each of their GPUs has memory for.
leaves=(--data shards --model-size tiny --hidden-size 16 --num-attention-heads 1 --num-hidden-layers 1 --train-batch-size 100
    --num-train-steps 1 --threads 1 --device cuda --gradient-leaves 2)
echo '[ "${OMPI_COMM_WORLD_RANK:-$PMI_RANK}" = 1 ] && export EL_HOST_FREE=1000; exec "$@"' > short
ranks 2 bash short "$mpi" pretrain "${leaves[@]}" --output cut || fail "a GPU with less memory free: $(cat log)"
says "room for 2048 of 2400 tokens at a time"
grep -q '"micro_batch_tokens": 2048' cut/run.json || fail "not what both have room for: $(cat cut/run.json)"
ranks 2 "$mpi" pretrain "${leaves[@]}" --output whole || fail "two GPUs with memory free: $(cat log)"
grep -q '"micro_batch_tokens": 2400' whole/run.json || fail "not a whole leaf: $(cat whole/run.json)"

# fails WORDS: two ranks end with code 1, and with this sentence once
fails() {
    rm -rf ranks
    ranks 2 "$mpi" pretrain "${settings[@]}" --stall-limit 100 --output ranks && fail "it ended well, not with \"$1\""
    says "$1"
}
EL_HOST_GPUS=2 ranks 4 "$mpi" pretrain "${settings[@]}" --output no && fail "4 ranks have 2 GPUs"
says "cuda:2: there are 2 GPUs"
EL_HOST_NCCL=ncclSend fails "cuda: ncclSend: it was made to fail"
EL_HOST_NCCL=later:1 fails "rank 1 on .*: cuda: an exchange by NCCL: it was made to fail"
[ ! -e no ] || fail "a refused command left something"
exit 0
