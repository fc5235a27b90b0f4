# score: what it says is what fill, detect and evaluate say; pairs and lists are ranked by it.
electra=$(realpath "$1")
source "$(dirname "$(realpath "$0")")/run.bash"
text 400 1 > train.txt
"$electra" vocab --vocab-size 150 --output vocab.txt train.txt > log 2>&1 || fail "vocab: $(cat log)"
"$electra" prepare --vocab vocab.txt --max-seq-length 48 --output shards train.txt > log 2>&1 || fail "prepare: $(cat log)"
for objective in electra mlm causal bidirectional replace-mlm all-tokens-mlm; do
    "$electra" pretrain --data shards --output $objective --model-size tiny --hidden-size 32 --embedding-size 32 --objective $objective \
        --num-train-steps 12 --train-batch-size 4 --threads 2 --precision fp32 2> log || fail "$objective: $(cat log)"
done
score() { "$electra" score --threads 2 "$@" 2> log || fail "score $*: $(cat log)"; }
near() { awk -v a="$1" -v b="$2" 'BEGIN { exit !(a - b < 1e-3 && b - a < 1e-3) }' || fail "$3: $1, not $2"; }

# One token alone is what fill says of it.
"$electra" fill --model mlm --json --top-k 1000 "[MASK]" > fill.json 2> log
filled=$(grep -o '{"piece":"cat","probability":[^}]*' fill.json | sed 's/.*://')
near "$(score --model mlm cat | cut -f1)" "$(awk -v p="$filled" 'BEGIN { print log(p) }')" "log p of cat"

# All of a sentence is as original as detect says.
sentence="the small cat sees the old tree while a dog eats a bird ."
"$electra" detect --model electra --json "$sentence" > detect.json 2> log
originals=$(grep -o '"probability":[^}]*' detect.json | sed 's/.*://' | awk '{ s += log(1 - $1) } END { print s }')
near "$(score --model electra "$sentence" | cut -f1)" "$originals" "log P(original)"

# A large network that predicts originals is asked for the tokens that are shown, in its run and alone; pll is its generator's.
for objective in replace-mlm all-tokens-mlm; do
    whole=$(score --model $objective --json "$sentence") generator=$(score --model $objective/generator --json "$sentence")
    [ "$whole" = "$(score --model $objective/discriminator --json "$sentence")" ] || fail "$objective: the large network alone says another score"
    [ "$whole" = "$(score --model $objective --by originals --json "$sentence")" ] || fail "$objective: originals are no default"
    [ "$generator" = "$(score --model $objective --by pll --json "$sentence")" ] || fail "$objective: pll is not the generator's"
    grep -q '"originals"' <<< "$whole" && [ "$whole" != "$generator" ] || fail "$objective: $whole, the generator $generator"
    refused 2 "$objective/discriminator: says of a sentence originals alone" "$electra" score --model $objective/discriminator --by pll cat
    refused 3 "no generator" "$electra" fill --model $objective/discriminator "the [MASK]"
    refused 3 "whether it was replaced" "$electra" detect --model $objective "the cat"
done

# A gate that always says 1/2 gives (1 + p) / 2 where the softmax gives p.
cp -r all-tokens-mlm/discriminator even
weights=even/model.safetensors
header=$(od -An -tu8 -N8 $weights | tr -d ' ')
for name in bias weight; do
    read -r begin end < <(tail -c +9 $weights | head -c "$header" |
        sed -E 's/.*"copy_gate\.'$name'":\{[^}]*"data_offsets":\[([0-9]+),([0-9]+)\].*/\1 \2/')
    head -c $((end - begin)) /dev/zero | dd of=$weights bs=1 seek=$((8 + header + begin)) conv=notrunc 2> /dev/null
done
cp -r even bare
sed -i '/"copy_gate"/d; s/"all-tokens-mlm"/"replace-mlm"/' bare/config.json
half() { score --model $1 --json . | sed 's/.*"tokens":1,"originals":\([0-9.e-]*\).*/\1/'; }
near "$(half even)" "$(half bare | awk '{ print (1 + $1) / 2 }')" "P(original) by a gate of 1/2"

