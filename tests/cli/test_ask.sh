#!/bin/bash
# detect and fill: what they print for programs and for people, standard input, and exit codes.
set -euo pipefail
program=$1
golden=$(realpath "$(dirname "$0")/../model/golden")
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
fail() { echo "$*" >&2; exit 1; }
expect() { [[ $2 == "$3" ]] || fail "$1: expected \"$3\", got \"$2\""; }
exits() { # STATUS WORDS COMMAND...
    local status=0 wanted=$1 words=$2
    shift 2
    "$@" >"$dir/out" 2>"$dir/err" </dev/null || status=$?
    [[ $status -eq $wanted ]] || fail "$*: exit code $status, not $wanted: $(cat "$dir/err")"
    grep -qF -- "$words" "$dir/err" || fail "$*: no \"$words\" in: $(cat "$dir/err")"
    [[ $(wc -l <"$dir/err") -eq 1 ]] || fail "$*: more than one sentence: $(cat "$dir/err")"
}

# The golden pair as a run: [PAD] [UNK] [CLS] [SEP] [MASK] a ... z ##a ... ##s
run=$dir/run
cp -r "$golden" "$run"
chmod -R u+w "$run"
{ printf '[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\n'; printf '%s\n' {a..z}; printf '##%s\n' {a..s}; } >"$run/generator/vocab.txt"
printf '{"do_lower_case": true}\n' >"$run/generator/tokenizer_config.json"
cp "$run/generator/vocab.txt" "$run/generator/tokenizer_config.json" "$run/discriminator/"

