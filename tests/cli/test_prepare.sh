#!/bin/bash
# electra prepare, and what every command shares: help, versions, unknown names, exit codes.
set -u
electra=$1
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder" || exit 1
failures=0

# expect CODE WORDS COMMAND...: exits with CODE, and says WORDS (on either stream).
expect() {
    local code=$1 words=$2
    shift 2
    "$@" >out 2>err </dev/null
    local got=$?
    if [ $got -ne "$code" ] || ! grep -qF -- "$words" out err; then
        echo "FAILED: $*: exit code $got, not $code, or no \"$words\" in:"
        cat out err
        failures=$((failures + 1))
    fi
}
same() {
    cmp "$1" "$2" || failures=$((failures + 1))
}

{
    printf '[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\n.\n'
    for i in $(seq 0 999); do echo "w$i"; done
} >vocab.txt
awk 'BEGIN {
    srand(5)
    for (d = 0; d < 3000; d++) {
        for (l = 0; l < 1 + rand() * 8; l++) {
            for (w = 0; w < 1 + rand() * 30; w++) printf "w%d ", rand() * 1000
            print "."
        }
        print ""
    }
}' >text.txt
gzip -k text.txt

expect 0 'electra COMMAND' "$electra" --help
expect 0 'prepare' "$electra" help
expect 2 'electra COMMAND' "$electra"
expect 0 'electra 0.' "$electra" --version
expect 2 'did you mean prepare?' "$electra" prepar
expect 2 'no such command' "$electra" quxquxqux
expect 0 '--max-seq-length' "$electra" help prepare
expect 0 '--max-seq-length' "$electra" prepare --help

expect 2 '--vocab' "$electra" prepare --output o text.txt
expect 2 '--output' "$electra" prepare --vocab vocab.txt text.txt
expect 2 'which files' "$electra" prepare --vocab vocab.txt --output o
expect 2 'max-seq-length' "$electra" prepare --vocab vocab.txt --output o --max-seq-lenght 64 text.txt
expect 2 '--max-seq-length' "$electra" prepare --vocab vocab.txt --output o --max-seq-length 3 text.txt
expect 2 'belong together' "$electra" prepare --vocab vocab.txt --output o --heldout 0.1 text.txt
expect 2 '--heldout: 1 holds out every document' "$electra" prepare --vocab vocab.txt --output o --heldout 1 --heldout-output h text.txt
expect 2 'in the other' "$electra" prepare --vocab vocab.txt --output o --heldout 0.1 --heldout-output ./o//h text.txt
expect 2 'attention: is of --packing full' "$electra" prepare --vocab vocab.txt --output o --attention example text.txt
for flag in --short-seq-prob --single-segment-prob; do
    expect 2 "${flag#--}: is of --packing segments" "$electra" prepare --vocab vocab.txt --output o --packing full $flag 0.1 text.txt
done
expect 3 'missing.txt' "$electra" prepare --vocab vocab.txt --output o missing.txt
expect 3 'missing.txt' "$electra" prepare --vocab missing.txt --output o text.txt
[ ! -e o ] || { echo "FAILED: a failed run left its folder"; failures=$((failures + 1)); }

