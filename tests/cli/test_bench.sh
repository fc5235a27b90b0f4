#!/bin/bash
# electra bench: every part gives the keys that docs promise and figures that agree with each other, leaves nothing
# behind, and is compared with an earlier output of its own kind only.
electra=$(realpath "$1")
source "$(dirname "$0")/run.bash"
make_data
mkdir temporary
export TMPDIR=$work/temporary

figure() { grep -m1 "\"$2\":" "$1" | sed -E 's/.*: "?([^",]*)"?,?/\1/'; } # FILE KEY
holds() { awk "BEGIN { exit !($1) }" || fail "$2: $1"; }                 # CONDITION WHAT

model=(--model-size tiny --batch-size 4 --max-seq-length 32 --seconds 0.05 --threads 2)
bench() { # PART options: into PART.json
    "$electra" bench "$@" --json > "$1.json" 2> log || fail "bench $*: $(cat log)"
    [ ! -s log ] || fail "bench $* says: $(cat log)"
    [ "$(figure "$1.json" part)" = "$1" ] || fail "bench $1 says it is $(figure "$1.json" part)"
    [ "$(figure "$1.json" threads)" -gt 0 ] || fail "bench $1 does not say what machine it ran on"
}

bench gemm "${model[@]}"
bench step "${model[@]}"
bench infer "${model[@]}"
bench ops "${model[@]}" --micro-batch-tokens 64
bench load --data shards --seconds 0.05
[ "$(figure load.json max_seq_length)" = 48 ] || fail "the shards' own length is $(figure load.json max_seq_length)"
bench load "${model[@]}"
bench tokenize --vocab vocab.txt --threads 2 train.txt --seconds 0.05
bench infer --model-size tiny --batch-size 1 --max-seq-length 8 --seconds 0.01 --instruction-set reference
[ "$(figure infer.json peak_share)" = 0.0 ] || fail "the reference device has a share of a peak that nobody knows"
bench infer "${model[@]}" --precision int8
whole=$(figure infer.json peak_gflops)
bench infer "${model[@]}" --precision fp32
holds "($whole / $(figure infer.json peak_gflops) - 1) ^ 2 > 0.01" "the peak of whole numbers is that of floats: $whole"
bench infer "${model[@]}"
[ -z "$(ls temporary)" ] || fail "left behind: $(ls temporary)"

for part in step infer ops; do
    for key in tokens_per_second flops_per_token milliseconds peak_share; do
        holds "$(figure $part.json $key) > 0" "$part $key"
    done
    holds "$(figure $part.json tokens_per_second) * $(figure $part.json milliseconds) / 1e3 - 128 < 1" "tokens of $part"
done
holds "$(figure step.json resident_mb) > 10 && $(figure step.json resident_mb) < 10000" "memory of a step"
holds "$(figure gemm.json float_peak_gflops) > 0" "float peak"
holds "$(figure load.json microseconds) > 0 && $(figure load.json tokens_per_second) > 1e4" "load"

# Ops: their operations are the step's (chosen slots are whole numbers), their times fill it up to what is outside.
awk -v per_token="$(figure ops.json flops_per_token)" '
    /"shapes":/ { shapes = 1 }
    /"milliseconds":/ { gsub(",", "", $2); ms = $2; if (!shapes && table) sum += $2; if (!shapes && !table) step = $2 }
    /"feeding_milliseconds":/ { gsub(",", "", $2); outside = $2 }
    /"ops":/ { table = 1 }
    /"gflops":/ { gsub(",", "", $2); if (table && !shapes) flops += $2 * ms * 1e6 }
    END {
        if (flops < 0.95 * 128 * per_token || flops > 1.05 * 128 * per_token)
            { printf "operations of all ops %g, of the step %g\n", flops, 128 * per_token; exit 1 }
        if (sum + outside < 0.7 * step || sum + outside > 1.3 * step)
            { printf "ops %g ms, outside %g ms, step %g ms\n", sum, outside, step; exit 1 }
    }' ops.json || fail "the table of ops"
for op in linear_forward linear_backward_input linear_backward_weight attention_backward adamw; do
    grep -q "\"op\": \"$op\"" ops.json || fail "no $op among the ops"
