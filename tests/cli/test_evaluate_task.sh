#!/bin/bash
# electra evaluate of fine-tuned models: every kind's figures are those that finetune printed, the report shows the mistakes
# whatever their text, and bad input is said in one sentence.
electra=$(realpath "$1")
source "$(dirname "$0")/run.bash"
make_data
"$electra" pretrain --data shards --model-size tiny --hidden-size 64 --embedding-size 64 --num-train-steps 3 --threads 1 \
    --output run 2> log || fail "pretrain: $(cat log)"

finetune() { "$electra" finetune --model run --threads 1 --precision fp32 --max-seq-length 32 --max-restarts 0 "$@" > results 2> log || fail "finetune $*: $(cat log)"; }
evaluate() { "$electra" evaluate --threads 2 --precision fp32 "$@" 2> log || fail "evaluate $*: $(cat log)"; }
# The figures of an object's key, a line each: 12 digits of the loss, which is summed in another order.
metrics() { # FILE KEY
    sed -n "/^  \"$2\": {/,/^  }/p" "$1" | sed -E '1d; $d; s/,$//; s/("loss": [0-9]+\.[0-9]{12}).*/\1/' | sort
}
same_metrics() { # NAME FILE KEY FILE KEY
    [ "$(metrics "$2" "$3" | wc -l)" -gt 2 ] || fail "$1: $2 has no figures under $3"
    diff <(metrics "$2" "$3") <(metrics "$4" "$5") >&2 || fail "$1: figures are not those that finetune found"
}

# ---- what finetune found is found again, for each kind

sentences() { grep -v '^$' "$1" | awk -v first="$2" -v last="$3" 'NR >= first && NR <= last'; } # FILE FIRST LAST
classes() { awk 'BEGIN { print "text\tlabel" } { print $0 "\t" (/cat/ ? "cat" : NR % 9 ? "none" : "odd") }'; }
mkdir classes
sentences train.txt 1 400 | classes > classes/train.tsv
sentences heldout.txt 1 150 | classes > classes/dev.tsv
sentences heldout.txt 151 200 | classes > classes/test.tsv
finetune --task classify --data classes --learning-rate 1e-3 --num-train-epochs 2 --output classified
evaluate --model classified classes/dev.tsv --json > dev.json
same_metrics classify classified/results.json metrics dev.json metrics
evaluate --model classified/model --data classes --split test --json > test.json
same_metrics "classify, test" classified/results.json test test.json metrics
grep -q '"examples": 150' dev.json || fail "not 150 examples: $(cat dev.json)"
evaluate --model classified --data classes > table
[ "$(sed -nE 's/^accuracy +([0-9.]+)$/\1/p' table)" = "$(printf %.4f "$(grep -m1 '"accuracy"' dev.json | sed -E 's/.*: ([0-9.]+),?/\1/')")" ] ||
    fail "the table has another accuracy: $(cat table)"

awk -F'\t' -v OFS='\t' 'NR == 1 { print "sentence1", "sentence2", "score" } NR > 1 { print $1, $1, NR % 6 }' classes/dev.tsv > pairs.tsv
finetune --task regress --train-file pairs.tsv --dev-file pairs.tsv --num-train-epochs 1 --output regressed
evaluate --model regressed --json --report regressed.html pairs.tsv > out.json
# The saved model gives numbers as the file has them, which are rounded otherwise; the loss is their squared error before and
# after, in training too, and on a test file.
paste <(metrics regressed/results.json metrics) <(metrics out.json metrics) | awk '
    { a = $2; b = $4; figure[$1] = b; if (a - b > 1e-5 || b - a > 1e-5) exit 1 }
    END { d = figure["\"loss\":"] - figure["\"mse\":"]; exit NR != 4 || d > 1e-5 || d < -1e-5 }' ||
    fail "regress: other figures: $(cat regressed/results.json out.json)"

awk -F'\t' 'NR > 1 { l = ""; if (/cat/) l = "cat"; if (/dog/) l = l (l ? "," : "") "dog"; print "{\"text\": \"" $1 "\", \"labels\": \"" l "\"}" }' \
    classes/dev.tsv > sets.jsonl
finetune --task multilabel --train-file sets.jsonl --dev-file sets.jsonl --num-train-epochs 1 --output sets
evaluate --model sets --json --report sets.html sets.jsonl > out.json
same_metrics multilabel sets/results.json metrics out.json metrics

sentences train.txt 1 100 | awk '{ for (i = 1; i <= NF; i++) print $i, ($i == "cat" ? "B-PET" : $i == "dog" ? "B-BIG" : "O"); print "" }' > words.conll
finetune --task ner --train-file words.conll --dev-file words.conll --num-train-epochs 1 --output tagged
evaluate --model tagged --json --report tagged.html words.conll > out.json
same_metrics tag tagged/results.json metrics out.json metrics

