#!/bin/bash
# electra predict: GLUE's submission files and SQuAD's, under their names, complete or not at all.
electra=$(realpath "$1")
source "$(dirname "$0")/run.bash"
make_data
"$electra" pretrain --data shards --model-size tiny --hidden-size 64 --embedding-size 64 --num-train-steps 3 --threads 1 \
    --output run 2> log || fail "pretrain: $(cat log)"
short=(--model run --threads 1 --max-seq-length 32 --num-train-epochs 1 --max-restarts 0)
finetune() { "$electra" finetune "${short[@]}" "$@" > log 2>&1 || fail "finetune $*: $(cat log)"; }
predict() { "$electra" predict --threads 1 "$@"; }
refuse() { refused "$1" "$2" predict "${@:3}"; } # CODE WORDS arguments

# An MNLI model answers matched, mismatched and diagnostic sentences, each by its own index.
mkdir -p glue/MNLI glue/AX
grep -v '^$' train.txt | head -n 60 | awk -v OFS='\t' 'BEGIN { print "sentence1", "sentence2", "gold_label"; split("contradiction entailment neutral", l, " ") }
    { print $0, $0, l[NR % 3 + 1] }' > train.tsv
tests() { grep -v '^$' heldout.txt | head -n "$1" | awk -v OFS='\t' -v from="$2" 'BEGIN { print "index", "sentence1", "sentence2" } { print NR + from, $0, $0 }'; }
tests 7 0 > glue/MNLI/test_matched.tsv
tests 5 100 > glue/MNLI/test_mismatched.tsv
tests 600 1000 > glue/AX/diagnostic.tsv
finetune --task mnli --train-file train.tsv --dev-file train.tsv --output mnli
grep -q "dev  *mean  *median deviation  *best" log || fail "the table of results: $(cat log)"
"$electra" info mnli > out 2> log || fail "info of a fine-tuning: $(cat log)"
for line in "kind fine-tuning" "task mnli" 'labels ["contradiction", "entailment", "neutral"]' "metric accuracy" "trials 1"; do
    tr -s ' ' < out | grep -qxF -- "$line" || fail "info of a fine-tuning does not say \"$line\": $(cat out)"
done
grep -qE "^score +0\.[0-9]+" out && ! grep -q "^checkpoints" out || fail "info of a fine-tuning: $(cat out)"
predict --model mnli --data glue --submission answers > out 2> log || fail "submission: $(cat log)"
[ -s out ] && fail "a submission is printed too"
for name in "MNLI-m 7 1" "MNLI-mm 5 101" "AX $(($(wc -l < glue/AX/diagnostic.tsv) - 1)) 1001"; do
    set -- $name
    [ "$(head -n 1 "answers/$1.tsv")" = "$(printf 'index\tprediction')" ] || fail "$1: $(head -n 1 "answers/$1.tsv")"
    [ "$(($(wc -l < "answers/$1.tsv") - 1))" = "$2" ] || fail "$1.tsv has $(wc -l < "answers/$1.tsv") lines"
    sed -n 2p "answers/$1.tsv" | grep -qE "^$3"$'\t(contradiction|entailment|neutral)$' || fail "$1.tsv: $(sed -n 2p "answers/$1.tsv")"
done
predict --model mnli glue/MNLI/test_matched.tsv 2> log | tail -n +2 | cut -f 1,2 | diff - <(tail -n +2 answers/MNLI-m.tsv) >&2 || fail "other answers are submitted than given"
for command in detect fill score; do
    refused 3 "was fine-tuned" "$electra" $command --model mnli "the cat [MASK]"
done
mv glue/AX glue/diagnostic
predict --model mnli --data glue --submission usual > out 2> log || fail "submission: $(cat log)"
cmp usual/AX.tsv answers/AX.tsv || fail "the diagnostic sentences are not found where they usually lie"
rm -r glue/diagnostic
predict --model mnli --data glue/MNLI --submission two > out 2> log || fail "submission: $(cat log)"
[ "$(ls two | tr '\n' ' ')" = "MNLI-m.tsv MNLI-mm.tsv " ] || fail "two holds $(ls two)"
grep -q "AX.tsv is not written" log || fail "AX is missed in silence: $(cat log)"
echo broken >> glue/MNLI/test_matched.tsv
refuse 3 "1 malformed line;" --model mnli --data glue --submission refused
[ -z "$(ls -A refused)" ] || fail "half a submission is left: $(ls -A refused)"

