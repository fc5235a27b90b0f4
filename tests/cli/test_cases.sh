#!/bin/bash
# test_cases.sh PROGRAM - inputs of the kinds that people have reported trouble with elsewhere: lengths, words that are nothing,
# offsets of other units, odd questions, odd rows, odd paths.
electra=$(realpath "$1")
source "$(dirname "$0")/run.bash"

text 200 1 > train.txt
"$electra" vocab --vocab-size 150 --output vocab.txt train.txt > log 2>&1 || fail "vocab: $(cat log)"
"$electra" prepare --vocab vocab.txt --max-seq-length 32 --output shards train.txt > log 2>&1 || fail "prepare: $(cat log)"
"$electra" pretrain --data shards --model-size tiny --hidden-size 32 --embedding-size 32 --num-train-steps 1 --threads 1 \
    --output run > log 2>&1 || fail "pretrain: $(cat log)"
options=(--model run --threads 1 --num-train-epochs 1 --max-restarts 0)
finetune() { # OUTPUT OPTIONS...
    "$electra" finetune "${options[@]}" --output "$@" > table 2> log || fail "finetune $*: $(cat log)"
}
said() { grep -qF -- "$1" log || fail "\"$1\" is not said: $(cat log)"; }
predict() { "$electra" predict --threads 1 --model "$@" 2> log || fail "predict $*: $(cat log)"; }

# Words beyond the length, and words that normalise to nothing, have a tag each, and are scored.
{ for i in $(seq 40); do printf 'the O\ncat B-PET\n'; [ $((i % 4)) = 0 ] && echo; done; } > tags.conll
finetune tagger --task ner --max-seq-length 24 --train-file tags.conll --dev-file tags.conll
{ for i in $(seq 30); do printf 'the O\ncat B-PET\n'; done; printf '\n\xe2\x80\x8b O\n\xc2\xad O\ndog B-PET\n'; } > long.conll
for how in "" --windows; do
    predict tagger $how long.conll | awk -F'\t' 'NR > 1 { print split($2, w, " "), split($3, t, " ") }' > counts
    printf '60 60\n3 3\n' | cmp -s - counts || fail "words and tags$how: $(cat counts)"
done
predict tagger long.conll > answers
said "1 example is longer than 24 tokens, and cut"
"$electra" evaluate --model tagger --threads 1 --json long.conll > scores 2> log || fail "evaluate: $(cat log)"
grep -q '"cut": 1' scores || fail "what is cut is not counted: $(cat scores)"

# Offsets in other units, or off by one, are taken where they are meant: the same is learned.
squad() { # FILE OFFSET
    printf '{"data": [{"paragraphs": [{"context": "the cat \xf0\x9f\x98\x80 the cat sees the cat", "qas": [{"id": "1", "question": "who ?", "answers": [{"text": "cat", "answer_start": %d}]}]}]}]}' "$2" > "$1"
}
squad characters.json 14; squad utf16.json 15; squad bytes.json 17; squad next.json 13
for unit in characters utf16 bytes next; do
    finetune "of-$unit" --task squadv1 --max-seq-length 32 --max-query-length 8 --train-file $unit.json --dev-file characters.json
    [ $unit = characters ] || said "1 answer is not at the offset in characters"
    cmp -s of-characters/model/model.safetensors "of-$unit/model/model.safetensors" || fail "$unit: another place is learned"
done

# Long contexts and questions end, whatever the stride; a length that leaves no room is named.
context=$(for i in $(seq 150); do printf 'the cat '; done)
question() { # FILE QUESTION CONTEXT ID: JSON strings without their quotes
    printf '{"data": [{"paragraphs": [{"context": "%s", "qas": [{"id": "%s", "question": "%s", "answers": []}]}]}]}' "$3" "${4:-1}" "$2" > "$1"
}
question ends.json "who ?" "$context dog"
question asks.json "$context" "$context dog"
for stride in 1 128 4096; do
    for file in ends asks; do
        [ "$(predict of-characters --doc-stride $stride $file.json | wc -l)" = 2 ] || fail "$file.json, stride $stride"
    done
done
refused 2 "must be" "$electra" finetune "${options[@]}" --output none --task squadv1 --max-seq-length 8 --max-query-length 8 \
    --train-file characters.json --dev-file characters.json

# Odd questions are answered, or refused in a sentence.
question pair.json "who ?" 'the \ud83d\ude00 cat'
question nothing.json "who ?" ''
question silent.json '' 'the cat'
question zero.json 'who\u0000 ?' 'the cat'
for file in pair nothing silent zero; do
    predict of-characters $file.json > answers
    awk -F'\t' 'NF != 4 { exit 1 } END { exit NR != 2 }' answers || fail "$file.json is not answered in four columns: $(cat answers)"
done
predict of-characters --json nothing.json | grep -q '"answer": "", "begin": null' || fail "an answer that is none begins somewhere"
question lone.json "who ?" 'the \ud83d cat'
refused 3 "lone.json, question 1" "$electra" predict --model of-characters lone.json
sed 's/}\]}\]}\]}$/}, {"id": "1", "question": "why ?", "answers": []}]}]}]}/' silent.json > twice.json
refused 3 'two questions have the id "1"' "$electra" predict --model of-characters --squad-output answers-of twice.json

# Empty and endless texts; files with nothing in them.
sentences() { grep -v '^$' train.txt | head -n 20 | cut -d ' ' -f 1-6 | awk '{ print $0 "\t" (NR % 2 ? "pos" : "neg") }'; }
sentences > train.tsv
finetune classes --task classify --max-seq-length 24 --train-file train.tsv --dev-file train.tsv
{ printf '\tpos\n   \tneg\n'; head -c 200000 /dev/zero | tr '\0' x; printf '\tpos\n'; } > texts.tsv
[ "$(predict classes texts.tsv | wc -l)" = 4 ] || fail "empty and long texts: $(cat log)"
: > none.tsv
printf 'text\tlabel\n' > header.tsv
for file in none header; do
    refused 3 "there is no example in it" "$electra" predict --model classes $file.tsv
    refused 3 "there is no example in it" "$electra" finetune "${options[@]}" --output none --task classify --train-file $file.tsv
done
for nothing in "" " " $'\u200b'; do
    "$electra" detect --model run "$nothing" > out 2> log || fail "detect of \"$nothing\": $(cat log)"
done

# GLUE's files: quotes are text, malformed rows are left out, counted, and the first of them is named.
printf 'sentence\tlabel\nthe "cat\t1\nthe dog\nthe bird\t0\nthe fish\t7\n' > sst.tsv
finetune glue --task sst2 --max-seq-length 24 --train-file sst.tsv --dev-file sst.tsv
said 'sst.tsv: 2 malformed lines are left out; the first: sst.tsv, line 3'
said 'the first: "the "cat" is 1'

# A path is a path, whatever it has in it.
for place in "lr=3e-5" "my data" "한글 폴더" "a,b" "glob[1]"; do
    mkdir "$place"
    cp train.tsv "$place/train.tsv"
    cp train.tsv "$place/dev.tsv"
    finetune "$place/out" --task classify --max-seq-length 24 --data "$place"
    [ "$(predict "$place/out/" "$place/dev.tsv" | wc -l)" = 21 ] || fail "predict in $place"
done
refused 3 "lr=3e-5/nothere.tsv: No such file" "$electra" finetune "${options[@]}" --output none --task classify \
    --train-file lr=3e-5/nothere.tsv
