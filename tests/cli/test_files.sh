#!/bin/bash
# test_files.sh PROGRAM - what finetune understands of a file is said, kept in the model's card, and used by predict and
# evaluate; what it cannot understand is refused.
electra=$(realpath "$1")
source "$(dirname "$0")/run.bash"

# A model with random weights is enough: what is tried is how files are read.
text 200 1 > train.txt
"$electra" vocab --vocab-size 150 --output vocab.txt train.txt > log 2>&1 || fail "vocab: $(cat log)"
"$electra" prepare --vocab vocab.txt --max-seq-length 32 --output shards train.txt > log 2>&1 || fail "prepare: $(cat log)"
"$electra" pretrain --data shards --model-size tiny --hidden-size 32 --embedding-size 32 --num-train-steps 1 --threads 1 \
    --output run > log 2>&1 || fail "pretrain: $(cat log)"
finetune() {
    rm -rf out
    "$electra" finetune --model run --threads 1 --max-seq-length 24 --num-train-epochs 1 --max-restarts 0 --output out "$@" > table 2> log ||
        fail "finetune $*: $(cat log)"
}
said() { grep -qF -- "$1" log || fail "\"$1\" is not said: $(cat log)"; }
not_said() { grep -qF -- "$1" log && fail "\"$1\" is said: $(cat log)"; }
predict() { "$electra" predict --threads 1 --model out "$@"; }
sentences() { grep -v '^$' train.txt | head -n 40 | cut -d ' ' -f 1-6; }

# A header of one's own, in another order when it is asked, in another form, and from a pipe.
{ echo "id,문장,감정"; sentences | awk '{ print NR "," $0 "," (NR % 3 ? "joy" : "anger ") }'; } > train.csv
finetune --task classify --train-file train.csv --dev-file train.csv
said "train.csv: comma-separated, the first row names the columns; 40 rows; text \"문장\", label \"감정\", id \"id\""
said "train.csv: 2 labels: joy 27, anger 13"
said 'train.csv: the first: "the '
said "13 labels have blanks around"
grep -q '"text": "문장"' out/model/config.json || fail "the card lacks the column: $(cat out/model/config.json)"
predict train.csv > want 2> log || fail "predict: $(cat log)"
[ "$(wc -l < want)" = 41 ] || fail "$(wc -l < want) answers"
awk -F, -v OFS='\t' '{ print $3, "x", $2, $1 }' train.csv > turned.tsv
predict turned.tsv 2> log | cmp - want || fail "columns in another order: $(cat log)"
predict - < train.csv 2> log | cmp - want || fail "from a pipe: $(cat log)"
sed 1d train.csv | awk -F, '{ printf "{\"감정\": null, \"문장\": \"%s\", \"id\": \"%s\"}\n", $2, $1 }' > rows.json
predict rows.json 2> log | cmp - want || fail "JSON lines in .json: $(cat log)"
xz -k train.csv 2> /dev/null && { predict train.csv.xz 2> log | cmp - want || fail ".xz: $(cat log)"; }
"$electra" evaluate --threads 1 --model out --json turned.tsv > /dev/null 2> log || fail "evaluate: $(cat log)"
printf 'text,label\na,joy\n' > other.csv
refused 3 'there is no column "문장", which the model learned from' predict other.csv

# Numbers of columns are those of every file: where they are other columns than the training file's, that is said.
{ echo "text,mood,day"; sentences | awk '{ print $0 (NR % 2 ? ",a,b" : ",b,a") }'; } > numbers.csv
sed '1s/.*/text,day,mood/' numbers.csv > days.csv
finetune --task classify --text-column 1 --label-column 2 --train-file numbers.csv --dev-file days.csv
said 'days.csv: label read from column "day"; the model learned from column "mood"'
finetune --task classify --train-file train.csv --dev-file train.csv
not_said "read from column"
printf 'id,문장,문장\n1,a b,c d\n' > double.csv
refused 3 'columns 2 and 3 are both called "문장"' predict double.csv
refused 3 'columns 2 and 3 are both called "문장"' predict --text-column 문장 double.csv

# Tabs and line ends in labels are blanks among the names of columns, as they are in answers.
{ echo "text,label"; sentences | awk '{ print $0 "," (NR % 2 ? "\"a\tb\nc\"" : "no") }'; } > tabs.csv
finetune --task classify --train-file tabs.csv --dev-file tabs.csv
predict tabs.csv 2> log | head -n 1 | grep -qx $'id\tlabel\ta b c\tno' || fail "names of columns: $(predict tabs.csv | head -n 2)"