# Every task of GLUE, in GLUE's own forms: its file has the official name, header and labels, and the test file's indices.
lines() { grep -v '^$' "$1" | head -n "$2"; } # FILE COUNT
header() { printf '%s' "$1" | tr ' ' '\t'; echo; } # the names between blanks
glue() { # FOLDER TASK FILE LABELS TRAIN-HEADER TRAIN-LINE TEST-HEADER TEST-LINE, lines in awk's words: s a sentence, l a label, n a number
    local folder=official/$1 task=$2 file=$3 labels=$4
    mkdir -p "$folder"
    { [ -z "$5" ] || header "$5"
      lines train.txt 40 | awk -v OFS='\t' -v labels="$labels" "BEGIN { k = split(labels, names, \"|\") } { s = \$0; n = NR; l = names[NR % k + 1]; print $6 }"; } > "$folder/train.tsv"
    { header "$7"; lines heldout.txt 6 | awk -v OFS='\t' "{ s = \$0; n = NR + 41; print $8 }"; } > "$folder/test.tsv"
    finetune --task "$task" --data official --output "official.$task"
    predict --model "official.$task" --data official --submission official.answers > out 2> log || fail "$task: $(cat log)"
    { echo index; seq 42 47; } | diff - <(cut -f 1 "official.answers/$file") >&2 || fail "$file: other indices"
    [ "$(head -n 1 "official.answers/$file")" = "$(header "index prediction")" ] || fail "$file: $(head -n 1 "official.answers/$file")"
    sed 1d "official.answers/$file" | cut -f 2 | grep -vqxE "$labels" && fail "$file: $(cat "official.answers/$file")"
    [ "$(cat log)" = "" ] || fail "$task: $(cat log)"
}
glue CoLA cola CoLA.tsv "0|1" "" '"gj04", l, "", s' "index sentence" 'n, s'
glue SST-2 sst2 SST-2.tsv "0|1" "sentence label" 's " ", l' "index sentence" 'n, s'
glue MRPC mrpc MRPC.tsv "0|1" "Quality #1_ID #2_ID #1_String #2_String" 'l, n, n, s, s' "index #1_ID #2_ID #1_String #2_String" 'n, n, n, s, s'
glue STS-B stsb STS-B.tsv "[0-5]\.[0-9]{3}" "index genre filename year old_index source1 source2 sentence1 sentence2 score" \
    'n, "g", "f", "y", n, "a", "b", s, s, n % 6' "index genre filename year old_index source1 source2 sentence1 sentence2" 'n, "g", "f", "y", n, "a", "b", s, s'
glue QQP qqp QQP.tsv "0|1" "id qid1 qid2 question1 question2 is_duplicate" 'n, n, n, s, s, l' "id question1 question2" 'n, s, s'
glue qnli qnli QNLI.tsv "entailment|not_entailment" "index question sentence label" 'n, s, s, l' "index question sentence" 'n, s, s'
glue RTE rte RTE.tsv "entailment|not_entailment" "index sentence1 sentence2 label" 'n, s, s, l' "index sentence1 sentence2" 'n, s, s'
glue WNLI wnli WNLI.tsv "0|1" "index sentence1 sentence2 label" 'n, s, s, l' "index sentence1 sentence2" 'n, s, s'

# STS-B: numbers between 0 and 5.
mkdir sts
awk -F'\t' -v OFS='\t' 'NR == 1 { print "sentence1", "sentence2", "score" } NR > 1 { print $1, $2, (NR == 2 ? 4 : 5) }' train.tsv > sts.tsv
tests 9 0 > sts/test.tsv
finetune --task stsb --train-file sts.tsv --dev-file sts.tsv --learning-rate 1e-2 --output sts.model
predict --model sts.model --data sts --submission answers > out 2> log || fail "stsb: $(cat log)"
[ "$(grep -cE $'^[0-9]+\t[0-5]\\.[0-9]{3}$' answers/STS-B.tsv)" = 9 ] || fail "STS-B.tsv: $(cat answers/STS-B.tsv)"
awk -F'\t' 'NR > 1 && ($2 < 0 || $2 > 5) { exit 1 }' answers/STS-B.tsv || fail "STS-B.tsv is not clipped"

