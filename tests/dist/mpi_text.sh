#!/bin/bash
# vocab and prepare by 1, 2, 3 and 4 ranks give the same bytes as one process, whether all read the same files or each its own.
electra=$1 mpi=$2 launcher=$3
source "$(dirname "$0")/cluster.bash"

# Some blocks of text: a reader's block is 8 MB.
for i in 1 2 3; do text 20000 $i; done > part.txt
for i in 1 2 3 4 5 6 7; do cat part.txt; echo; done > large.txt
text 500 8 > small.txt
printf '{"text": "a quiet river\\nfinds the sea"}\n{"text": "a tall tree"}\n' > lines.jsonl
files=(small.txt large.txt lines.jsonl)

"$electra" vocab --vocab-size 300 --output vocab.txt "${files[@]}" > log 2>&1 || fail "vocab: $(cat log)"
"$electra" prepare --vocab vocab.txt --threads 2 --shard-tokens 1000000 --output shards --heldout 0.1 --heldout-output heldout "${files[@]}" > said 2>&1 ||
    fail "prepare: $(cat said)"
[ "$(ls shards | wc -l)" -gt 1 ] || fail "the text is too short for this test"
for n in 1 2 3 4; do
    ranks $n "$mpi" vocab --vocab-size 300 --threads 1 --output vocab-$n.txt "${files[@]}" || fail "vocab, $n ranks: $(cat log)"
    cmp -s vocab.txt vocab-$n.txt || fail "vocab: $n ranks learn another vocabulary"
    ranks $n "$mpi" prepare --vocab vocab.txt --threads 1 --shard-tokens 1000000 --output shards-$n --heldout 0.1 --heldout-output heldout-$n "${files[@]}" ||
        fail "prepare, $n ranks: $(cat log)"
    diff -r shards shards-$n > log2 || fail "prepare: shards of $n ranks are others: $(cat log2)"
    diff -r heldout heldout-$n > log2 || fail "prepare: held-out shards of $n ranks are others: $(cat log2)"
    cmp -s <(grep -o '^[0-9.]* MB of text, .*UNK\]' said) <(grep -o '^[0-9.]* MB of text, .*UNK\]' log) || fail "$n ranks count otherwise: $(cat log)"
done

# Each its own files: the text is theirs, one behind the other's.
timeout 120 "${launch[@]}" -np 1 "$mpi" vocab --vocab-size 300 --threads 1 --output own.txt small.txt : \
    -np 1 "$mpi" vocab --vocab-size 300 --threads 1 --output own.txt large.txt lines.jsonl > log 2>&1 || fail "own lists: $(cat log)"
says "each rank has files of its own"
cmp -s vocab.txt own.txt || fail "vocab: ranks with files of their own learn another vocabulary"
of=(--vocab vocab.txt --threads 1 --shard-tokens 1000000 --output own --heldout 0.1 --heldout-output own-heldout)
timeout 120 "${launch[@]}" -np 1 "$mpi" prepare "${of[@]}" small.txt : -np 1 "$mpi" prepare "${of[@]}" large.txt lines.jsonl > log 2>&1 ||
    fail "own lists: $(cat log)"
diff -r shards own > log2 || fail "prepare: shards of ranks with files of their own are others: $(cat log2)"

# ---- killed, stopped, and gone on with by other numbers of ranks ----
files=(small.txt large.txt lines.jsonl large.txt large.txt)
shards=(prepare --vocab vocab.txt --threads 1 --shard-tokens 1000000 --heldout 0.1)
"$electra" "${shards[@]}" --output through --heldout-output through-heldout "${files[@]}" > log 2>&1 || fail "prepare: $(cat log)"
on=("${shards[@]}" --output on --heldout-output on-heldout)
another() { # COMMAND...: in the background as $job, until another shard is whole
    touch before
    "$@" > log 2>&1 &
    job=$!
    until [ .on.unfinished/unfinished.safetensors -nt before ]; do
        kill -0 $job || fail "prepare ended too early: $(cat log)"
        sleep 0.02
    done
}
another "${launch[@]}" -np 2 "$mpi" "${on[@]}" "${files[@]}"
lose_rank
another "$electra" "${on[@]}" "${files[@]}"
kill -TERM $job
wait $job
code=$?
[ $code = 75 ] || fail "stopped with $code: $(cat log)"
says "going on behind"
another "${launch[@]}" -np 3 "$mpi" "${on[@]}" "${files[@]}"
kill -USR1 $job
wait $job
stopped $?
says "the same command goes on"
refused 2 "shard_tokens was 1000000, not 2000000" "$electra" "${on[@]}" --shard-tokens 2000000 "${files[@]}"
ranks 4 "$mpi" "${on[@]}" "${files[@]}" || fail "going on with 4 ranks: $(cat log)"
says "going on behind"
diff -r through on > log2 || fail "prepare: shards that were gone on with are others: $(cat log2)"
diff -r through-heldout on-heldout > log2 || fail "prepare: held-out shards that were gone on with are others: $(cat log2)"

rm -r on on-heldout
each=("${launch[@]}" -np 1 "$mpi" "${on[@]}" small.txt large.txt : -np 1 "$mpi" "${on[@]}" lines.jsonl large.txt large.txt)
another "${each[@]}"
lose_rank
timeout 120 "${each[@]}" > log 2>&1 || fail "going on, files of their own: $(cat log)"
says "going on behind"
diff -r through on > log2 || fail "prepare: shards of files of their own, gone on with, are others: $(cat log2)"
rm -r on on-heldout through through-heldout

# One rank that cannot read ends all; and so does one with another vocabulary.
timeout 120 "${launch[@]}" -np 1 "$mpi" prepare "${of[@]}" --output no small.txt : -np 1 "$mpi" prepare "${of[@]}" --output no missing.txt > log 2>&1 &&
    fail "a missing file went unnoticed"
says "rank 1 on .*: missing.txt"
"$electra" vocab --vocab-size 200 --output other.txt small.txt > log 2>&1
timeout 120 "${launch[@]}" -np 1 "$mpi" prepare "${of[@]}" --output no large.txt : -np 1 "$mpi" prepare "${of[@]}" --vocab other.txt --output no large.txt > log 2>&1 &&
    fail "another vocabulary went unnoticed"
says "rank 1 on .*: vocab: is \"other.txt\" here"

# Files of the same names that are other files on the second machine: in a folder, or by their content alone.
mkdir -p texts elsewhere/texts
cp small.txt texts
sed '$s/.$/;/' small.txt > elsewhere/texts/small.txt
[ "$(stat -c %s texts/small.txt)" = "$(stat -c %s elsewhere/texts/small.txt)" ] || fail "the sizes differ"
unlike() { # WORDS COMMAND...
    local words=$1
    shift
    timeout 120 "${launch[@]}" -np 1 "$mpi" "$@" texts : -np 1 sh -c 'cd elsewhere && exec "$0" "$@"' "$mpi" "$@" texts > log 2>&1 &&
        fail "$1: other files went unnoticed"
    says "rank 1 on .*: $words"
    for left in no .no.unfinished elsewhere/no; do
        [ ! -e $left ] || fail "what was refused left $left"
    done
}
unlike "the content of the files: is" vocab --vocab-size 200 --threads 1 --output "$work/no"
unlike "the content of the files: is" prepare --vocab "$work/vocab.txt" --threads 1 --shard-tokens 1000 --output "$work/no"
mv elsewhere/texts/{small,other}.txt
unlike "the text to read: is" vocab --vocab-size 200 --threads 1 --output "$work/no"
exit 0