# The same in whatever company, and however many tokens are computed at a time.
head -40 train.txt > some.txt
for model in mlm electra causal replace-mlm all-tokens-mlm; do
    score --model $model < some.txt > all.tsv
    score --model $model --micro-batch-tokens 1 < some.txt | cut -f1 > one.tsv
    paste <(cut -f1 all.tsv) one.tsv | awk '{ d = $1 - $2; if (d > 1e-3 || d < -1e-3) bad++ } END { exit bad > 0 }' || fail "$model: scores depend on the batch"
    [ "$(wc -l < all.tsv)" = "$(grep -c . some.txt)" ] || fail "$model: $(wc -l < all.tsv) scores"
    score --model $model --json cat | grep -q '"tokens":[12]' || fail "$model: no JSON"
done

# A causal model's sum is its perplexity's: what evaluate says of a text that is one example.
text 1 9 > one.txt
"$electra" prepare --vocab vocab.txt --max-seq-length 48 --output one one.txt > log 2>&1 || fail "prepare: $(cat log)"
"$electra" evaluate --model causal --data one --json --precision fp32 > evaluation.json 2> log || fail "evaluate: $(cat log)"
loss=$(sed -n 's/.*"generator_loss": \([0-9.]*\).*/\1/p' evaluation.json)
said=$(score --model causal --json "$(cat one.txt)")
near "$(sed 's/.*"score":\([-0-9.]*\),"tokens":\([0-9]*\).*/\1 \2/' <<< "$said" | awk '{ print -$1 / $2 }')" "$loss" "the loss of a token"

# Pairs: a model that learned these sentences prefers them to the same words in another order, most of the time.
"$electra" pretrain --data shards --output learned --model-size tiny --hidden-size 32 --embedding-size 32 --objective mlm \
    --num-train-steps 250 --train-batch-size 8 --threads 2 2> log || fail "learned: $(cat log)"
grep . some.txt | awk '{ n = split($0, w, " "); s = w[n]; for (i = n - 1; i > 0; i--) s = s " " w[i]; print $0 "\t" s }' > pairs.tsv
accuracy=$(score --model learned --pairs pairs.tsv | awk '/^all/ { print $3 }')
awk -v a="$accuracy" 'BEGIN { exit !(a > 0.8) }' || fail "the good sentence scores higher in $accuracy of pairs"
awk -F'\t' '{ printf "{\"good\": \"%s\", \"bad\": \"%s\", \"UID\": \"%s\"}\n", $1, $2, NR % 2 ? "odd" : "even" }' pairs.tsv > pairs.jsonl
score --model learned --pairs pairs.jsonl --json > pairs.json
grep -q '"odd"' pairs.json && grep -q '"pairs": 37' pairs.json || fail "pairs of JSON lines: $(cat pairs.json)"

# BLiMP's own names, and names of columns in either order, mean the same pairs; other columns and other text are refused.
said=$(score --model learned --pairs pairs.tsv)
sed 's/"good"/"sentence_good"/; s/"bad"/"sentence_bad"/; s/, "UID".*/}/' pairs.jsonl > blimp.jsonl
{ printf '\xef\xbb\xbfgood\tbad\n'; cat pairs.tsv; } > named.tsv
{ printf 'Bad\tGood\n'; awk -F'\t' '{ print $2 "\t" $1 }' pairs.tsv; } > turned.tsv
for file in blimp.jsonl named.tsv turned.tsv; do
    [ "$(score --model learned --pairs $file)" = "$said" ] || fail "$file: $(score --model learned --pairs $file), not $said"
