#!/bin/bash
# electra vocab and electra tokenize: what they print, the codes they exit with, and what stays when they fail.
electra=$(realpath "$1")
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
failed=0

check() { # what, expected, actual
    [ "$2" == "$3" ] && return
    printf '%s\n  want: %s\n  have: %s\n' "$1" "$2" "$3"
    failed=1
}

fails() { # what, exit code, words, command...
    local what=$1 code=$2 words=$3 said
    shift 3
    said=$("$@" 2>&1 >/dev/null </dev/null)
    check "$what: exit code ($said)" "$code" $?
    [[ "$said" == *"$words"* ]] || check "$what: sentence" "$words" "$said"
    check "$what: lines" 1 "$(wc -l <<<"$said")"
}

cd "$folder" || exit 1
for i in {1..40}; do
    printf 'The quick brown fox, number %d, jumps over the lazy dog.\nAgain the fox jumped.\n\n' "$i"
done >text.txt
gzip -k text.txt
zstd -q text.txt -o text.zst 2>/dev/null || cp text.txt text.zst

# the same file from every packing, place and number of threads
for way in "text.txt" "text.txt.gz" "text.zst" "- --threads 3" "--threads 2 text.txt"; do
    # shellcheck disable=SC2086
    "$electra" vocab --vocab-size 120 --output "v.txt" $way <text.txt 2>/dev/null || check "vocab $way" 0 $?
    check "vocab $way" "${sum:=$(md5sum <v.txt)}" "$(md5sum <v.txt)"
done
"$electra" vocab --vocab-size 120 --output deep/er/v.txt text.txt 2>/dev/null
check "a folder that is not there is made" "$sum" "$(md5sum <deep/er/v.txt)"
check "entries" yes "$([ "$(wc -l <v.txt)" -le 120 ] && echo yes)"
check "special tokens" "[PAD] [UNK] [CLS] [SEP] [MASK]" "$(head -5 v.txt | xargs)"
check "casing" 1 "$(grep -c '"do_lower_case": true' tokenizer_config.json)"

# a line in, a line out
printf 'The FOX!\n\n  fox' >in.txt
check "pieces" "the fox [UNK]||fox" "$("$electra" tokenize --vocab v.txt in.txt | paste -sd'|')"
check "stdin" "the fox [UNK]||fox" "$("$electra" tokenize --vocab "$folder/v.txt" <in.txt | paste -sd'|')"
ids=$("$electra" tokenize --ids --vocab v.txt in.txt | head -1)
check "ids" "the fox [UNK]" "$(for i in $ids; do sed -n "$((i + 1))p" v.txt; done | xargs)"
check "threads" "$("$electra" tokenize --vocab v.txt --threads 1 text.txt | md5sum)" \
    "$("$electra" tokenize --vocab v.txt --threads 3 text.txt | md5sum)"

# JSON in a file of any name and on stdin, by its first line or because the key is given
as_json() { sed '/./!d; s/.*/{"'"$1"'": "&"}/' text.txt; }
as_json text >lines.jsonl
as_json body >body.txt
cp lines.jsonl lines.ndjson && cp lines.jsonl lines.json && gzip -k lines.ndjson && cp lines.jsonl lines.txt
for way in lines.jsonl lines.ndjson lines.json lines.ndjson.gz lines.txt - "--json-key text -" "--json-key body body.txt"; do
    # shellcheck disable=SC2086
    "$electra" vocab --vocab-size 120 --output "j.txt" $way <lines.jsonl 2>said || check "vocab $way" 0 "$? $(cat said)"
    check "vocab $way" "$sum" "$(md5sum <j.txt)"
    [[ $way == lines.txt || $way == - ]] && notes=1 || notes=0
    check "vocab $way says so" $notes "$(grep -c 'read as JSON lines' said)"
done
check "tokenize: the key" "the fox" "$(echo '{"body": "the FOX"}' | "$electra" tokenize --vocab v.txt --json-key body | head -1)"
check "tokenize: a first line" "the fox" "$(echo '{"text": "the FOX"}' | "$electra" tokenize --vocab v.txt 2>/dev/null | head -1)"
check "tokenize: prose below an object" 2 "$(printf '{"text": "an example"}\nThis is prose.\n' | "$electra" tokenize --vocab v.txt 2>/dev/null | wc -l)"
sed -e '1s/^/[/; $!s/$/,/; $s/$/]/' lines.jsonl >array.json
for command in "vocab --output j.txt" "tokenize --vocab v.txt" "prepare --vocab v.txt --output j"; do
    # shellcheck disable=SC2086
    fails "an array: $command" 3 "jq -c '.[]' makes lines of it" "$electra" $command array.json
