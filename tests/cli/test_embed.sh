#!/bin/bash
# electra embed: a .npy file as numpy reads it, the same numbers as JSON, every kind of folder and file, and odd input.
electra=$(realpath "$1")
source "$(dirname "$0")/run.bash"
make_data
width=64
"$electra" pretrain --data shards --model-size tiny --hidden-size $width --embedding-size 64 --num-train-steps 3 --threads 1 \
    --output run 2> log || fail "pretrain: $(cat log)"
embed() { "$electra" embed --threads 1 --precision fp32 "$@"; }
refuse() { refused "$1" "$2" embed "${@:3}"; } # CODE WORDS arguments
numbers() { grep -o '\[.*\]' | tr -d '[]' | tr ',' '\n'; } # of JSON lines
values() { tail -c +129 "$1" | od -An -v -w4 -t f4; }      # of a .npy file
close() { paste "$1" "$2" | awk -v what="$3" '{ d = $1 - $2; if (d < -1e-5 || d > 1e-5 || NF != 2) { print what ": line " NR ": " $0; exit 1 } }' >&2 || fail "$3"; }

# The header: magic, version 1.0, 118 bytes of a dict that ends in a newline; then rows of little-endian floats.
grep -v '^$' train.txt | head -n 700 > texts.txt
embed --model run --output a.npy texts.txt 2> log || fail "embed: $(cat log)"
[ -s log ] && fail "embed has something to say: $(cat log)"
[ "$(head -c 10 a.npy | od -An -v -t x1 | tr -d ' \n')" = 934e554d505901007600 ] || fail "the first bytes: $(head -c 10 a.npy | od -c)"
[ "$(head -c 128 a.npy | tail -c +11 | sed 's/ *$//')" = "{'descr': '<f4', 'fortran_order': False, 'shape': (700, $width), }" ] || fail "the header: $(head -c 128 a.npy | tail -c +11)"
[ "$(head -c 128 a.npy | tail -c 1 | od -An -t x1 | tr -d ' ')" = 0a ] || fail "the header does not end in a newline"
[ "$(stat -c %s a.npy)" = $((128 + 700 * width * 4)) ] || fail "$(stat -c %s a.npy) bytes"
if python=$(command -v python3) && "$python" -c 'import numpy' 2> log; then
    "$python" -c "import numpy; a = numpy.load('a.npy'); assert a.shape == (700, $width) and a.dtype == numpy.float32 and numpy.isfinite(a).all(), a" || fail "numpy reads something else"
else
    echo "numpy is not here: a.npy was not opened with it"
fi

# Any number of threads gives the same bits, in either precision.
for precision in fp32 bf16 int8; do
    embed --model run --precision $precision --output one.npy texts.txt 2> log || fail "$precision: $(cat log)"
    for threads in 2 3; do
        embed --model run --precision $precision --threads $threads --output more.npy texts.txt 2> log || fail "$precision: $(cat log)"
        cmp one.npy more.npy || fail "$precision: $threads threads have other bits"
    done
done
cmp -s one.npy a.npy && fail "bf16 is fp32"

# JSON has the same numbers; passes and the folder that the run holds the model in change nothing.
embed --model run/discriminator --threads 2 --micro-batch-tokens 100 --json texts.txt > lines 2> log || fail "json: $(cat log)"
[ "$(wc -l < lines)" = 700 ] || fail "$(wc -l < lines) lines"
grep -q '"id"' lines && fail "texts without names have an id"
numbers < lines > json.numbers
values a.npy > npy.numbers
close json.numbers npy.numbers "JSON and .npy differ"

# Standard input, several files, one without a text, a pipe without one; --normalize and --pooling do what they say.
head -n 3 texts.txt > three.txt
embed --model run --output b.npy three.txt - < three.txt 2> log || fail "two files: $(cat log)"
[ "$(stat -c %s b.npy)" = $((128 + 6 * width * 4)) ] || fail "two files have $(stat -c %s b.npy) bytes"
: > empty.txt
printf 'text,label\n' > header.csv
cp a.npy kept.npy
for file in empty.txt header.csv; do
    refuse 3 "$file: there is no example in it" --model run --output kept.npy $file
    cmp a.npy kept.npy || fail "$file replaced vectors"
done
printf '' | embed --model run --output none.npy - 2> log || fail "an empty pipe: $(cat log)"
head -c 128 none.npy | grep -aq "(0, $width)" || fail "an empty pipe: $(head -c 128 none.npy)"
[ "$(stat -c %s none.npy)" = 128 ] || fail "an empty pipe has $(stat -c %s none.npy) bytes"

