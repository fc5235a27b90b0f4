# run.bash - what tests of commands share: a small text, its vocabulary and shards, refusals, and comparing two runs.
# Source it with the program's path in $electra; $work is a folder that is removed at the end.
set -u
memory=/dev/shm # syncing costs nothing there; in a container it may hold next to nothing
[ -w $memory ] && [ "$(df --output=avail -k $memory | tail -1)" -gt 1000000 ] || memory=${TMPDIR:-/tmp}
work=$(mktemp -d $memory/electra-test-XXXXXX)
trap 'rm -rf "$work"' EXIT
cd "$work"

fail() { echo "FAILED: $*" >&2; exit 1; }

# spoil FOLDER TENSOR: the first number of a model's tensor becomes NaN.
spoil() {
    local file=$1/model.safetensors header at
    header=$(od -An -t u8 -N 8 "$file" | tr -d ' ')
    at=$(head -c $((8 + header)) "$file" | grep -ao "\"$2\":{[^}]*}" | grep -o 'offsets":\[[0-9]*' | grep -o '[0-9]*$')
    [ -n "$at" ] || fail "$file has no $2"
    printf '\x00\x00\xc0\x7f' | dd of="$file" bs=1 seek=$((8 + header + at)) conv=notrunc status=none
}

# refused CODE WORDS COMMAND...: it ends with this code, and with these words among what it says in log.
refused() {
    local code=$1 words=$2
    shift 2
    "$@" > /dev/null 2> log
    local got=$?
    [ $got = "$code" ] || fail "exit code $got, not $code, for $*: $(cat log)"
    grep -q -- "$words" log || fail "\"$words\" is not in: $(cat log)"
}

# Sentences of a small made-up language, in documents of twelve; always the same.
text() {
    awk -v lines="$1" -v seed="$2" 'BEGIN {
        srand(seed)
        n = split("cat dog bird fish tree house river stone cloud child", noun)
        v = split("sees eats finds likes follows carries leaves paints", verb)
        a = split("small green old quiet happy tall broken bright", adjective)
        for (i = 1; i <= lines; i++) {
            printf "the %s %s %s the %s %s", adjective[int(rand() * a) + 1], noun[int(rand() * n) + 1],
                verb[int(rand() * v) + 1], adjective[int(rand() * a) + 1], noun[int(rand() * n) + 1]
            printf " while a %s %s a %s .\n", noun[int(rand() * n) + 1], verb[int(rand() * v) + 1], noun[int(rand() * n) + 1]
            if (i % 12 == 0) print ""
        }
    }'
}

make_data() {
    text 3000 1 > train.txt
    text 300 2 > heldout.txt
    "$electra" vocab --vocab-size 200 --output vocab.txt train.txt > log 2>&1 || fail "vocab: $(cat log)"
    "$electra" prepare --vocab vocab.txt --max-seq-length 48 --output shards train.txt > log 2>&1 || fail "prepare: $(cat log)"
    "$electra" prepare --vocab vocab.txt --max-seq-length 48 --output heldout heldout.txt > log 2>&1 || fail "prepare: $(cat log)"
}

# A small model with everything that has to come back: dropout, both networks, records that do not fit checkpoints.
settings=(--data shards --eval-data heldout --model-size tiny --hidden-size 64 --embedding-size 64 --dropout 0.1
    --attention-dropout 0.1 --train-batch-size 8 --logging-steps 7 --eval-steps 20 --eval-batches 2
    --save-checkpoints-steps 8 --keep-checkpoint-max 2)

# metrics.jsonl without times and rates.
figures() { sed -E 's/, "(seconds|tokens_per_second|peak_share)": [^,}]*//g' "$1/metrics.jsonl"; }
# state.json without times (and without its checksum, which covers them).
counters() { grep -vE '"(seconds|checksum)"' "$1/state.json"; }

# same A B STEP: both runs hold the same weights, moments, counters, models and metrics.
same() {
    local file
    for file in checkpoint-$3/{model,optimizer}.safetensors $(cd "$1" && ls {generator,discriminator,backward}/{model.safetensors,config.json,vocab.txt} 2> /dev/null); do
        cmp -s "$1/$file" "$2/$file" || fail "$file of $1 and $2 differ"
    done
    cmp -s <(counters "$1/checkpoint-$3") <(counters "$2/checkpoint-$3") || fail "state.json of $1 and $2 differ"
    diff <(figures "$1") <(figures "$2") >&2 || fail "metrics.jsonl of $1 and $2 differ"
    diff <(ls "$1" | grep -v 'checkpoint-[0-9]*$') <(ls "$2" | grep -v 'checkpoint-[0-9]*$') >&2 || fail "$1 and $2 hold different files"
}