done
check "no shards of it" no "$([ -e j ] && echo yes || echo no)"
for command in "vocab --output j.txt" "tokenize --vocab v.txt" "prepare --vocab v.txt --output j"; do
    # shellcheck disable=SC2086
    "$electra" $command --json-key "" array.json >/dev/null 2>said
    check "as plain text: $command: $(cat said)" 0 $?
done

# what goes wrong
fails "no vocabulary" 2 "--vocab" "$electra" tokenize
fails "unknown flag" 2 "vocab" "$electra" tokenize --vocap v.txt
fails "missing file" 3 "none.txt" "$electra" tokenize --vocab v.txt none.txt
fails "missing vocabulary" 3 "none.txt" "$electra" tokenize --vocab none.txt
fails "casing against the file" 2 "do_lower_case" "$electra" tokenize --vocab v.txt --no-lowercase
fails "casing of the vocabulary beside it" 2 "do_lower_case" "$electra" vocab --no-lowercase --output w.txt text.txt
fails "casing of the vocabulary beside it, again" 2 "j.txt is read by it too" "$electra" vocab --no-lowercase --output v.txt text.txt
check "casing stays" 1 "$(grep -c '"do_lower_case": true' tokenizer_config.json)"
fails "no output" 2 "--output" "$electra" vocab text.txt
fails "no text" 2 "text" "$electra" vocab --output w.txt
fails "empty text" 3 "no words" "$electra" vocab --output w.txt -
head -c 200 text.txt.gz >cut.gz
fails "cut text" 3 "cut.gz" "$electra" vocab --output v.txt cut.gz
fails "too small" 2 "vocab-size" "$electra" vocab --vocab-size 3 --output v.txt text.txt
check "an earlier result stays" "$sum" "$(md5sum <v.txt)"
if [ -w /dev/full ]; then
    for command in "tokenize --vocab v.txt text.txt" "info v.txt" "info --json v.txt" "--help" "vocab --help"; do
        # shellcheck disable=SC2086
        said=$("$electra" $command 2>&1 >/dev/full)
        check "full disk: $command ($said)" 1 $?
        check "full disk: $command: lines" 1 "$(wc -l <<<"$said")"
    done
fi
# Where nobody reads any more the signal ends it in silence, though who started it had the signal ignored.
for ignore in "" "trap '' PIPE"; do
    for command in "tokenize --vocab v.txt text.txt" "info v.txt" "--help"; do
        # shellcheck disable=SC2086
        (eval "$ignore"; sleep 0.2; exec "$electra" $command 2>said) | :
        check "closed pipe: $command, $ignore" 141 "${PIPESTATUS[0]}"
        check "closed pipe: $command: lines" 0 "$(wc -l <said)"
    done
done

# A line of 100 MB and a word of 20 MB take the memory of a block, not of the line; the word is one [UNK].
limit=400000
(ulimit -v $limit; "$electra" --version > /dev/null 2>&1) ||
    { limit=unlimited; echo "not tried in 400 MB: this build (a sanitizer's) takes more to begin with"; }
limited() { (ulimit -v $limit; "$electra" "$@" > out 2> err) || { check "$* in 400 MB" "" "$(tail -n 1 err)"; }; }
yes "the cat sees the tree ," | head -c 100000000 | tr '\n' ' ' > line.txt
limited vocab --threads 1 --vocab-size 40 --output line.vocab line.txt
limited prepare --threads 1 --vocab line.vocab --max-seq-length 64 --output line.shards line.txt
rm line.txt
{ echo -n "the "; head -c 20000000 /dev/zero | tr '\0' a; echo " cat"; } > word.txt
limited tokenize --vocab line.vocab word.txt
check "a word of 20 MB" 1 "$(tr -s ' \n' '\n\n' < out | grep -c '\[UNK\]')"

exit $failed