# A line of plain text is a text, whatever columns are called, in a file and from a pipe; of a table it names the column.
{ echo 본문; cat three.txt; } > named.txt
for file in named.txt "- named.txt"; do
    embed --model run --json ${file% named.txt} < named.txt > out 2> log || fail "$file: $(cat log)"
    [ "$(wc -l < out)" = 4 ] || fail "$file: $(wc -l < out) vectors of four lines"
    grep -q 'its first line, "본문", is a text as the others are; --header' log || fail "$file: $(cat log)"
done
embed --model run --json --no-header named.txt > again 2> log || fail "--no-header: $(cat log)"
cmp out again && [ ! -s log ] || fail "--no-header: $(cat log)"
cp named.txt named.csv
for file in "--header named.txt" named.csv; do
    embed --model run --json $file > out 2> log || fail "$file: $(cat log)"
    [ "$(wc -l < out)" = 3 ] || fail "$file: $(wc -l < out) vectors below a name"
done
grep -q 'named.csv: comma-separated, the first row names the columns: text "본문"' log || fail "a name is taken in silence: $(cat log)"
embed --model run --normalize --json three.txt 2> log | numbers | awk -v w=$width '{ s += $1 * $1 } NR % w == 0 { if (s < 0.99999 || s > 1.00001) exit 1; s = 0 }' || fail "vectors are not of length 1"
embed --model run --pooling cls --json three.txt > cls 2> log || fail "cls: $(cat log)"
cmp -s cls <(head -n 3 lines) && fail "cls is mean"

# Columns: names found or said, pairs, ids, labels that nobody looks at; tab- and comma-separated, JSON lines.
text1=$(sed -n 1p three.txt) text2=$(sed -n 2p three.txt)
printf 'id\tlabel\tsentence\nx\t1\t%s\ny\t0.5\t%s\n' "$text1" "$text2" > named.tsv
printf 'number,words\n1,"%s"\n2,"%s"\n' "$text1" "$text2" > quoted.csv
printf '{"id": "x", "text": "%s"}\n{"id": "y", "text": "%s", "label": ["a"]}\n' "$text1" "$text2" > objects.jsonl
for file in "named.tsv" "--text-column words quoted.csv" "objects.jsonl"; do
    embed --model run --json $file > out 2> log || fail "$file: $(cat log)"
    numbers < out | close - <(head -n 2 lines | numbers) "$file"
done
embed --model run --json named.tsv 2> log | grep -o '^{"id":"[xy]"' | tr -d '\n' | grep -q '"x"{"id":"y"' || fail "ids: $(cat log)"
printf '%s\t%s\n' "$text1" "$text2" > pair.tsv
embed --model run --json --text-column 1 --second-column 2 pair.tsv > out 2> log || fail "pair: $(cat log)"
[ "$(wc -l < out)" = 1 ] || fail "a pair has $(wc -l < out) vectors"
cmp -s <(numbers < out) <(head -n 1 lines | numbers) && fail "a pair is its first text"

# Odd input: blank lines are no texts; empty texts are [CLS] [SEP]; what is not UTF-8 is named; what is too long is cut and counted.
printf '\n  \n%s\n\n' "$text1" | embed --model run --json - > out 2> log || fail "blank lines: $(cat log)"
[ "$(wc -l < out)" = 1 ] || fail "blank lines have vectors"
grep -q "3 blank lines are no text, and have no answer" log || fail "blank lines are passed over in silence: $(cat log)"
printf '{"text": ""}\n' > blank.jsonl
embed --model run --json blank.jsonl 2> log | numbers | wc -l | grep -qx $width || fail "an empty text: $(cat log)"
printf '%s\nb\xffd\n' "$text1" > broken.txt
cp a.npy kept.npy
refuse 3 "broken.txt, line 2: byte 2 is not valid UTF-8" --model run --output kept.npy broken.txt
cmp a.npy kept.npy || fail "a failure changes the file that was there"
[ -z "$(ls | grep 'kept.npy.')" ] || fail "a failure leaves $(ls | grep 'kept.npy.')"
{ cat three.txt; tr '\n' ' ' < texts.txt; echo; } > long.txt
embed --model run --output long.npy long.txt 2> log || fail "long: $(cat log)"
grep -q "1 text is longer than 512 tokens, and cut" log || fail "the cut is not counted: $(cat log)"
embed --model run --max-seq-length 4 --output short.npy three.txt 2> log || fail "short: $(cat log)"
grep -q "3 texts are longer than 4 tokens, and cut" log || fail "the cut is not counted: $(cat log)"