# SQuAD 2.0: three files by id.
{
    printf '{"version": "v2.0", "data": [{"title": "t", "paragraphs": ['
    grep -v '^$' train.txt | head -n 40 | awk '{ split($0, w, " ")
        printf "%s{\"context\": \"%s\", \"qas\": [{\"id\": \"q%d\", \"question\": \"which %s\", \"is_impossible\": %s, \"answers\": [%s]}]}", (NR > 1 ? ", " : ""), $0, NR, w[2],
            (NR % 4 ? "false" : "true"), (NR % 4 ? "{\"text\": \"" w[3] "\", \"answer_start\": " length(w[1] w[2]) + 2 "}" : "") }'
    printf ']}]}\n'
} > squad.json
finetune --max-query-length 8 --task squad --train-file squad.json --dev-file squad.json --output squad
predict --model squad --squad-output spans squad.json > out 2> log || fail "squad: $(cat log)"
[ "$(ls spans | tr '\n' ' ')" = "nbest_predictions.json null_odds.json predictions.json " ] || fail "spans holds $(ls spans)"
[ "$(grep -cE '^ *"q[0-9]+": "[a-z .]+",?$' spans/predictions.json)" = 40 ] || fail "predictions.json: $(cat spans/predictions.json)"
[ "$(grep -cE '^ *"q[0-9]+": -?[0-9.e-]+,?$' spans/null_odds.json)" = 40 ] || fail "null_odds.json: $(cat spans/null_odds.json)"
for key in text probability start_logit end_logit; do
    grep -q "\"$key\":" spans/nbest_predictions.json || fail "nbest_predictions.json has no $key"
done
for threshold in -1e9 1e9; do # no question has an answer; all have one
    sed -i "s/\"null_threshold\": [^,}]*/\"null_threshold\": $threshold/" squad/model/config.json
    predict --model squad squad.json > out 2> log || fail "squad: $(cat log)"
    [ "$(head -n 1 out | tr '\t' ' ')" = "id answer begin probability null_odds" ] || fail "columns of squad: $(head -n 1 out)"
    awk -F'\t' 'NF != 5 { exit 1 }' out || fail "not all lines have five columns: $(head -n 3 out)"
done
refuse 3 "two questions have the id \"q1\"" --model squad --squad-output twice squad.json squad.json
[ -e twice ] && fail "twice is written"

refuse 2 "not to answer questions" --model mnli --squad-output spans squad.json
refuse 2 "not a task of GLUE" --model squad --data glue --submission answers
refuse 2 "go together" --model mnli --submission answers
refuse 2 "which file" --model mnli
predict --model mnli glue/MNLI/test_mismatched.tsv > /dev/full 2> log
[ $? = 1 ] || fail "a full disk is no failure"
[ "$(cat log)" = "electra predict: cannot write the output" ] || fail "a full disk: $(cat log)"

# A file without an example is bad, though a pipe may bring nothing; labels are not looked at; a run has no task.
: > empty.tsv
refuse 3 "empty.tsv: there is no example in it" --model mnli empty.tsv
printf '' | predict --model mnli - > out 2> log || fail "an empty pipe: $(cat log)"
refuse 3 "glue: is a folder" --model mnli glue
refuse 3 "not fine-tuned" --model run train.tsv
refuse 2 "taught pairs" --model mnli --format lines train.txt
printf 'sentence1\tsentence2\tgold_label\na\tb\t-\na\tb\t\n' > unlabelled.tsv
[ "$(predict --model mnli unlabelled.tsv 2> log | wc -l)" = 3 ] || fail "labels are looked at: $(cat log)"

# A pipe is answered as far as it has come, in every form of lines.
grep -v '^$' train.txt | head -n 40 | awk -v OFS='\t' 'BEGIN { print "text", "label" } { print $0, NR % 2 }' > texts.tsv
finetune --task classify --train-file texts.tsv --dev-file texts.tsv --output one
printf 'text\tother\nthe small cat\ta dog\n' > both.tsv
refuse 2 "taught single ones" --model one --text-column text --second-column other both.tsv
predict --model one both.tsv > out 2> log || fail "a column beside the text: $(cat log)"
talk() { # MODEL FORM HEADER LINE...
    local model=$1
    shift
    coproc "$electra" predict --model $model --threads 1 --format "$1" --json - 2> log
    local program=$COPROC_PID
    [ -z "$2" ] || printf '%s\n' "$2" >&"${COPROC[1]}"
    for line in "${@:3}"; do
        printf '%s\n' "$line" >&"${COPROC[1]}"
        read -t 20 -r answer <&"${COPROC[0]}" || fail "$1: no answer while the input is open: $(cat log)"
        case $answer in *probabilities*) ;; *) fail "$1: $answer" ;; esac
    done
    eval "exec ${COPROC[1]}>&-"
    wait "$program" || fail "$1: exit code $?: $(cat log)"
}
talk one lines "" "the small cat" "a dog"
talk mnli jsonl "" '{"sentence1": "the small cat", "sentence2": "a dog"}' '{"sentence1": "a dog", "sentence2": "a cat"}'
talk mnli tsv $'sentence1\tsentence2' $'the small cat\ta dog' $'a dog\ta cat'
(printf 'the cat\n'; sleep 0.3; printf 'a d'; sleep 0.3; printf 'og\nno newline') | predict --model one --format lines --json - > out 2> log || fail "pipe: $(cat log)"
[ "$(wc -l < out)" = 3 ] || fail "$(wc -l < out) answers, not 3"
yes "the small cat" | predict --model one --format lines - 2> log | head -n 3 > out
[ "${PIPESTATUS[1]}" = 141 ] || fail "half an answer looks like a whole one"
[ "$(wc -l < out)" = 3 ] || fail "$(wc -l < out) answers arrive through the pipe, not 3"
[ -s log ] && fail "noise about a broken pipe: $(cat log)"

