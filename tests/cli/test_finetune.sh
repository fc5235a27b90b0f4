#!/bin/bash
# electra finetune and predict: a task is learned and its best model kept and asked, stopped trials go on to the same bits,
# every kind of the user's files works, and bad input is said in one sentence.
electra=$(realpath "$1")
source "$(dirname "$0")/run.bash"
make_data
"$electra" pretrain --data shards --model-size tiny --hidden-size 64 --embedding-size 64 --num-train-steps 3 --threads 1 \
    --output run 2> log || fail "pretrain: $(cat log)"

# Whether a sentence speaks of a cat.
label() { grep -v '^$' "$1" | awk -v most="$2" 'BEGIN { print "text\tlabel" } NR <= most { print $0 "\t" (/cat/ ? "cat" : "none") }'; }
mkdir data
label train.txt 1200 > data/train.tsv
label heldout.txt 200 > data/dev.tsv
label heldout.txt 100 > data/test.tsv

finetune() { "$electra" finetune --threads 1 --precision fp32 --logging-steps 20 "$@"; }
figure() { grep -m1 "\"$2\":" "$1" | sed -E 's/.*: ([-0-9.e]*),?/\1/'; } # FILE KEY

settings=(--model run --task classify --data data --max-seq-length 32 --learning-rate 1e-3 --num-trials 2)
began=$EPOCHREALTIME
finetune "${settings[@]}" --output out --json > results.json 2> log || fail "finetune: $(cat log)"
tenth=$(awk "BEGIN { print ($EPOCHREALTIME - $began) / 10 }") # of the time it takes here
awk "BEGIN { exit !($(figure results.json accuracy) > 0.95) }" || fail "accuracy is $(figure results.json accuracy)"
cmp -s results.json out/results.json || fail "what is printed is not results.json"
for key in mean median deviation best trials seed test matthews f1_macro; do
    grep -q "\"$key\"" results.json || fail "results.json has no $key"
done

# Stopped again and again it comes to the same model; asked again it has nothing to do.
stops=0
until finetune "${settings[@]}" --output stopped --max-time $tenth --json > again.json 2> log; do
    [ $? = 75 ] || fail "stopped: $(cat log)"
    stops=$((stops + 1))
    [ $stops -lt 200 ] || fail "it never ends"
done
[ $stops -gt 0 ] || fail "it was never stopped"
cmp -s out/model/model.safetensors stopped/model/model.safetensors || fail "the stopped run has another model"
diff results.json again.json >&2 || fail "the stopped run has other results"
# The limit is of all trials together: the first alone comes to its end within it.
code=0
finetune "${settings[@]}" --num-trials 50 --output several --max-time "$(awk "BEGIN { print 7 * $tenth }")" 2> log || code=$?
[ $code = 75 ] && [ -e several/trial-1/best ] || fail "50 trials in the time of two: $code: $(cat log)"
[ "$(ls -d several/trial-* | wc -l)" -lt 20 ] || fail "each trial had the time of all: $(ls several)"
rm -r several
card() { sed -e '/--output\|--max-time/d' -e 's/ \\$//' "$1/model/README.md"; }
diff <(card out) <(card stopped) >&2 || fail "the stopped run has another card"
finetune --output out --json > once.json 2> log || fail "finished: $(cat log)"
diff results.json once.json >&2 || fail "a finished run has other results when asked again"

# The answers to the dev file are those that were scored.
"$electra" predict --model out --precision fp32 --threads 2 data/dev.tsv > answers.tsv 2> log || fail "predict: $(cat log)"
[ "$(head -n 1 answers.tsv)" = "$(printf 'id\tlabel\tcat\tnone')" ] || fail "header: $(head -n 1 answers.tsv)"
share=$(paste answers.tsv data/dev.tsv | awk -F'\t' 'NR > 1 { right += $2 == $NF } END { printf "%.6f", right / (NR - 1) }')
awk "BEGIN { d = $share - $(figure results.json accuracy); exit !(d < 1e-5 && d > -1e-5) }" || fail "predict is right in $share"
echo "the small cat sees the old tree" | "$electra" predict --model out --format lines --json - > line.json 2> log || fail "predict: $(cat log)"
grep -q '"label": "cat"' line.json || fail "a cat is not seen: $(cat line.json)"

# The same model in int8 says nearly the same, and nothing is trained in it.
"$electra" predict --model out --precision int8 --threads 2 data/dev.tsv > int8.tsv 2> log || fail "predict in int8: $(cat log)"
! cmp -s answers.tsv int8.tsv || fail "int8 has the bits of fp32"
paste answers.tsv int8.tsv | awk -F'\t' 'NR > 1 { d = $3 - $7; if (d < 0) d = -d; if (d > most) most = d; same += $2 == $6 }
    END { exit !(most < 0.1 && same / (NR - 1) > 0.97) }' || fail "int8 answers otherwise"
"$electra" finetune "${settings[@]}" --precision int8 --output no > log 2>&1
[ $? = 2 ] && grep -q 'int8" is not one of auto, bf16, fp32$' log || fail "trained in int8: $(cat log)"

