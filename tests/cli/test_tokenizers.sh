#!/bin/bash
# The tokenizer of a folder: how special tokens in texts are read, who decides the casing and that it is said, and what is
# written beside a model.
electra=$(realpath "$1")
# shellcheck source=tests/cli/run.bash
source "$(dirname "$0")/run.bash"

text 1500 1 > train.txt
text 120 2 > held.txt
awk 'NF { print $0 " [MASK] [SEP]" }' train.txt > marked.txt

# vocab: characters of [MASK] are learnt, or it is none of the words
"$electra" vocab --vocab-size 200 --output plain/vocab.txt marked.txt > log 2>&1 || fail "vocab: $(cat log)"
"$electra" vocab --vocab-size 200 --special-tokens tokens --output vocab/vocab.txt marked.txt > log 2>&1 || fail "vocab: $(cat log)"
grep -qx '\[' plain/vocab.txt || fail "a [ in a text is no piece"
grep -qx '\[' vocab/vocab.txt && fail "of [MASK] a [ was learnt"

# tokenize and prepare: characters unless asked for
ids() { "$electra" tokenize --vocab plain --ids "$@" - <<< 'the [MASK] cat[SEP]'; }
mask=$(($(grep -nx '\[MASK\]' plain/vocab.txt | cut -d: -f1) - 1))
ids | grep -qw "$mask" && fail "tokenize reads [MASK]: $(ids)"
ids --special-tokens tokens | grep -qw "$mask" || fail "tokenize --special-tokens tokens: $(ids --special-tokens tokens)"
tokens() { "$electra" info --json "$1" | grep -o '"tokens": *[0-9]*' | head -1 | grep -o '[0-9]*$'; }
"$electra" prepare --vocab plain --max-seq-length 48 --output p1 marked.txt > log 2>&1 || fail "prepare: $(cat log)"
"$electra" prepare --vocab plain --special-tokens tokens --max-seq-length 48 --output p2 marked.txt > log 2>&1 || fail "prepare: $(cat log)"
[ "$(tokens p1)" -gt "$(tokens p2)" ] || fail "[MASK] is $(tokens p1) tokens as characters, $(tokens p2) as tokens"

# a model: what is written beside it, and that its length is its own
"$electra" prepare --vocab vocab --max-seq-length 48 --output shards train.txt > log 2>&1 || fail "prepare: $(cat log)"
"$electra" pretrain --data shards --model-size tiny --max-position-embeddings 96 --num-train-steps 2 --train-batch-size 4 --output run \
    > log 2>&1 || fail "pretrain: $(cat log)"
for file in vocab.txt tokenizer.json tokenizer_config.json; do
    [ -s run/discriminator/$file ] && [ -s run/generator/$file ] || fail "no $file beside the model"
done
grep -q '"model_max_length": 96' run/discriminator/tokenizer_config.json || fail "$(cat run/discriminator/tokenizer_config.json)"
rm run/discriminator/vocab.txt
"$electra" tokenize --vocab run/discriminator --ids held.txt > alone 2> log || fail "tokenizer.json alone: $(cat log)"
"$electra" tokenize --vocab vocab --ids held.txt > both 2> log || fail "tokenize: $(cat log)"
cmp -s alone both || fail "tokenizer.json alone gives other ids"

# those that ask or teach a model: tokens unless told otherwise, and a model remembers what it was taught with
count() { "$electra" detect --model run --json "$@" 'the [MASK] cat [SEP] sees' | grep -o '"piece"' | wc -l; }
[ "$(count)" = 5 ] || fail "detect reads $(count) pieces"
[ "$(count --special-tokens plain)" -gt 5 ] || fail "detect --special-tokens plain reads $(count --special-tokens plain) pieces"
awk 'BEGIN { print "text\tlabel" } NF && n++ < 40 { print $0 " [SEP] cat\t" (/cat/ ? "cat" : "none") }' train.txt > c.tsv
for reading in tokens plain; do
    "$electra" finetune --model run --task classify --train-file c.tsv --dev-file c.tsv --num-train-epochs 1 --special-tokens $reading \
        --max-seq-length 64 --output $reading-model > log 2>&1 || fail "finetune: $(cat log)"
    "$electra" predict --model $reading-model --json c.tsv > $reading.json 2> log || fail "predict: $(cat log)"
    "$electra" predict --model $reading-model --special-tokens $reading --json c.tsv > said.json 2> log || fail "predict: $(cat log)"
    cmp -s said.json $reading.json || fail "predict forgets that special tokens are $reading"
