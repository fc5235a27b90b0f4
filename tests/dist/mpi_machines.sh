#!/bin/bash
# Two machines (network namespaces, with folders of their own but for the run) go the whole way from text to a fine-tuned model, to the
# bytes of one process; then the link is cut in the middle: both ranks end, in one sentence, and the run goes on behind its last checkpoint.
electra=$1 mpi=$2 launcher=$3
source "$(dirname "$0")/cluster.bash"
source "$(dirname "$0")/machines.bash"
settings+=(--threads 1 --precision fp32 --num-train-steps 16 --micro-batch-tokens 100)
both() { timeout 120 "${machines[@]}" "$mpi" "$@" > log 2>&1 || fail "$1 on two machines: $(cat log)"; }
to_two() { tar -C "$here" -c "$@" | on_two tar -C "$here" -x; } # what a user copies

# ---- one process ----
make_data
awk 'BEGIN { print "text\tlabel" } NF && n < 60 { n++; print $0 "\t" (/cat/ ? "cat" : "none") }' train.txt > cls.tsv
tune=(finetune --task classify --max-seq-length 32 --num-train-epochs 1 --max-restarts 0 --threads 1 --precision fp32)
"$electra" pretrain "${settings[@]}" --gradient-leaves 8 --output alone > log 2>&1 || fail "pretrain: $(cat log)"
"$electra" "${tune[@]}" --gradient-leaves 8 --model alone --train-file cls.tsv --output alone-tuned > log 2>&1 || fail "finetune: $(cat log)"

# ---- two machines ----
cp train.txt heldout.txt cls.tsv "$here"
to_two train.txt heldout.txt cls.tsv
[ "$(on_two stat -c %d "$here")" != "$(stat -c %d "$here")" ] || fail "the machines share $here"
both vocab --vocab-size 200 --threads 1 --output "$here/vocab.txt" "$here/train.txt"
to_two vocab.txt
for part in train heldout; do
    both prepare --vocab "$here/vocab.txt" --threads 1 --max-seq-length 48 --output "$here/$part" "$here/$part.txt"
    to_two $part
done
both pretrain "${settings[@]}" --data "$here/train" --eval-data "$here/heldout" --output "$shared/run"
cmp -s {alone,shared/run}/checkpoint-16/model.safetensors || fail "two machines pre-train another model"
both "${tune[@]}" --model "$shared/run" --train-file "$here/cls.tsv" --output "$shared/tuned"
cmp -s {alone-tuned,shared/tuned}/model/model.safetensors || fail "two machines teach another model"

# ---- the link is cut ----
run=(pretrain "${settings[@]}" --data "$here/train" --eval-data "$here/heldout" --output "$shared/cut" --num-train-steps 100000
    --save-checkpoints-steps 4 --stall-limit 2)
setsid "${machines[@]}" bash -c '"$@" 2> "$0/said"' "$here" "$mpi" "${run[@]}" > log 2>&1 &
job=$!
for _ in $(seq 900); do compgen -G "$shared/cut/checkpoint-[1-9]*" > /dev/null && break; sleep 0.1; done
compgen -G "$shared/cut/checkpoint-[1-9]*" > /dev/null || fail "no checkpoint: $(cat log "$here/said")"
link_down
for _ in $(seq 150); do pgrep -x electra-mpi > /dev/null || break; sleep 0.1; done
pgrep -x electra-mpi > /dev/null && fail "15 s after the link was cut ranks live on: $(pgrep -ax electra-mpi)"
for run in "" on_two; do
    [ "$($run grep -c 'rank . on .*: the other ranks have not answered for' "$here/said")" = 1 ] ||
        fail "${run:-on one}: no sentence, or more: $($run cat "$here/said")"
done
{ kill -KILL -- -$job; wait $job; } 2> /dev/null # mpirun may wait for the other machine's daemon
at=$(ls -d "$shared"/cut/checkpoint-* | sed 's/.*-//' | sort -n | tail -1)
"$electra" pretrain --num-train-steps $((at + 1)) --allow-change --threads 1 --output "$shared/cut" > log 2>&1 || fail "going on: $(cat log)"
says "going on after step $at"
exit 0
