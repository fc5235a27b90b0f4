#!/bin/bash
# electra prepare and vocab, on lines of 100 MB, plain and JSON, and on thousands of files: within a memory that text has no
# part in.
set -u
electra=$1
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder" || exit 1
failures=0

MEMORY=300000 # kilobytes of addresses, most of which are those of malloc's areas and of stacks
within() {
    (ulimit -v $MEMORY && "$electra" "$@" >out 2>err) || {
        echo "FAILED: $* within $MEMORY kB:"
        tail -3 err
        failures=$((failures + 1))
    }
}
documents() {
    [[ $(<out) == *" $1 document"* ]] || { echo "FAILED: not $1 documents:"; cat out; failures=$((failures + 1)); }
}
ulimit -v $MEMORY 2>/dev/null && "$electra" --version >/dev/null 2>&1 || { echo "no program starts in so little"; exit 77; }

{
    printf '[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\n.\n'
    for i in $(seq 0 999); do echo "w$i"; done
} >vocab.txt
words=$(seq -f w%g -s ' ' 0 999)

# A line of 100 MB, a word that never ends, and another line: three documents.
{
    yes "$words" | head -n 20500 | tr '\n' ' '
    printf '\n\n'
    head -c 30000000 /dev/zero | tr '\0' a
    printf '\n\nw1 w2 w3 .\n'
} >lines.txt
within prepare --vocab vocab.txt --output lines --shard-tokens 1000000 lines.txt
documents 3
within vocab --vocab-size 500 --output lines/vocab.txt lines.txt
rm -rf lines

# The same text in one JSON line, and as many lines of a text.
{
    printf '{"n": 1, "text": "'
    head -n 1 lines.txt | tr -d '\n'
    printf '", "m": 2}\n'
} >line.jsonl
{
    printf '{"text": "'
    yes "$words\\n" | head -n 20500 | tr -d '\n'
    printf '"}'
} >text.jsonl
for file in line.jsonl text.jsonl; do
    within prepare --vocab vocab.txt --output json --shard-tokens 1000000 $file
    documents 1
    within vocab --vocab-size 500 --output json/vocab.txt $file
    rm -rf json $file
done
rm -f lines.txt

# Each file is a document, whatever it shares a block with.
mkdir files
awk -v words="$words" 'BEGIN { for (i = 0; i < 3000; i++) { f = "files/" i; print words > f; close(f) } }'
within prepare --vocab vocab.txt --output shards files
documents 3000
within vocab --vocab-size 500 --output shards/vocab.txt files

[ $failures -eq 0 ] || exit 1