done

# Tokenising counts what tokenize prints, at any number of threads.
tokens=$("$electra" tokenize --vocab vocab.txt train.txt | wc -w)
[ "$(figure tokenize.json tokens)" = "$tokens" ] || fail "$(figure tokenize.json tokens) tokens, not $tokens"
[ "$(figure tokenize.json bytes)" = "$(wc -c < train.txt)" ] || fail "$(figure tokenize.json bytes) bytes"
holds "$(figure tokenize.json megabytes_per_second) * $(figure tokenize.json seconds) * 1e6 / $(wc -c < train.txt) - 1 < 1e-3" "rate"

# Beside an earlier output.
sed -E 's/"(milliseconds|tokens_per_second)": .*,/"\1": 1000.0,/' step.json > before.json
"$electra" bench step "${model[@]}" --compare before.json --json > after.json 2> log || fail "compare: $(cat log)"
[ ! -s log ] || fail "compare warns of nothing: $(cat log)"
[ "$(sed -n '/"earlier"/,$p' after.json | grep -c '"milliseconds": 1000.0')" = 1 ] || fail "earlier: $(cat after.json)"
holds "$(sed -n '/"ratio"/,$p' after.json > ratio.json; figure ratio.json milliseconds) * 1000 / $(figure after.json milliseconds) - 1 < 1e-3" "ratio"
"$electra" bench step "${model[@]}" --batch-size 2 --threads 1 --compare before.json > text 2> log || fail "compare: $(cat log)"
grep -q 'threads: 1 here, 2 in before.json' log || fail "no word about threads: $(cat log)"
grep -q 'batch_size: 2 here, 4 in before.json' log || fail "no word about the batch: $(cat log)"
grep -qE '^milliseconds +[0-9.]+ \(1000, x[0-9.]+\)$' text || fail "text: $(cat text)"
"$electra" bench ops "${model[@]}" --compare ops.json > text 2> log || fail "compare: $(cat log)"
[ "$(grep -cE '^adamw .* \([0-9.]+, x[0-9.]+\)' text)" = 2 ] || fail "ops beside earlier ones: $(cat text)"

fails() { # code, words, arguments of bench
    local code=$1 words=$2 said
    shift 2
    said=$("$electra" bench "$@" 2>&1 > /dev/null)
    [ $? = "$code" ] && [[ $said == *"$words"* ]] && [ "$(wc -l <<<"$said")" = 1 ] || fail "bench $*: $said"
}
fails 2 "which part"
fails 2 "did you mean step" stepp
fails 2 "there are gemm, ops" everything
fails 2 "--vocab" step --vocab vocab.txt # not an option of this part
for part in gemm ops step infer; do
    fails 2 "batch-size: 1048576 sequences of 16384 tokens; 1073741824 tokens are the most" $part --batch-size 1048576 --max-seq-length 16384
done
fails 2 "--vocab is missing" tokenize train.txt
fails 2 "which text" tokenize --vocab vocab.txt
fails 2 "not expected" step train.txt
fails 3 "none.txt" tokenize --vocab vocab.txt none.txt
fails 3 "is not an output of electra bench step" step --compare infer.json
fails 3 "train.txt" step --compare train.txt
fails 3 "none.json" step --compare none.json
fails 3 "none" load --data none
fails 2 "max-seq-length: the shards of --data have their own" load --data shards --max-seq-length 8
"$electra" prepare --vocab vocab.txt --max-seq-length 2048 --output long train.txt > log 2>&1 || fail "prepare: $(cat log)"
fails 2 "batch-size: 1048576 sequences of 2048 tokens; 1073741824 tokens are the most" load --data long --batch-size 1048576

# A page a part, examples first.
for part in gemm ops step infer tokenize load; do
    "$electra" bench $part --help > page || fail "bench $part --help"
    [ "$(sed -n 3p page)" = Examples: ] || fail "bench $part --help: no examples first"
    grep -q "^  electra bench $part" page || fail "bench $part --help has no example of itself"
    grep -qE -- '--compare' page || fail "bench $part --help lacks --compare"
done
"$electra" bench load --help | grep -q -- '--vocab' && fail "bench load --help has --vocab"
exit 0