done
sed 's/$/\todd/' pairs.tsv > three.tsv
refused 3 "line 1: has no two columns" "$electra" score --model mlm --pairs three.tsv
printf '\xb3\xaa\xb4\xc2\t\xb0\xa3\xb4\xd9\n' > korean.tsv
refused 3 "iconv -f CP949" "$electra" score --model mlm --pairs korean.tsv
sed 's/^/1\t0\t/' korean.tsv > korean-lists.tsv
refused 3 "iconv -f CP949" "$electra" score --model mlm --nbest korean-lists.tsv
printf '1\t0\tthe cat\n1\t0\tthe caf\xe9\n' > broken-lists.tsv
refused 3 "line 2: byte 12 is not valid UTF-8" "$electra" score --model mlm --nbest broken-lists.tsv
"$electra" score --model mlm < korean.tsv > out 2> log && fail "Korean of Windows is scored"
grep -q "iconv -f CP949" log || fail "Korean of Windows: $(cat log)"
{ for i in {1..5000}; do echo "the small cat sees the old tree"; done; cat korean.tsv; } | "$electra" score --model electra > out 2> log &&
    fail "Korean of Windows far from the beginning is scored"
grep -q "standard input, line 5001: byte 1 is not valid UTF-8; .*iconv -f CP949" log || fail "Korean of Windows in the end: $(cat log)"
refused 3 "text 2: byte 1 is not valid UTF-8; if it is in CP949 or EUC-KR, iconv -f CP949" "$electra" score --model mlm cat "$(cat korean.tsv)"
# A text of which the tokeniser leaves nothing has the highest score there is: it has none, and is no candidate of a list.
for empty in "" $'\xc2\xad'; do
    printf 'the cat\tthe dog\nthe cat\t%s\n' "$empty" > blank.tsv
    refused 3 "blank.tsv, line 2: there is no text in the bad sentence" "$electra" score --model mlm --pairs blank.tsv
    printf '1\t0\t%s\n1\t-9\tthe cat\n1\t0\t%s\n2\t0\t%s\n' "$empty" "$empty" "the dog" > blank-lists.tsv
    [ "$(score --model electra --nbest blank-lists.tsv)" = "$(printf '1\tthe cat\n2\tthe dog')" ] || fail "an empty text is best"
    grep -q "blank-lists.tsv: 2 empty texts are left out" log || fail "empty texts are not said: $(cat log)"
    for last in "" $'3\t0\tthe bird'; do
        { cat blank-lists.tsv; printf '4\t0\t%s\n4\t1\t%s\n%s' "$empty" "$empty" "$last"; } > empty-lists.tsv
        refused 3 "empty-lists.tsv: there is no text in any line of the id 4" "$electra" score --model causal --nbest empty-lists.tsv
    done
    refused 2 "text 2: there is no text in it" "$electra" score --model mlm cat "$empty"
    [ "$(printf 'the cat\n%s\nthe dog\n' "$empty" | score --model causal | wc -l)" = 2 ] || fail "an empty line has a score"
    grep -q "standard input: 1 blank line is no text" log || fail "an empty line is not said: $(cat log)"
done
awk -F'\t' '{ print $1 "\t" $1 }' pairs.tsv > ties.tsv
score --model learned --pairs ties.tsv | grep -q "0.0000$" || fail "equal scores count as right"

# Lists: the file's own best without a weight, ours with a large one.
awk -F'\t' 'NR < 9 { print NR "\t-1\t" $1; print NR "\t0\t" $2 }' pairs.tsv > lists.tsv
{ cat lists.tsv; head -1 lists.tsv; } > apart.tsv
refused 3 "do not stand together" "$electra" score --model mlm --nbest apart.tsv
score --model learned --nbest lists.tsv --weight 0 | cut -f2 | cmp -s - <(head -8 pairs.tsv | cut -f2) || fail "without a weight another text is best"
[ "$(score --model learned --nbest lists.tsv --weight 1000 | cut -f2 | grep -cxFf <(cut -f1 pairs.tsv))" -ge 6 ] || fail "the better texts are not chosen"
echo '{"id": "a\tb", "score": 0, "text": "the cat\nsees"}' > broken.jsonl
[ "$(score --model learned --nbest broken.jsonl)" = "a b	the cat sees" ] || fail "a text with two lines: $(score --model learned --nbest broken.jsonl)"

