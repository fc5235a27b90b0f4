#!/bin/bash
# tools/gpu_check: what is packed runs where it is put, and its table says of every step that it is well; and the pre-training
# script leaves a model in parts that are joined again.  Here on the processor as GPU, with a tiny model.
electra=$(realpath "$1")
tools=$(realpath "$(dirname "$0")/../../tools/gpu_check")
ops=$(dirname "$electra")/test_ops_cuda sums=$(dirname "$electra")/test_dist_cuda
source "$(dirname "$0")/run.bash"

PROGRAM=$electra OPS=$ops SUMS=$sums "$tools/pack" . packed tiny > log 2>&1 || fail "pack: $(cat log)"
mv packed moved # nothing of it knows where it was
OPS_ONLY='squared*' PATIENCE=20 ./moved/check out > log 2>&1 || fail "check: $(cat log) $(tail -20 out/log)"
for line in 'fastest of 2 answers' 'cuda:0' 'weights after 4 steps' 'fp32: 4 steps' 'bf16: 4 steps' '| tiny | 1 x 8 |' '| adamw |' 'skipped: there are not two GPUs' 'all is as it should be'; do
    grep -qF -- "$line" out/table.md || fail "no \"$line\" in the table: $(cat out/table.md)"
done
grep -q FAILED out/table.md && fail "$(cat out/table.md)"
[ "$(cd out && echo *)" = "files.tar.gz log table.md" ] || fail "few files may come back: $(ls out)"
tar -tzf out/files.tar.gz | grep -q step-tiny.json || fail "a step's file is not kept: $(tar -tzf out/files.tar.gz)"

# Of two parts one is done alone, and what fails is no other step's end: here a pre-training that there is no data for.
mv moved/data/shards moved/data/away
PART=1 OPS_ONLY='squared*' PATIENCE=20 ./moved/check part > log 2>&1 && fail "a missing file is not noticed"
mv moved/data/away moved/data/shards
grep -q "FAILED: code" part/table.md && grep -qF '| tiny | 1 x 8 |' part/table.md || fail "one failure ends all: $(cat part/table.md)"
grep -q "Ops beside their floors" part/table.md && fail "a step of the second part is done in the first"

# Two GPUs exchange.
EL_HOST_GPUS=2 PART=2 ONLY='Sums' PATIENCE=20 ./moved/check two > log 2>&1 || fail "check: $(cat log) $(tail -20 two/log)"
grep -qE '^2 ranks, 59.8 MB: [0-9.]+ ms' two/table.md || fail "no sum of two GPUs in the table: $(cat two/table.md)"

# A device that computes something else is noticed: the recorded losses are others.
sed -i 's/"loss": [0-9]/"loss": 9/' moved/data/losses.jsonl
ONLY=Losses PATIENCE=20 ./moved/check other > log 2>&1 && fail "other losses are not noticed"
grep -q "something FAILED" other/table.md || fail "other losses are not said: $(cat other/table.md)"

./moved/pretrain moved/data/shards 1 trained --model-size tiny --max-seq-length 16 --train-batch-size 2 \
    --hidden-size 64 --embedding-size 64 --num-hidden-layers 1 > log 2>&1 ||
    fail "pretrain: $(cat log)"
[ "$(ls trained | grep -v '^discriminator.tar' | xargs)" = "join log metrics.jsonl run.json" ] ||
    fail "beside four parts of ELECTRA-Small four files may come back: $(ls trained)"
mkdir joined
trained/join "$work/joined" > log 2>&1 || fail "join: $(cat log)"
"$electra" info joined/discriminator > log 2>&1 || fail "what was joined is no model: $(cat log)"
echo "gpu_check: everything runs and says what it should"