# The beginning of a long label ends with a whole character.
{ echo "text,label"; sentences | awk '{ print $0 "," (NR % 2 ? "ab서울특별시강남구역삼동일번지" : "no") }'; } > long.csv
finetune --task classify --train-file long.csv --dev-file long.csv
said "2 labels: ab서울특별시강남구역삼동일 20, no 20"

# What cannot be learned from, or understood, is refused by name.
refuse() { refused "$1" "$2" "$electra" finetune --model run --threads 1 --output out2 "${@:3}"; }
printf 'text,label\na b,x\nc d,x\n' > one.csv
refuse 3 "column label has one label only, \"x\"" --task classify --train-file one.csv
awk 'BEGIN { print "text,label"; for (i = 0; i < 9; i++) print "a b,c d " i }' > many.csv
refuse 3 "column label has as many labels as there are rows, 9" --task classify --train-file many.csv
printf '3,a b,c d\n2,e f,g h\n' > news.csv
refuse 3 "--label-column" --task classify --train-file news.csv
printf 'Great,fruit\ndog,animal\ncat,animal\ncow,animal\n' > maybe.csv
refuse 3 "--header or --no-header" --task classify --train-file maybe.csv
finetune --task classify --train-file maybe.csv --dev-file maybe.csv --no-header
said "4 rows"

# Folders as they are: val, a test file without labels; two files for one place are refused.
mkdir data
cp train.csv data/train.csv
cp train.csv data/val.csv
cut -d , -f 1,2 train.csv > data/test.csv
printf 'id,label\n0,joy\n' > data/sample_submission.csv
finetune --task classify --data data
said "data/val.csv: 40 examples to score"
said "data/test.csv: 40 examples without labels, to be answered and not scored"
predict data/test.csv 2> log | cmp - out/predictions.tsv || fail "the test file is answered otherwise than by predict: $(cat log)"
grep -q '"test"' out/results.json && fail "a test file without labels has scores"
cp train.csv data/dev.csv
refuse 2 "both dev.csv and val.csv might be meant" --task classify --data data

# Tags with letters behind their types, in lines of words and tags; parts of speech; one stray tag.
sentences | awk -v OFS='\t' '{ t = ""; for (i = 1; i <= NF; i++) t = t (i > 1 ? " " : "") ($i == "the" ? "ART-B" : i > 1 && $(i - 1) == "the" ? "ART-I" : "O"); print $0, t }' > words.tsv
finetune --task ner --train-file words.tsv --dev-file words.tsv
said "words.tsv: the tags are written in iob2, letters behind their types"
grep -q '^f1 .*<' table || fail "f1 does not choose: $(cat table)"
awk -F'\t' '{ n = split($1, w, " "); split($2, t, " "); for (i = 1; i <= n; i++) print w[i], t[i]; print "" }' words.tsv > words.conll
cp out/results.json want.json
sed 's/ .*//' words.conll > untagged.conll
finetune --task ner --train-file words.conll --dev-file words.conll --test-file untagged.conll
said "untagged.conll: 40 examples without labels, to be answered and not scored"
predict untagged.conll 2> log | cmp - out/predictions.tsv || fail "words alone are answered otherwise than by predict: $(cat log)"
cmp out/results.json want.json || fail "a word a line is learned otherwise than a sentence a line"
# Names of one's own over words: said once, kept in the card, and found in another order beside ids.
{ echo "eojeol mark"; cat words.conll; } > named.conll
awk 'NR == 1 { print "key", $2, $1; next } NF { print NR, $2, $1; next } { print }' named.conll > turned.conll
finetune --task ner --train-file named.conll --dev-file turned.conll --text-column eojeol --label-column mark
said 'a word a line (CoNLL), the first row names the columns; 40 sentences; words "eojeol", tags "mark"'
grep -q '"text_name": "eojeol"' out/model/config.json || fail "the card lacks the name: $(cat out/model/config.json)"
predict words.conll > want 2> log || fail "words without names: $(cat log)"
predict turned.conll 2> log | cmp - want || fail "words in another column: $(cat log)"
predict --header named.conll 2> log | cmp - want || fail "words under a header: $(cat log)"
refused 3 'there is no column "eojeol", which the model learned from' predict --header words.conll

{ cat words.conll; printf 'odd o\n\n'; } > stray.conll
finetune --task ner --train-file words.conll --dev-file stray.conll
said "the tag \"o\" is none of iob2"
grep -q '^f1 .*<' table || fail "a stray tag changes what chooses: $(cat table)"
sed 's/ART-B/DET/; s/ART-I/NOUN/; s/O$/X/' words.conll > pos.conll
finetune --task tag --train-file pos.conll --dev-file pos.conll
said "the tags are plain"
grep -q '^accuracy .*<' table || fail "accuracy does not choose: $(cat table)"
finetune --task ner --train-file words.conll --dev-file words.conll --tag-scheme plain
grep -q '^accuracy .*<' table || fail "--tag-scheme is not followed: $(cat table)"

