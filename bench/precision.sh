#!/bin/bash
# precision - whether bf16 and float end alike: the same seeds at both, and their held-out figures side by side
#
#   bench/precision.sh ELECTRA SHARDS HELDOUT OUT [STEPS [SEED...]]
#
# One thread a run, two runs at a time; OUT keeps the runs, and goes on with them when run again.  Prints a Markdown table.
set -euo pipefail

electra=$1 shards=$2 heldout=$3 out=$4 steps=${5:-5000}
shift $(($# < 5 ? $# : 5))
seeds=("$@")
[[ ${#seeds[@]} -gt 0 ]] || seeds=(1 2 3)
mkdir -p "$out"

train() { # SEED PRECISION
    "$electra" pretrain --data "$shards" --model-size tiny --num-train-steps "$steps" --seed "$1" --precision "$2" \
        --threads 1 --logging-steps 100 --save-checkpoints-steps 1000 --output "$out/$2-$1" 2>"$out/$2-$1.log"
    "$electra" evaluate --model "$out/$2-$1" --data "$heldout" --precision fp32 --threads 1 --json >"$out/$2-$1.json" \
        2>>"$out/$2-$1.log"
}

for seed in "${seeds[@]}"; do
    train "$seed" bf16 &
    train "$seed" fp32 &
    wait
done

figure() { sed -n "s/^ *\"$1\": \([-0-9.e]*\),*$/\1/p" "$2"; }
echo "| seed | generator loss, bf16 | float | discriminator loss, bf16 | float | AUC, bf16 | float |"
echo "|---|---|---|---|---|---|---|"
for seed in "${seeds[@]}"; do
    row="| $seed |"
    for name in generator_loss discriminator_loss discriminator_auc; do
        for precision in bf16 fp32; do
            row+=$(printf ' %.4f |' "$(figure $name "$out/$precision-$seed.json")")
        done
    done
    echo "$row"
done