# A masked language model is a start like a discriminator.
"$electra" pretrain --data shards --model-size tiny --hidden-size 64 --embedding-size 64 --num-train-steps 3 --threads 1 \
    --objective mlm --output mlm 2> log || fail "pretrain --objective mlm: $(cat log)"
finetune --model mlm --task classify --data data --max-seq-length 32 --num-train-epochs 1 --max-restarts 0 \
    --max-train-examples 64 --check-int8 --output from-mlm > log 2>&1 || fail "finetune of a masked language model: $(cat log)"
grep -q 'accuracy on dev: [0-9.]* in fp32, [0-9.]* in int8' log || fail "no score in int8: $(cat log)"
grep -q '"check_int8"' from-mlm/results.json || fail "results.json has no score in int8"
grep -q ElectraForSequenceClassification from-mlm/model/config.json || fail "from-mlm: $(cat from-mlm/model/config.json)"

# Other kinds: numbers, words, spans; one short trial each.
short=(--model run --max-seq-length 32 --num-train-epochs 1 --max-restarts 0 --max-train-examples 64)
awk -F'\t' -v OFS='\t' 'NR == 1 { print "sentence1", "sentence2", "score" } NR > 1 { print $1, $1, NR % 6 }' data/train.tsv > pairs.tsv
finetune "${short[@]}" --num-trials 3 --task regress --train-file pairs.tsv --output regress > log 2>&1 || fail "regress: $(cat log)"
# "best" is what the best trial has, of the loss and the error too.
bests=$(sed -n '/^  "summary"/,/^  }/s/^ *"best": \([-0-9.e]*\).*/\1/p' regress/results.json)
figures=$(sed -n '/^  "metrics"/,/^  }/s/^ *"[a-z0-9_]*": \([-0-9.e]*\),\{0,1\}$/\1/p' regress/results.json)
diff <(echo "$bests") <(echo "$figures") >&2 || fail "the best trial's figures are not those under best"
[ "$(wc -l <<< "$bests")" -gt 3 ] || fail "there are no best figures: $(cat regress/results.json)"
grep -v '^$' train.txt | head -n 100 | awk '{ for (i = 1; i <= NF; i++) print $i, ($i == "cat" ? "B-PET" : "O"); print "" }' > words.conll
finetune "${short[@]}" --task ner --train-file words.conll --output ner > log 2>&1 || fail "ner: $(cat log)"
awk -F'\t' 'NR > 1 && NR < 90 { split($1, w, " "); printf "{\"question\": \"which %s\", \"context\": \"%s\", \"answer\": \"%s\"}\n", w[2], $1, w[3] }' \
    data/train.tsv > spans.jsonl
for head in huggingface original; do
    finetune "${short[@]}" --max-query-length 8 --task span --train-file spans.jsonl --head $head --output span.$head > log 2>&1 || fail "span: $(cat log)"
    "$electra" predict --model span.$head --json spans.jsonl > log 2>&1 || fail "predict spans: $(cat log)"
    [ "$(grep -c '"answer"' log)" = 88 ] || fail "$(grep -c '"answer"' log) answers, not 88"
done
"$electra" predict --model ner --json --format lines <(echo "the cat sees") 2> log | grep -q '"words": \["the", "cat", "sees"\]' || fail "tags: $(cat log)"

refuse() { # CODE WORDS arguments
    refused "$1" "$2" finetune "${@:3}" --output refused
    [ ! -e refused ] || fail "something is left where nothing was done: $(ls -A refused)"
}
# A model of another task lends its encoder: what begins with it is ahead of what begins with the run.
finetune --init-from out --task multilabel --train-file data/train.tsv --max-seq-length 32 --num-train-epochs 1 --output lent --json > lent.json 2> log || fail "--init-from: $(cat log)"
finetune --model run --task multilabel --train-file data/train.tsv --max-seq-length 32 --num-train-epochs 1 --output fresh --json > fresh.json 2> log || fail "multilabel: $(cat log)"
awk "BEGIN { exit !($(figure lent.json loss) < $(figure fresh.json loss)) }" || fail "begun with a model of another task the loss is $(figure lent.json loss), with the run $(figure fresh.json loss)"