# What is too long is cut and counted; with windows nothing is, and a short text has the answer it had.
{ echo "the small cat"; head -c 3000 <(grep -v '^$' train.txt) | tr '\n' ' '; echo; } > long.txt
predict --model one --format lines long.txt > cut 2> log
grep -q "1 example is longer than 32 tokens" log || fail "the cut is not counted: $(cat log)"
predict --model one --format lines --windows --doc-stride 8 long.txt > whole 2> log || fail "windows: $(cat log)"
grep -q "longer" log && fail "windows are counted as cut"
[ "$(wc -l < whole)" = 3 ] || fail "$(wc -l < whole) lines, not 3"
[ "$(sed -n 2p whole)" = "$(sed -n 2p cut)" ] || fail "a short text has another answer"
[ "$(sed -n 3p whole)" != "$(sed -n 3p cut)" ] || fail "the windows change nothing"
grep -v '^$' train.txt | head -n 40 | awk '{ for (i = 1; i <= NF; i++) print $i, ($i == "cat" ? "B-PET" : "O"); print "" }' > words.conll
finetune --task ner --train-file words.conll --learning-rate 1e-2 --output ner
predict --model ner --format lines --json --windows long.txt > tags 2> log || fail "tags: $(cat log)"
[ "$(sed -n 2p tags | grep -o '"B-PET"\|"O"' | wc -l)" = "$(sed -n 2p long.txt | wc -w)" ] || fail "a word has no tag"
if sed -n 2p tags | grep -q '"probabilities":.*[ \[]0\.0[],]'; then fail "a word was not read"; fi

# Words are cut apart at blanks, whatever stands in them; as they are in JSON.
printf '{"tokens": ["the", " ", "small cat", "", "a\\u3000\\nb"]}\n' > blanks.jsonl
predict --model ner blanks.jsonl > out 2> log || fail "blanks in words: $(cat log)"
[ "$(sed 1d out | cut -f 2)" = "the ▁ small▁cat ▁ a▁▁b" ] || fail "blanks in words: $(cat out)"
sed 1d out | awk -F'\t' '{ if (split($2, w, " ") != 5 || split($3, t, " ") != 5 || split($4, p, " ") != 5) exit 1 }' || fail "words and tags do not go together: $(cat out)"
predict --model ner --json blanks.jsonl > out 2> log || fail "blanks in words: $(cat log)"
grep -qF '"words": ["the", " ", "small cat", "", "a　\nb"]' out || fail "JSON has other words: $(cat out)"

# Of a model whose numbers went wrong nothing is printed or written but that.
for model in one ner squad; do
    cp -r $model wrong
    spoil wrong/model electra.encoder.layer.0.attention.self.key.bias
    case $model in one) data=texts.tsv ;; ner) data=words.conll ;; squad) data=squad.json ;; esac
    for precision in fp32 int8; do
        for form in "" --json; do
            refuse 1 "$data, line [0-9]*: the model's numbers are not finite" --model wrong --precision $precision $form $data
            refused 1 "numbers are not finite" "$electra" evaluate --model wrong --precision $precision $form $data
        done
        for command in predict evaluate; do
            "$electra" $command --model wrong --precision $precision $data 2> log | grep . && fail "$command of $model in $precision says something"
        done
    done
    [ $model != squad ] || refuse 1 "numbers are not finite" --model wrong --squad-output wrong.answers $data
    rm -r wrong
done
[ -e wrong.answers ] && fail "answers are written"
cp -r one wrong
spoil wrong/model classifier.out_proj.bias
refuse 1 "numbers are not finite" --model wrong texts.tsv