# Questions in SQuAD's form, every third without an answer.
sentences train.txt 1 60 | awk 'BEGIN { printf "{\"data\": [{\"paragraphs\": [" } {
        split($0, w, " ")
        answer = NR % 3 ? sprintf("{\"text\": \"%s\", \"answer_start\": %d}", w[3], index($0, w[3]) - 1) : ""
        printf "%s{\"context\": \"%s\", \"qas\": [{\"id\": \"q%d\", \"question\": \"which %s\", \"is_impossible\": %s, \"answers\": [%s]}]}",
            (NR > 1 ? ", " : ""), $0, NR, w[2], (NR % 3 ? "false" : "true"), answer
    } END { print "]}]}" }' > questions.json
finetune --task squad --train-file questions.json --dev-file questions.json --num-train-epochs 1 --max-query-length 8 --output answered
evaluate --model answered --json --report answered.html questions.json > out.json
same_metrics span answered/results.json metrics out.json metrics
grep -q '"best_f1_threshold"' out.json || fail "no best threshold: $(cat out.json)"

# MNLI scores its mismatched file as well.
mkdir mnli
nli() { awk 'BEGIN { print "sentence1\tsentence2\tgold_label"; split("contradiction entailment neutral", l, " ") } { print $0 "\t" $2 "\t" l[NR % 3 + 1] }'; }
sentences train.txt 1 64 | nli > mnli/train.tsv
sentences heldout.txt 1 40 | nli > mnli/dev_matched.tsv
{ sentences heldout.txt 41 80 | nli; echo "a ragged line"; } > mnli/dev_mismatched.tsv
finetune --task mnli --data mnli --num-train-epochs 1 --output inferred
evaluate --model inferred --data mnli --json --report inferred.html > out.json
same_metrics mnli inferred/results.json metrics out.json metrics
same_metrics "mnli, mismatched" inferred/results.json mnli_mismatched out.json mnli_mismatched
grep -q "mnli/dev_mismatched.tsv: 1 malformed line is left out" log || fail "the malformed line is not counted: $(cat log)"
[ "$(grep -c '<h2>' inferred.html)" = 2 ] || fail "the report has not both files"

# ---- the report

# has FILE TEXT, lacks FILE TEXT
has() { grep -qF -- "$2" "$1" || fail "$1 has no $2"; }
lacks() { ! grep -qF -- "$2" "$1" || fail "$1 has $2"; }
hostile='</td><script>alert("&'\''")</script>'
{ printf 'text\tlabel\n'; for label in cat none odd; do printf '%s\t%s\n' "$hostile $label" $label; done; } > hostile.tsv
evaluate --model classified --report hostile.html hostile.tsv > table
lacks hostile.html '<script'
lacks hostile.html http
has hostile.html '&lt;/td&gt;&lt;script&gt;alert(&quot;&amp;&#39;&quot;)&lt;/script&gt;'
# The one label that it gives to all three is right once; each other row of the matrix has its one there.
wrong=$(grep -o '<td class="wrong" style="--s:1.000">1<small>100.0 %</small></td>' hostile.html | wc -l)
right=$(grep -o '<td class="right" style="--s:1.000">1<small>100.0 %</small></td>' hostile.html | wc -l)
[ "$right $wrong" = "1 2" ] || fail "the matrix has $right right and $wrong wrong"
has hostile.html '2 of 2.'
evaluate --model classified --report hostile.html --report-mistakes 1 hostile.tsv > table
has hostile.html '1 of 2.'
# The most probable wrong label comes first.
evaluate --model classified --report classes.html --report-mistakes 1000 classes/dev.tsv > table
"$electra" predict --model classified --threads 1 --precision fp32 --json classes/dev.tsv 2> log > answers
sed -n '/<h3>Worst/,$p' classes.html | grep -oE '<td class="n">[01]\.[0-9]{4}</td></tr>' | sed -E 's/.*>([01][0-9.]+)<.*/\1/' > shown
wrongs=$(paste <(sed -E 's/.*"label": ?"([a-z]+)".*/\1/' answers) <(sed 1d classes/dev.tsv | cut -f 2) | awk '$1 != $2' | wc -l)
[ "$(wc -l < shown)" = "$wrongs" ] || fail "$(wc -l < shown) mistakes are shown, $wrongs were made"
[ "$wrongs" -gt 1 ] || fail "$wrongs mistakes are too few to see an order"
sort -rc shown || fail "mistakes are not in their order"
for what in '<svg' '<ellipse'; do has regressed.html "$what"; done
has sets.html '<th scope="row">dog</th>'
for what in '<th scope="row">PET</th>' '<th scope="row">B-PET</th>' 'class="word wrong"'; do has tagged.html "$what"; done
for what in '<em>no answer</em>' '<mark class=' 'odds of no answer'; do has answered.html "$what"; done
cp hostile.html before.html
evaluate --model classified hostile.tsv > table
cmp -s before.html hostile.html || fail "a report was written that nobody asked for"