# Numbers of tags, as datasets' files have them, tell no entities, unless they are meant.
sed 's/ART-B/1/; s/ART-I/2/; s/O$/0/' words.conll > ids.conll
for task in ner chunk; do
    refuse 3 "ids.conll: all tags are whole numbers, as of a ClassLabel" --task $task --train-file ids.conll --dev-file ids.conll
done
finetune --task ner --train-file ids.conll --dev-file ids.conll --tag-scheme plain
grep -q '^accuracy .*<' table || fail "numbers are no plain tags: $(cat table)"
finetune --task tag --train-file ids.conll --dev-file ids.conll

# One sentence without end is said to be cut; tags that are all alike teach nothing; answers that stand nowhere are said.
awk 'NF' words.conll words.conll words.conll > endless.conll
finetune --task ner --train-file endless.conll --dev-file words.conll
said "endless.conll: no blank line ends a sentence: all $(wc -l < endless.conll) words are one"
sed 's/ .*/ O/' words.conll > alike.conll
refuse 3 'column at the end has one label only, "O"' --task ner --train-file alike.conll
printf '{"question":"what ?","context":"the cat","answers":["the cat"]}\n{"question":"who ?","context":"the cat","answers":["dog"]}\n' > absent.jsonl
finetune --task span --max-query-length 8 --train-file absent.jsonl --dev-file absent.jsonl
said "absent.jsonl: 1 answer is not in the text; scored, and not learned from"
printf '{"question":"what ?","context":"the cat","answers":["the cat"]}\n' > possible.jsonl
printf '{"question":"who ?","context":"the cat","answers":[]}\n' | cat possible.jsonl - > impossible.jsonl
finetune --task span --max-query-length 8 --train-file possible.jsonl --dev-file possible.jsonl
grep -q '^f1 .*<' table || fail "questions with answers: $(cat table)"
finetune --task span --max-query-length 8 --train-file possible.jsonl --dev-file impossible.jsonl
grep -q '^best_f1 .*<' table || fail "a question without an answer in dev alone: $(cat table)"

# Beside a training file of the very name, others are found by likeness; two of them are refused.
mkdir alike && cp train.csv alike/train.csv && cp train.csv alike/my_dev.csv
finetune --task classify --data alike
said "alike/my_dev.csv: 40 examples to score"
cp train.csv alike/dev_matched.csv
refuse 2 "both dev_matched.csv and my_dev.csv might be meant" --task classify --data alike

# A task's dev file is answered, though its test file has other columns.
awk -v OFS='\t' 'NF { print "gj04", NR % 2, "", $0 }' train.txt | head -n 20 > cola.tsv
finetune --task cola --train-file cola.tsv --dev-file cola.tsv
[ "$(predict cola.tsv 2> log | wc -l)" = 21 ] || fail "CoLA's dev file: $(cat log)"

# All answers alike is said only where the right ones are not; lengths beyond the model's positions are one warning.
head -n 1 train.csv > joys.csv
grep ',joy' train.csv >> joys.csv
finetune --task classify --train-file train.csv --dev-file joys.csv --max-seq-length 4096
not_said "every answer is the same"
[ "$(grep -c "positions, which are taken" log)" = 1 ] || fail "the length: $(cat log)"
{ echo "text,score"; sentences | awk '{ print $0 "," NR }'; } > score.csv
{ echo "text,score"; sentences | awk '{ print $0 "," 3 }'; } > constant.csv

# The end of the scores' range that is not said is that of the data.
end_of() { sed -n "s/^ *\"$1\": \([-0-9.]*\),*/\1/p" out/trial-1/best/config.json; }
for said in ":1.0 40.0" "--low 0:0.0 40.0" "--high 50:1.0 50.0" "--low -1 --high 50:-1.0 50.0" "--low 7 --high 7:1.0 40.0"; do
    finetune --task regress --train-file score.csv --dev-file score.csv ${said%:*}
    [ "$(end_of low) $(end_of high)" = "${said#*:}" ] || fail "${said%:*}: from $(end_of low) to $(end_of high)"
done
refuse 2 "--low: scores from 41 to 40 are no range" --task regress --train-file score.csv --dev-file score.csv --low 41
refuse 2 "--high: scores from 1 to 0.5 are no range" --task regress --train-file score.csv --dev-file score.csv --high 0.5
refuse 2 "--low: scores from 5 to 2 are no range" --task regress --train-file score.csv --dev-file score.csv --low 5 --high 2
refuse 3 "all dev scores are alike" --task regress --train-file score.csv --dev-file constant.csv