refuse 2 "either --output" --model run three.txt
refuse 2 "either --output" --model run --json --output c.npy three.txt
# A generator is an encoder too.
"$electra" embed --model run/generator --json three.txt > generator.json 2> log || fail "embed of a generator: $(cat log)"
[ "$(wc -l < generator.json)" = 3 ] || fail "a generator gives $(wc -l < generator.json) vectors"
refuse 2 "which file" --model run --json
refuse 2 "which run" --json three.txt
embed --model run --max-seq-length 513 --json three.txt > out 2> log || fail "513: $(cat log)"
grep -q "longer than the model.s 512 positions" log || fail "a length beyond the positions is not said: $(cat log)"
refuse 3 "nothing.txt" --model run --json nothing.txt
refuse 3 "there is no column 2" --model run --json --text-column 2 three.txt
refuse 2 "for tagging alone" --model run --json --format conll three.txt
refuse 1 "nowhere/a.npy: No such file" --model run --output nowhere/a.npy three.txt
refuse 1 "No space left" --model run --output /dev/full three.txt
cp -r run/discriminator other
echo one-more >> other/vocab.txt
refuse 3 "vocab.txt" --model other --json three.txt
embed --model run --json three.txt > /dev/full 2> log
[ $? = 1 ] || fail "a full disk is no failure"
mkfifo pipe
cat pipe > /dev/null &
refuse 1 "Illegal seek" --model run --output pipe three.txt
wait

# A pipe is answered as far as it has come.
coproc embed --model run --json - 2> log
program=$COPROC_PID
for text in "$text1" "$text2"; do
    printf '%s\n' "$text" >&"${COPROC[1]}"
    read -t 20 -r answer <&"${COPROC[0]}" || fail "no answer while the input is open: $(cat log)"
    case $answer in '{"vector":['*) ;; *) fail "$answer" ;; esac
done
eval "exec ${COPROC[1]}>&-"
wait "$program" || fail "exit code $?: $(cat log)"

# An ElectraModel has an encoder and no task.
mkdir bare
cp run/discriminator/* bare
sed 's/ElectraForPreTraining/ElectraModel/' run/discriminator/config.json > bare/config.json
embed --model bare --json three.txt 2> log | cmp - <(head -n 3 lines) || fail "an ElectraModel differs: $(cat log)"
"$electra" predict --model bare three.txt > out 2> log
[ $? = 3 ] || fail "predict of an ElectraModel: $(cat log)"
grep -q "was not fine-tuned" log || fail "predict of an ElectraModel: $(cat log)"
"$electra" evaluate --model bare --data heldout > out 2> log
[ $? = 2 ] || fail "evaluate of an ElectraModel: $(cat log)"
grep -q "no discriminator with a head" log || fail "evaluate of an ElectraModel: $(cat log)"

# What finetune wrote: its encoder.
awk -v OFS='\t' 'BEGIN { print "sentence", "label" } { print $0, NR % 2 }' texts.txt > train.tsv
"$electra" finetune --threads 1 --model run --task classify --train-file train.tsv --dev-file train.tsv --max-seq-length 32 \
    --num-train-epochs 1 --max-restarts 0 --output tuned > log 2>&1 || fail "finetune: $(cat log)"
embed --model tuned --json three.txt > tuned.lines 2> log || fail "tuned: $(cat log)"
[ -s log ] && fail "a tuned model has something to say: $(cat log)"
cmp -s tuned.lines <(head -n 3 lines) && fail "fine-tuning changes nothing"
embed --model tuned/model --json three.txt 2> log | cmp - tuned.lines || fail "a tuned model and its folder differ"

# A model whose numbers went wrong has no vectors.
cp -r run/discriminator wrong
spoil wrong electra.encoder.layer.0.attention.self.key.bias
for precision in fp32 int8; do
    refused 1 'three.txt, line 1: the model.s numbers are not finite' "$electra" embed --precision $precision --model wrong --json three.txt
    "$electra" embed --precision $precision --model wrong --json three.txt 2> log | grep . && fail "it prints vectors in $precision"
    refused 1 'numbers are not finite' "$electra" embed --precision $precision --model wrong --output wrong.npy three.txt
    [ ! -e wrong.npy ] || fail "half a file is left"
done
