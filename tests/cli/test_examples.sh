#!/bin/bash
# The programs in examples/ build against the shared library without a warning, in C and C++, and do what they say: one
# trains on a text, is stopped, goes on; the others ask what came of it.  Threads give what one gives.
electra=$(realpath "$1")
root=$(realpath "$(dirname "$0")/../..")
source "$(dirname "$0")/run.bash"
build=$(dirname "$electra")
grep -q 'CMAKE_C_FLAGS:STRING=.*-fsanitize' "$build/CMakeCache.txt" &&
    { echo "skipped: a library built with sanitizers needs them in whoever links it"; exit 77; }
cc=$(sed -n 's/^CMAKE_C_COMPILER:[A-Z]*=//p' "$build/CMakeCache.txt")
link=(-I "$root/include" -L "$build" "-Wl,-rpath,$build" -lelectra)

for source in "$root"/examples/*.c; do
    name=$(basename "$source" .c)
    "$cc" -std=c11 -Wall -Wextra -Wpedantic -Werror -pthread "$source" "${link[@]}" -lm -o "$name" 2> log || fail "$name: $(cat log)"
done
./detect 2> log; [ $? = 2 ] || fail "detect without arguments"

text 600 1 > corpus.txt
./train corpus.txt made 4 > out.txt 2> log || fail "train: $(cat log)"
[ "$(wc -l < out.txt)" = 3 ] || fail "train printed: $(cat out.txt)"
grep -q '"step": 4' out.txt || fail "train printed: $(cat out.txt)"

./detect made/run "the small cat sees the old dog" > out.txt 2> log || fail "detect: $(cat log)"
"$electra" detect --model made/run --json --precision fp32 "the small cat sees the old dog" > json 2> log
[ "$(grep -o '"piece"' json | wc -l)" = "$(sed 's/\[//g; s/ 0\.[0-9]*\]//g' out.txt | wc -w)" ] || fail "detect: $(cat out.txt)"

grep -v '^$' corpus.txt | head -40 > lines.txt
./embed_many made/run 1 < lines.txt > one 2> log || fail "embed_many: $(cat log)"
./embed_many made/run 3 < lines.txt > three 2> log || fail "embed_many: $(cat log)"
[ "$(wc -l < one)" = 3 ] && cmp one three || fail "three threads find something else: $(cat one three)"

{ printf 'text\tlabel\n'; awk '{ print $0 "\t" (/cat/ ? "cat" : "none") }' lines.txt; } > data.tsv
"$electra" finetune --model made/run --task classify --train-file data.tsv --num-train-epochs 1 --num-trials 1 --threads 1 \
    --output sorted > out.txt 2> log || fail "finetune: $(cat log)"
./classify sorted < lines.txt > classes 2> log || fail "classify: $(cat log)"
cut -f3 classes | cmp - lines.txt || fail "classify prints other lines"
"$electra" predict --model sorted --precision fp32 --format lines lines.txt 2> log | tail -n +2 | cut -f2 > theirs
cut -f1 classes | cmp - theirs || fail "classify and electra predict do not agree"
{ awk 'BEGIN { while (n++ < 2000) printf "the cat "; print "" }'; head -1 lines.txt; } > long.txt
./classify sorted < long.txt | cut -f3 | cmp - long.txt || fail "classify cuts a long line"

if command -v c++ > /dev/null; then
    c++ -std=c++11 -Wall -Wextra -Wpedantic -Werror "$root/examples/fill.cpp" "${link[@]}" -o fill 2> log || fail "fill.cpp: $(cat log)"
    ./fill made/run "the [MASK] sees the [MASK] ." > guesses 2> log || fail "fill: $(cat log)"
    [ "$(wc -l < guesses)" = 2 ] || fail "fill: $(cat guesses)"
    ./fill /nowhere "[MASK]" 2> log; [ $? = 1 ] && grep -q /nowhere log || fail "a missing model: $(cat log)"
else
    echo "there is no C++ compiler: fill.cpp is not built"
fi
