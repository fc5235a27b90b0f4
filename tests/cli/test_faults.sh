#!/bin/bash
# Every command, when an allocation or a call of the system fails: no crash, one sentence, exit code 1, and earlier
# results stay or are replaced as a whole.  Here some places of the program fail, in long_faults.sh every call of each.
electra=$(realpath "$1")
faults=$(dirname "$electra")/tests/faults
if grep -qE '__(asan|tsan)_init' "$faults"; then
    echo "skipped: a sanitizer has malloc for itself, and this test puts its own there"
    exit 77
fi
source "$(dirname "$(realpath "$0")")/run.bash"
[ -v faulty ] || faulty=("--most 12")
text 200 1 > train.txt
text 60 2 > heldout.txt
"$electra" vocab --vocab-size 100 --output vocab.txt train.txt 2> log || fail "vocab: $(cat log)"
"$electra" prepare --vocab vocab.txt --max-seq-length 32 --output shards train.txt > log 2>&1 || fail "prepare: $(cat log)"
small=(--data shards --model-size tiny --hidden-size 16 --num-hidden-layers 2 --embedding-size 16 --train-batch-size 4 --threads 1
    --precision fp32 --save-checkpoints-steps 1 --keep-checkpoint-max 2)
"$electra" pretrain "${small[@]}" --num-train-steps 2 --schedule-steps 4 --output run 2> log || fail "pretrain: $(cat log)"
awk 'BEGIN { print "text\tlabel" } NF && n < 24 { n++; print $0 "\t" (/cat/ ? "cat" : "none") }' train.txt > labelled.tsv
taught=(--task classify --model run --train-file labelled.tsv --dev-file labelled.tsv --max-seq-length 16 --num-train-epochs 1
    --max-restarts 0 --threads 1 --precision fp32)
"$electra" finetune "${taught[@]}" --output taught > log 2>&1 || fail "finetune: $(cat log)"

# sweep BEFORE AFTER COMMAND...: both kinds of faults.
failed=0
sweep() {
    local before=$1 after=$2 kind options
    shift 2
    for kind in memory io; do
        for options in "${faulty[@]}"; do
            "$faults" --kind $kind $options --before "$before" --after "$after" "$@" || failed=1
        done
    done
}

# whole NEW OLD MADE: what was made is new as a whole, or (where the command failed) what was there earlier.
cat > whole << 'EOF'
if [ "$CODE" = 0 ]; then diff -r "$1" "$3" > /dev/null; else diff -r "$1" "$3" > /dev/null || diff -r "$2" "$3" > /dev/null; fi
EOF

echo "an earlier one" > earlier.txt
"$electra" vocab --vocab-size 100 --threads 1 --output new.txt train.txt 2> log || fail "vocab: $(cat log)"
sweep "cp earlier.txt v.txt" "sh whole new.txt earlier.txt v.txt" vocab --vocab-size 100 --threads 1 --output v.txt train.txt

"$electra" prepare --vocab vocab.txt --max-seq-length 32 --threads 1 --output earlier heldout.txt > log 2>&1 || fail "prepare: $(cat log)"
"$electra" prepare --vocab vocab.txt --max-seq-length 32 --threads 1 --output new train.txt > log 2>&1 || fail "prepare: $(cat log)"
sweep "rm -rf p; cp -r earlier p" "sh whole new earlier p" \
    prepare --vocab vocab.txt --max-seq-length 32 --threads 1 --overwrite --output p train.txt

# The same once more and without a fault; this program, because it does not measure the processor each time.
cat > succeeds << 'EOF'
[ "$CODE" = 0 ]
EOF
again="$faults --only 0 --after 'sh succeeds'"

# A run goes on after the fault, to the same weights.
pretrain=(pretrain "${small[@]}" --num-train-steps 4 --schedule-steps 4)
cp -r run on
"$electra" "${pretrain[@]}" --output on 2> log || fail "pretrain, on: $(cat log)"
same="cmp -s on/discriminator/model.safetensors r/discriminator/model.safetensors"
sweep "rm -rf r; cp -r run r" "$again ${pretrain[*]} --output r && $same" "${pretrain[@]}" --output r

same="cmp -s taught/model/model.safetensors t/model/model.safetensors"
sweep "rm -rf t" "$again finetune ${taught[*]} --output t && $same" finetune "${taught[@]}" --output t

# What is printed is whole, or the beginning of it where the command failed.
cat > begins << 'EOF'
if [ "$CODE" = 0 ]; then cmp -s "$1" stdout; else head -c "$(stat -c %s stdout)" "$1" | cmp -s - stdout; fi
EOF
"$electra" predict --model taught --threads 1 --precision fp32 labelled.tsv > answers 2> log || fail "predict: $(cat log)"
sweep : "sh begins answers" predict --model taught --threads 1 --precision fp32 labelled.tsv
"$electra" evaluate --model run --data shards --max-batches 1 --threads 1 --precision fp32 --json 2> log | grep -v seconds > figures
sweep : '[ "$CODE" != 0 ] || grep -v seconds stdout | cmp -s - figures' evaluate --model run --data shards --max-batches 1 --threads 1 --precision fp32 --json
head -n 5 train.txt > few.txt
"$electra" embed --model run --threads 1 --precision fp32 --output new.npy few.txt 2> log || fail "embed: $(cat log)"
sweep "cp earlier.txt e.npy" "sh whole new.npy earlier.txt e.npy" embed --model run --threads 1 --precision fp32 --output e.npy few.txt
exit $failed