# The carriage returns of DOS files are no part of a text.
sed 's/$/\r/' lists.tsv > dos.tsv
score --model learned --nbest lists.tsv --json > unix.out
score --model learned --nbest dos.tsv --json | cmp -s - unix.out || fail "n-best lists of DOS: $(score --model learned --nbest dos.tsv --json | head -1)"
cut -f3 lists.tsv | score --model learned > unix.out
cut -f3 dos.tsv | score --model learned | cmp -s - unix.out || fail "sentences of DOS are echoed with carriage returns"

# Sentences longer than the model's positions are cut, and this is said at the end.
awk 'BEGIN { for (n = 0; n < 150; n++) { for (i = 0; i < 700; i++) printf "cat "; print "" } }' > long.txt
score --model electra < long.txt > /dev/null
grep -q "150 sentences are longer than [0-9]* tokens, and cut" log || fail "cut sentences are not said: $(cat log)"
paste long.txt long.txt > long.tsv
score --model electra --pairs long.tsv > /dev/null
grep -q "long.tsv: 300 sentences are longer than" log || fail "cut pairs are not said: $(cat log)"
score --model electra "고양이는 작은 동물이고 강아지는 큰 동물이며 새는 하늘을 날고 물고기는 바다에 산다" > /dev/null
grep -q "of the pieces are \[UNK\]" log || fail "a text of another language is not said: $(cat log)"
score --model electra "the cat sees" > /dev/null
! grep -q "UNK\|and cut" log || fail "nothing was lost: $(cat log)"

# What reads backwards is asked nothing alone: it would be shown texts forwards.
half=bidirectional/backward
refused 3 "one half of a model" "$electra" score --model $half cat
refused 3 "one half of a model" "$electra" evaluate --model $half --data shards
refused 3 "one half of a model" "$electra" embed --model $half --json train.txt
refused 3 "one half of a model" "$electra" finetune --model $half --task classify --train-file pairs.tsv --output tuned
"$electra" import $half --output copy > log 2>&1 || fail "import: $(cat log)"
grep -q '"reads_backwards": true' copy/config.json || fail "the copy of a half does not say that it reads backwards"

refused 2 "causal: says of a sentence left-to-right alone" "$electra" score --model causal --by pll cat
refused 2 "mlm: says of a sentence pll alone" "$electra" score --model mlm --by energy cat
refused 2 "electra: says of a sentence pll and originals alone" "$electra" score --model electra --by energy cat
refused 2 "one file" "$electra" score --model mlm --pairs pairs.tsv --nbest lists.tsv
refused 2 "weight" "$electra" score --model mlm --weight 1 cat
refused 3 "some.txt, line 1: " "$electra" score --model mlm --pairs some.txt
refused 3 "pairs.tsv, line 1: " "$electra" score --model mlm --nbest pairs.tsv
for list in pairs nbest; do # which have one name for a pipe, and one form of a place
    printf '{"good": 1\n' > half.jsonl
    refused 3 "standard input, line 1: not JSON: " "$electra" score --model mlm --$list - < half.jsonl
done
{ echo; head -c 9000000 /dev/zero | tr '\0' a; } > endless.tsv
gzip -c lists.tsv | head -c 60 > cut.gz
for list in pairs nbest; do
    refused 3 "mlm: is a folder, and a file is wanted" "$electra" score --model mlm --$list mlm
    refused 3 "endless.tsv, line 2: is longer than 8 MB" "$electra" score --model mlm --$list endless.tsv
    refused 3 "cut.gz: " "$electra" score --model mlm --$list cut.gz
done
printf 'good\tbad\na\tb\n' | "$electra" score --model mlm --pairs - > /dev/null 2> log
grep -q "^electra score: standard input: the first row names the columns" log || fail "pairs of a pipe: $(cat log)"
refused 2 "model" "$electra" score cat
echo "scores of sentences, pairs and lists"