# One thread, three, compressed, from standard input: the same bytes.
small=(--vocab vocab.txt --max_seq_length 64 --shard-tokens 40000 --seed 3)
expect 0 '3000 documents' "$electra" prepare "${small[@]}" --threads 1 --output one text.txt
expect 0 '3000 documents' "$electra" prepare "${small[@]}" --threads 3 --output three text.txt.gz
"$electra" prepare "${small[@]}" --output pipe - <text.txt >out 2>err || { cat err; failures=$((failures + 1)); }
[ "$(ls one | wc -l)" -gt 2 ] || { echo "FAILED: few shards: $(ls one)"; failures=$((failures + 1)); }
for shard in one/*; do
    same "$shard" "three/${shard#one/}"
    same "$shard" "pipe/${shard#one/}"
done
expect 2 '--overwrite' "$electra" prepare "${small[@]}" --output one text.txt
expect 0 '3000 documents' "$electra" prepare "${small[@]}" --output one --overwrite --packing full text.txt
cmp -s one/shard-00000.safetensors three/shard-00000.safetensors && { echo "FAILED: not replaced"; failures=$((failures + 1)); }

# A truncated file ends with 3, and leaves what was there.
head -c 20000 text.txt.gz >cut.gz
expect 3 'cut.gz' "$electra" prepare "${small[@]}" --output pipe --overwrite cut.gz
same pipe/shard-00000.safetensors three/shard-00000.safetensors

# Stopped by a signal: exit code 1, nothing new, nothing left over.
mkfifo slow
"$electra" prepare "${small[@]}" --output stopped slow >out 2>err &
process=$!
exec 9>slow
cat text.txt text.txt text.txt text.txt text.txt text.txt text.txt text.txt text.txt text.txt >&9
kill -TERM $process
exec 9>&-
wait $process
code=$?
[ $code -eq 1 ] && grep -q stopped err && [ ! -e stopped ] && [ -z "$(ls -d stopped* 2>/dev/null)" ] || {
    echo "FAILED: stopped with $code: $(cat err), left: $(ls -d stopped*)"
    failures=$((failures + 1))
}

# Killed, and stopped, behind some shards of a file that can be read again: the same command goes on to the same bytes.
for i in $(seq 60); do cat text.txt; done >large.txt
large=("$electra" prepare --vocab vocab.txt --shard-tokens 1000000 --heldout 0.1 --seed 3)
"${large[@]}" --threads 2 --heldout-output through-held-out --output through large.txt >whole 2>err || { cat err; failures=$((failures + 1)); }
on=("${large[@]}" --heldout-output on-held-out --output on)
ended() { # SIGNAL: sends it as soon as another shard is whole; the exit code is in $code
    touch before
    "${on[@]}" --threads 1 large.txt >out 2>err &
    local process=$! sent=
    while kill -0 $process 2>/dev/null; do
        [ .on.unfinished/unfinished.safetensors -nt before ] && kill "$1" $process && sent=1 && break
        sleep 0.02
    done
    wait $process 2>/dev/null
    code=$?
    [ $sent ] || { echo "FAILED: prepare ended before it could be sent $1"; failures=$((failures + 1)); }
}
ended -KILL
[ $code -eq 137 ] && [ ! -e on ] && [ ! -e on-held-out ] || { echo "FAILED: killed: exit code $code, $(ls -d on*)"; failures=$((failures + 1)); }
expect 2 'max_seq_length was 128, not 64' "${on[@]}" --max-seq-length 64 large.txt
expect 2 'json_lines was absent, not true' "${on[@]}" --json-key text large.txt
ended -TERM
[ $code -eq 75 ] && grep -q 'going on behind [1-9][0-9]* whole shard' err && grep -q 'the same command goes on' err || {
    echo "FAILED: stopped with $code: $(cat err)"
    failures=$((failures + 1))
}
expect 0 'going on behind' "${on[@]}" --threads 2 large.txt
cmp <(sed 's/through/on/; s/UNK.*//' whole) <(sed 's/UNK.*//' out) || failures=$((failures + 1))
diff -r through on && diff -r through-held-out on-held-out && [ -z "$(ls -d .on*)" ] || failures=$((failures + 1))

# Text that the vocabulary does not fit.
echo 'nothing of this is known to it' >other.txt
expect 0 'hardly fits' "$electra" prepare --vocab vocab.txt --output other other.txt
echo '{"body": "w1 w2"}' >lines.jsonl
expect 0 '2 pieces' "$electra" prepare --vocab vocab.txt --output lines --json-key body lines.jsonl

echo "$failures failures"
[ $failures -eq 0 ]