# detect --json: every piece in order with a probability of at least seven digits, an object a text.
"$program" detect --model "$run" --json "Ab, q" z >"$dir/out"
expect "lines" "$(wc -l <"$dir/out")" 2
expect "pieces" "$(grep -oE '"piece":"[^"]*"' <(head -n 1 "$dir/out") | tr '\n' ' ')" \
    '"piece":"a" "piece":"##b" "piece":"[UNK]" "piece":"q" '
for number in $(grep -oE '"probability":[0-9.e-]+' "$dir/out" | sed 's/.*://'); do
    awk -v p="$number" 'BEGIN { exit !(p > 0 && p < 1) }' || fail "$number is no probability"
    [[ ${#number} -ge 9 ]] || fail "$number has too few digits"
done

# The same by standard input, a line a text, and wherever options stand; threads and a folder of one network change nothing.
printf 'Ab, q\n\nz\n' | "$program" detect --json --model "$run" >"$dir/again" 2>"$dir/err"
grep -q '1 blank line is no text' "$dir/err" || fail "a blank line is passed over in silence: $(cat "$dir/err")"
cmp "$dir/out" "$dir/again" || fail "operands and standard input differ"
# An only - is standard input too; the name of a file is a text, and a line says so.
for command in detect fill score; do
    printf '[MASK]\nb [MASK]\n' >"$dir/lines"
    "$program" $command --model "$run" --json <"$dir/lines" >"$dir/want" 2>"$dir/err"
    "$program" $command --model "$run" --json - <"$dir/lines" >"$dir/again" 2>"$dir/err"
    cmp "$dir/want" "$dir/again" || fail "$command: - is not standard input"
done
"$program" detect --model "$run" "$dir/lines" >"$dir/again" 2>"$dir/err"
grep -qF "lines\" is taken for a text" "$dir/err" || fail "nothing is said of a file's name: $(cat "$dir/err")"
"$program" detect "Ab, q" z --json --threads 1 --model "$run/discriminator" >"$dir/again"
cmp "$dir/out" "$dir/again" || fail "one thread and the discriminator's own folder differ"

# People see the text with suspicious words marked, and no colour where there is no terminal.
"$program" detect --model "$run" --threshold 0 "Ab, q" >"$dir/out"
expect "all marked" "$(head -n 1 "$dir/out")" "**Ab****,** **q**"
"$program" detect --model "$run" --threshold 1 "Ab, q" >"$dir/out"
expect "none marked" "$(head -n 1 "$dir/out")" "Ab, q"

# fill: as many guesses as asked for at every [MASK].
"$program" fill --model "$run" --json --top-k 3 "a [MASK] b [MASK]" >"$dir/out"
expect "guesses" "$(grep -o '"piece"' "$dir/out" | wc -l)" 6
expect "positions" "$(grep -oE '"position":[0-9]+' "$dir/out" | tr '\n' ' ')" '"position":1 "position":3 '
"$program" fill --model "$run" --top_k 2 "a [MASK]" >"$dir/out"
expect "text" "$(head -n 1 "$dir/out")" "a [MASK]"
expect "lines for people" "$(wc -l <"$dir/out")" 2


# Lines of DOS are echoed without their carriage returns; other encodings, and lines that no line feed ends, are refused.
for command in "detect --threshold 1" fill; do
    # shellcheck disable=SC2086
    printf 'a [MASK]\r\n' | "$program" $command --model "$run" >"$dir/out"
    expect "$command of DOS" "$(head -n 1 "$dir/out")" "a [MASK]"
    for case in "iconv -f CP949:\xb3\xaa\xb4\xc2 \xb0\xa3\xb4\xd9\n" "iconv -f UTF-16:\xff\xfea\0\n\0" "carriage returns alone:a\rb\r"; do
        # shellcheck disable=SC2059,SC2086
        printf "${case#*:}" | "$program" $command --model "$run" >"$dir/out" 2>"$dir/err" && fail "$command takes $case"
        grep -q "standard input[:,]" "$dir/err" && grep -qF -- "${case%%:*}" "$dir/err" || fail "$command of $case: $(cat "$dir/err")"
    done
    # A line far from the beginning is looked at, too, and all operands before one is answered.
    { printf '[MASK]\n%.0s' {1..9}; printf '\xb3\xaa\xb4\xc2 [MASK]\n'; } >"$dir/lines"
    # shellcheck disable=SC2086
    "$program" $command --model "$run" <"$dir/lines" >"$dir/out" 2>"$dir/err" && fail "$command takes a line of CP949"
    grep -qF "standard input, line 10: byte 1 is not valid UTF-8" "$dir/err" || fail "$command of CP949: $(cat "$dir/err")"
    # shellcheck disable=SC2086
    exits 3 "text 2: byte 3 is not valid UTF-8; if it is in Latin-1, iconv -f LATIN1" "$program" $command --model "$run" "[MASK]" $'a \xe9 [MASK]'
    [[ ! -s $dir/out ]] || fail "$command answers the first of two texts: $(cat "$dir/out")"
done

# A vocabulary that does not know a tenth of the pieces is said, once for all texts.
for command in detect fill; do
    printf '? ? ? ? ? [MASK]\n%.0s' 1 2 | "$program" $command --model "$run" >"$dir/out" 2>"$dir/err"
    expect "$command of unknown pieces" "$(grep -c "83 % of the pieces are \[UNK\]" "$dir/err")" 1
    printf 'a b c d e f g h i j k [MASK] ?\n%.0s' {1..11} | "$program" $command --model "$run" >"$dir/out" 2>"$dir/err"
    ! grep -qF "[UNK]" "$dir/err" || fail "$command of a few unknown pieces: $(cat "$dir/err")"
done

# A line without [MASK] gets an empty answer, and the lines after it theirs.
printf 'a [MASK]\na b\nb [MASK]\n' | "$program" fill --model "$run" --json >"$dir/out" 2>"$dir/err" || fail "fill stopped: $(cat "$dir/err")"
expect "the empty answer" "$(sed -n 2p "$dir/out")" '{"masks":[]}'
expect "answers" "$(grep -c '"guesses"' "$dir/out")" 2
grep -qF 'no [MASK] in "a b"' "$dir/err" || fail "fill says nothing of the line without [MASK]: $(cat "$dir/err")"

# Both networks as one: other probabilities, as many guesses.
"$program" fill --model "$run" --json --top-k 3 --with-discriminator "a [MASK] b [MASK]" >"$dir/both"
expect "guesses of both" "$(grep -o '"piece"' "$dir/both" | wc -l)" 6
! cmp -s "$dir/out" "$dir/both" || fail "the discriminator judges nothing"
# What share of tokens was predicted is the run's own, of two the last, unless another is given.
judged() { "$program" fill --model "$run" --json --top-k 3 --with-discriminator "$@" "a [MASK] b"; }
judged --mask-prob 0.4 >"$dir/given"
judged --mask-prob 0.1 >"$dir/last"
echo '{"settings": {"objective": "electra", "mask_prob": "0.4:0.1"}}' >"$run/run.json"
expect "of the run's settings" "$(judged)" "$(cat "$dir/last")"
expect "of a share that is given" "$(judged --mask-prob 0.4)" "$(cat "$dir/given")"
! cmp -s "$dir/given" "$dir/last" || fail "the share of predicted tokens changes nothing"
# So is the temperature at which its tokens were drawn.
judged --mask-prob 0.1 --temperature 3 >"$dir/warm"
! cmp -s "$dir/warm" "$dir/last" || fail "the temperature changes nothing"
echo '{"settings": {"objective": "electra", "mask_prob": 0.1, "temperature": "1:3"}}' >"$run/run.json"
expect "at the run's temperature" "$(judged)" "$(cat "$dir/warm")"
expect "at a temperature that is given" "$(judged --temperature 1)" "$(cat "$dir/last")"
echo '{"settings": {"objective": "electra", "mask_prob": 0.1, "disallow_correct": true}}' >"$run/run.json"
judged 2>"$dir/err" >"$dir/out"
grep -q disallow_correct "$dir/err" || fail "nothing is said of tokens that were never drawn"

# The discriminator of electra-15 is asked at those tokens alone: what it says is the probability.
echo '{"settings": {"objective": "electra-15", "mask_prob": 0.4}}' >"$run/run.json"
guess=$(judged | sed -E 's/.*"guesses":\[\{"piece":"(##)?([^"]*)","probability":([^}]*)\}.*/\2 \3/')
read -r piece probability <<<"$guess"
judged | grep -q "\"guesses\":\[{\"piece\":\"##" && continuation= || continuation=" "
"$program" detect --model "$run" --json "a$continuation$piece b" >"$dir/out"
replaced=$(grep -oE '"probability":[0-9.e-]+' "$dir/out" | sed -n '2s/.*://p')
awk -v p="$probability" -v r="$replaced" 'BEGIN { d = p - (1 - r); exit !(d < 1e-6 && d > -1e-6) }' ||
    fail "electra-15: $piece has probability $probability, and is replaced with $replaced"
exits 2 "mask-prob: has no part" "$program" fill --model "$run" --with-discriminator --mask-prob 0.2 "a [MASK]"
exits 2 "temperature: has no part" "$program" fill --model "$run" --with-discriminator --temperature 2 "a [MASK]"
rm "$run/run.json"

exits 2 "mask-prob: is that of --with-discriminator" "$program" fill --model "$run" --mask-prob 0.2 "a [MASK]"
exits 2 "temperature: is that of --with-discriminator" "$program" fill --model "$run" --temperature 2 "a [MASK]"
exits 3 "discriminator" "$program" fill --model "$run/generator" --with-discriminator "a [MASK]"

# A head that a folder does not hold is not made up: a large network that predicts originals says nothing of replacement.
cp -r "$run" "$dir/restores"
cp "$run"/generator/{config.json,model.safetensors} "$dir/restores/discriminator/"
exits 3 "says of none whether it was replaced" "$program" detect --model "$dir/restores" "a"
exits 3 "says of none whether it was replaced" "$program" fill --model "$dir/restores" --with-discriminator "a [MASK]"
# Its score is of the text as it is: transformers' log softmax of the tokens shown.
"$program" score --model "$dir/restores" --json "ab q" z >"$dir/out" 2>/dev/null
expect "log P(original)" "$(grep -oE '"score":-[0-9]+\.[0-9]{4}' "$dir/out" | tr '\n' ' ')" '"score":-13.9796 "score":-4.0305 '
expect "mean P(original)" "$(grep -oE '"originals":0\.[0-9]{6}' "$dir/out" | tr '\n' ' ')" '"originals":0.014014 "originals":0.017764 '
folders=$(realpath "$(dirname "$0")/../serve/golden/folders")
for folder in bare-bin sequence-shards span-old-bin; do
    exits 3 "holds no whole discriminator head" "$program" detect --model "$folders/$folder" "a"
done
cp -r "$folders/bare-bin" "$dir/bare"
sed -i 's/"ElectraModel"/"ElectraForMultipleChoice"/' "$dir/bare/config.json"
exits 3 "holds no whole discriminator head" "$program" score --model "$dir/bare" "a"

exits 2 "--model is missing" "$program" detect "a"
exits 2 "no [MASK]" "$program" fill --model "$run" "a b"
exits 2 "threshold" "$program" detect --model "$run" --treshold 0.5 "a"
exits 3 "/nowhere" "$program" detect --model /nowhere "a"
exits 3 "no generator" "$program" fill --model "$run/discriminator" "a [MASK]"
head -c 5000 "$run/discriminator/model.safetensors" >"$dir/short" && mv "$dir/short" "$run/discriminator/model.safetensors"
exits 3 "model.safetensors" "$program" detect --model "$run" "a"
echo '{' >"$run/generator/config.json"
exits 3 "config.json" "$program" fill --model "$run" "[MASK]"