# What is wrong is said in one sentence, with the exit code of its kind.
refuse 2 "did you mean classify" --model run --task clasify --data data
refuse 2 "nothing to train on" --model run --task classify
refuse 3 "no such folder" --model run --task classify --data nowhere
refuse 3 "neither a run" --model data --task classify --data data
printf 'text\tlabel\na\tx\nb\n' > ragged.tsv
refuse 3 "line 3: there is 1 column, where the first line has 2" --model run --task classify --train-file ragged.tsv --dev-file data/dev.tsv
refuse 3 "the label \"cat\" is not known" --model run --task classify --train-file <(printf 'text\tlabel\na\tx\nb\ty\n') --dev-file data/dev.tsv
printf 'a\tx\nb\ty\tz\n' > ragged.tsv
refuse 3 "ragged.tsv, line 2: there are 3 columns" --model run --task classify --train-file ragged.tsv --dev-file data/dev.tsv
refuse 3 "there is no column \"stars\"" --model run --task classify --data data --label-column stars
refuse 3 "data: is a folder" --model run --task classify --train-file data --dev-file data/dev.tsv
printf 'a\0b\tx\nb\ty\n' > zero.tsv
refuse 3 "zero.tsv, line 1: byte 2 is zero" --model run --task classify --train-file zero.tsv --dev-file data/dev.tsv
mkdir refused
finetune --model run --task classify --data nowhere --output refused > log 2>&1 && fail "nowhere is a place"
rmdir refused || fail "a folder that was there is gone, or has something in it"
cp -r run other
seq 1000 >> other/discriminator/vocab.txt
refuse 3 "vocab.txt and tokenizer.json are two vocabularies, of 1139 and 139 pieces" --model other --task classify --data data
rm other/discriminator/tokenizer.json
refuse 3 "other/discriminator: vocab.txt has .* pieces, the model knows" --model other --task classify --data data
# Malformed lines of GLUE's files are left out and counted; so are questions whose answer does not stand in their text.
mkdir sst2
{ cat data/train.tsv | sed 's/^text/sentence/; s/cat$/1/; s/none$/0/'; echo "no label"; printf 'another label\t2\n'; } > sst2/train.tsv
finetune "${short[@]}" --task sst2 --data sst2 --output malformed > log 2>&1 || fail "sst2: $(cat log)"
grep -q "sst2/train.tsv: 2 malformed lines are left out" log || fail "malformed lines are not counted: $(cat log)"
{ head -n 40 spans.jsonl; echo '{"question": "which cat", "context": "the cat", "answer": "the dog"}'; } > lost.jsonl
finetune "${short[@]}" --max-query-length 8 --task span --train-file lost.jsonl --dev-file spans.jsonl --output lost > log 2>&1 || fail "lost: $(cat log)"
grep -q "1 question is left out of training, .*; number 41 of .*lost.jsonl is the first" log || fail "the lost answer is not counted and named: $(cat log)"
finetune --output out --num-train-epochs 5 > log 2>&1 && fail "another setting was taken for the same run"
grep -q num-train-epochs log || fail "the changed setting is not named: $(cat log)"

# An output folder is empty or its own: a project with a folder "model", another command's, and where it starts from.
mkdir -p project/model
date > project/model/precious
for flag in "" --overwrite; do
    refused 2 "holds model, which electra finetune did not make" finetune --model run --task classify --data data --output project $flag
    refused 2 "run: is what electra pretrain made" finetune --model out --task classify --data data --output run $flag
    refused 2 "model: out/model lies in --output out" finetune --model out/model --task classify --data data --output out $flag
done
[ -s project/model/precious ] && [ "$(find project | wc -l)" = 3 ] || fail "a folder of others is changed"
refused 2 "out: is what electra finetune made" "$electra" pretrain --data shards --model-size tiny --output out
finetune "${short[@]}" --task classify --data data --output out --overwrite > log 2>&1 || fail "--overwrite: $(cat log)"
[ ! -e out/trial-2 ] && grep -q '"command": "finetune"' out/run.json || fail "--overwrite leaves $(ls out)"

# Dev chooses the threshold of questions without an answer, test is told it, though all of test has none and all of dev has
# one: what is said of test is what evaluate says.
questions() { # FILE
    grep -v '^$' "$1" | head -n 60 | awk 'BEGIN { printf "{\"version\": \"2\", \"data\": [{\"title\": \"t\", \"paragraphs\": [" }
        { none = $3 ~ /cat|dog|bird/ ? "true" : "false"
          answer = none == "true" ? "" : sprintf("{\"text\": \"%s\", \"answer_start\": 4}", $2)
          printf "%s{\"context\": \"%s\", \"qas\": [{\"id\": \"q%d\", \"question\": \"which %s\", \"is_impossible\": %s, \"answers\": [%s]}]}", (NR > 1 ? ", " : ""), $0, NR, $3, none, answer }
        END { print "]}]}" }'
}
questions train.txt > q.train.json
questions <(grep -vE '^the [a-z]* (cat|dog|bird) ' train.txt) > q.dev.json
questions <(grep -E '^the [a-z]* (cat|dog|bird) ' train.txt) > q.test.json
finetune "${short[@]}" --max-query-length 8 --task squad --train-file q.train.json --dev-file q.dev.json --test-file q.test.json --output unanswered --json > results.json 2> log || fail "squad2: $(cat log)"
"$electra" evaluate --model unanswered --precision fp32 --json q.test.json > evaluated.json 2> log || fail "evaluate squad2: $(cat log)"
told=$(sed -n '/"test": {/,/}/p' results.json | sed -n 's/.*"f1": \([0-9.]*\).*/\1/p')
[ -n "$told" ] && awk "BEGIN { exit !(($told - $(figure evaluated.json f1))^2 < 1e-8) }" || fail "test has $told, evaluate $(figure evaluated.json f1)"