# ---- what is wrong is said in one sentence, with the exit code of its kind

refuse() { # CODE WORDS arguments
    refused "$1" "$2" "$electra" evaluate --threads 1 "${@:3}"
    [ "$(wc -l < log)" = 1 ] || fail "more than one sentence: $(cat log)"
}
refuse 2 "which run or model" classes/dev.tsv
refuse 2 "which labelled file" --model classified
refuse 2 "not both" --model classified --data classes classes/dev.tsv
refuse 2 "one file at a time" --model classified classes/dev.tsv classes/test.tsv
refuse 2 "the model is fine-tuned" --model classified --mask-prob 0.2 classes/dev.tsv
refuse 2 "the model is not fine-tuned" --model run --data heldout --report report.html
refuse 3 "not fine-tuned: it has no task's head" --model run classes/dev.tsv
cp -r run/discriminator choice
sed -i 's/ElectraForPreTraining/ElectraForMultipleChoice/' choice/config.json
refuse 3 "names ElectraForMultipleChoice, whose head is not known" --model choice classes/dev.tsv
refuse 3 "no file named \"test\"" --model inferred --data mnli --split test
refuse 3 "nowhere.tsv" --model classified nowhere.tsv
sentences heldout.txt 1 5 > unlabelled.tsv
lacks_label='line 1: there is no column "label", which the model learned from'
refuse 3 "unlabelled.tsv, $lacks_label" --model classified unlabelled.tsv
cut -f 1 classes/dev.tsv > unlabelled.tsv
refuse 3 "unlabelled.tsv, $lacks_label" --model classified unlabelled.tsv
printf '{"text": "a", "label": "cat"}\n{"text": "b"}\n' > unlabelled.jsonl
refuse 3 "unlabelled.jsonl, line 2: there is no column label" --model classified unlabelled.jsonl
printf '{"words": ["a", "b"]}\n' > words.jsonl
refuse 3 "words.jsonl, line 1: there is no column with a label" --model tagged --format jsonl words.jsonl
printf 'a O\nb\n' > unlabelled.conll
refuse 3 "unlabelled.conll, line 2: .*tag" --model tagged unlabelled.conll
sed 's/"answers": \[[^]]*\]/"x": 0/' questions.json > unlabelled.json
refuse 3 "unlabelled.json, question 1: \"answers\" is missing" --model answered unlabelled.json
printf 'sentence1\tsentence2\nthe cat\ta\n' > mnli/dev_matched.tsv
refuse 3 "mnli/dev_matched.tsv, line 1: .*gold_label" --model inferred --data mnli
printf 'text\tlabel\na\tcat\nb\tfish\n' > unknown.tsv
refuse 3 "unknown.tsv, line 3: the label \"fish\" is not known" --model classified unknown.tsv
printf 'a B-CAR\n' > unknown.conll
refuse 3 "unknown.conll, line 1: the tag \"B-CAR\" is not known" --model tagged unknown.conll
printf 'text\tlabel\na\tcat\nb\n' > ragged.tsv
refuse 3 "ragged.tsv, line 3: " --model classified ragged.tsv
printf 'text\tlabel\na\tcat\nb\tcat\tcat\n' > ragged.tsv
refuse 3 "ragged.tsv, line 3: " --model classified ragged.tsv
printf 'a\tcat\nb\tcat\n' > nameless.tsv
refuse 3 "nameless.tsv, line 1: there is no column \"text\", which the model learned from" --model classified nameless.tsv
refuse 3 "line 1: there is no column \"review\"" --model classified --text-column review classes/dev.tsv
printf 'sentence1\tsentence2\tscore\na\tb\thigh\n' > words.tsv
refuse 3 "words.tsv, line 2: \"high\" is not a number" --model regressed words.tsv
rm -f failed.html
refuse 2 "also what is to be read" --model classified --report classes/dev.tsv classes/dev.tsv
refuse 2 "also what is to be read" --model classified --report classes/dev.tsv --data classes
refuse 3 "is not known" --model classified --report failed.html unknown.tsv
[ -z "$(find . -name '*failed.html*')" ] || fail "half a report is left"
refuse 1 "nowhere/report.html" --model classified --report nowhere/report.html classes/dev.tsv
cp -r classified other
printf '%s\n' one two three >> other/model/vocab.txt
refuse 3 "vocab.txt" --model other classes/dev.tsv