done
grep -q '"special_tokens": "plain"' plain-model/model/config.json || fail "the model's card does not say plain"
"$electra" predict --model plain-model --special-tokens tokens --json c.tsv > said.json 2> log || fail "predict: $(cat log)"
cmp -s said.json plain.json && fail "predict --special-tokens changes nothing"
"$electra" evaluate --model plain-model --special-tokens tokens --json c.tsv > log 2>&1 || fail "evaluate: $(cat log)"
grep -q '"model_max_length": 96' plain-model/model/tokenizer_config.json || fail "finetune writes another length"
[ -s plain-model/model/tokenizer.json ] || fail "finetune writes no tokenizer.json"
"$electra" embed --model run --special-tokens plain --json c.tsv > one 2> log && "$electra" embed --model run --json c.tsv > two 2> log || fail "embed: $(cat log)"
cmp -s one two && fail "embed --special-tokens changes nothing"

# casing: who decides it is said, and a vocabulary that contradicts it
mkdir cased && { printf '[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\n'; printf '%s\n' Seoul Korea the of {a..z} '##'{a..z}; } > cased/vocab.txt
says() { # WORDS COMMAND...
    local words=$1
    shift
    "$@" > out 2> log || fail "$*: $(cat log)"
    grep -q -- "$words" log || fail "\"$words\" is not said: $(cat log)"
}
says "lower-cased, accents stripped, as BERT's; no tokenizer_config.json says otherwise" "$electra" tokenize --vocab cased held.txt
says "2 of 61 pieces, as Seoul, stand in no text that is lower-cased" "$electra" tokenize --vocab cased held.txt
"$electra" tokenize --vocab cased --no-lowercase held.txt 2>&1 > out | grep . && fail "a casing that was asked for is talked about"
printf '{"do_lower_case": false}' > cased/tokenizer_config.json
"$electra" tokenize --vocab cased held.txt 2>&1 > out | grep . && fail "the casing of tokenizer_config.json is talked about"
"$electra" info cased | grep -q 'casing_from *tokenizer_config.json' || fail "info: $("$electra" info cased)"
"$electra" info run/generator | grep -q 'casing_from *tokenizer_config.json' || fail "info: $("$electra" info run/generator)"
rm run/generator/tokenizer_config.json
says "tokenizer.json: text is lower-cased, accents stripped, as its normalizer says" "$electra" tokenize --vocab run/generator held.txt
grep -q "a class of BERT" log && fail "a normalizer that does as the class is warned about: $(cat log)"
sed 's/"strip_accents": *[a-z]*/"strip_accents": false/' run/generator/tokenizer.json > changed && mv changed run/generator/tokenizer.json
printf '{"do_lower_case": true}' > run/generator/tokenizer_config.json
says "tokenizer.json: text is lower-cased, ideographs set apart, as its normalizer says; a class of BERT in transformers asks \
tokenizer_config.json alone: lower-cased, accents stripped" "$electra" tokenize --vocab run/generator held.txt
printf '{"do_lower_case": true, "strip_accents": false}' > run/generator/tokenizer_config.json
"$electra" tokenize --vocab run/generator held.txt 2>&1 > out | grep . && fail "what both read alike is warned about"
refused 2 "do_lower_case is true for this vocabulary, but false was asked for" "$electra" tokenize --vocab run/generator --no-lowercase held.txt
mkdir korean && { printf '[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\n'; printf '%s\n' 한국어 공유 '##를' '##합니다' . electra; } > korean/vocab.txt
says "4 of 11 pieces, as ##합니다" "$electra" tokenize --vocab korean - <<< '한국어 ELECTRA를 공유합니다.'
[ "$(cat out)" = "[UNK] [UNK] [UNK] ." ] || fail "syllables that fall apart: $(cat out)"
[ "$("$electra" tokenize --vocab korean --no-strip-accents - <<< '한국어 ELECTRA를 공유합니다.' 2> log)" = "한국어 electra ##를 공유 ##합니다 ." ] ||
    fail "syllables that stay: $(cat out)"
echo "tokenizers are read and written"
