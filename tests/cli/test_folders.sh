#!/bin/bash
# folders - what is missing is said alike by every command, and damaged or hostile files end in one sentence and exit 3
set -euo pipefail
program=$1
here=$(cd "$(dirname "$0")/.." && pwd)
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
cd "$place"

fail() {
    echo "FAILED: $*"
    exit 1
}

# refuse "sentence" arguments...
refuse() {
    local sentence=$1 code=0
    shift
    "$program" "$@" >out 2>log </dev/null || code=$?
    [[ $code == 3 ]] || fail "exit code $code, not 3, for $*: $(cat log)"
    grep -qF -- "$sentence" log || fail "\"$sentence\" is not said for $*: $(cat log)"
    [[ $(grep -c . log) == 1 ]] || fail "more than a sentence for $*: $(cat log)"
}

echo "w1 w2" >text
for command in "embed --json text --model" "predict text --model" "evaluate text --model" "fill text --model" \
    "detect text --model" "export --format onnx --output out.onnx --model" "import --output kept" "import --check" \
    "finetune --task classify --train-file text --output made --model" "finetune --task classify --output made --data" \
    "pretrain --output made --data"; do
    # shellcheck disable=SC2086
    refuse "nothere: no such folder" $command nothere
done
for command in info "tokenize text --vocab" "prepare text --output made --vocab"; do
    # shellcheck disable=SC2086
    refuse "nothere: no such file or folder" $command nothere
done

# Beside a config.json that is right, so that the weights are what is wrong.
tried=0
while IFS=$'\t' read -r name sentence; do
    cp -r "$here/format/golden/hostile/$name" "$name"
    cp "$here"/serve/golden/folders/bare-bin/{config.json,vocab.txt,tokenizer_config.json} "$name"
    refuse "$sentence" embed --model "$name" --json text
    tried=$((tried + 1))
done <"$here/format/golden/hostile.tsv"
[[ $tried -ge 25 ]] || fail "$tried hostile files"

refuse "there is no discriminator in it" detect --model "$here/serve/golden/folders/bert-masked-old-bin" text

# info says of every folder what lies in it.
says() { # FOLDER WORDS
    "$program" info "$here/serve/golden/folders/$1" >out 2>log || fail "info $1: $(cat log)"
    tr -s ' ' <out | grep -qF -- "$2" || fail "info $1 does not say \"$2\": $(cat out)"
}
says discriminator-old-bin "kind discriminator"
says discriminator-old-bin "weights torch.save"
says tensorflow "kind generator and discriminator"
says tensorflow "weights TensorFlow"
says bert-masked-old-bin "kind masked language model"
says bert-sequence 'architectures ["BertForSequenceClassification"]'
says bert-bare "kind encoder"
says sequence-shards "kind fine-tuned model"
says sentence-transformers "pooling cls"

# A class that is not known is none of ours: without a head of pre-training it is an encoder, and its task's head is refused.
cp -r "$here/serve/golden/folders/sequence-shards" unknown
sed -i 's/ElectraForSequenceClassification/ElectraForMultipleChoice/' unknown/config.json
"$program" info unknown | tr -s ' ' >out || fail "info of a class that is not known"
grep -qx "kind encoder" out || fail "a class that is not known is called $(cat out)"
refuse "architectures names ElectraForMultipleChoice, whose head is not known" predict --model unknown text
"$program" export --model unknown --format onnx --output unknown.onnx 2>log || fail "export of a class that is not known: $(cat log)"
grep -q "its encoder alone is written" log || fail "the head is left out in silence: $(cat log)"

# What sentence-transformers writes since 5.4: a word for the pooling, the length in the tokenizer's file.
cp -r "$here/serve/golden/folders/sentence-transformers" recent
modules=sentence_transformers.sentence_transformer.modules
cat >recent/modules.json <<END
[{"idx": 0, "name": "0", "path": "", "type": "sentence_transformers.base.modules.transformer.Transformer"},
 {"idx": 1, "name": "1", "path": "1_Pooling", "type": "$modules.pooling.Pooling"},
 {"idx": 2, "name": "2", "path": "2_Normalize", "type": "$modules.normalize.Normalize"}]
END
echo '{"embedding_dimension": 8, "pooling_mode": "cls", "include_prompt": true}' >recent/1_Pooling/config.json
echo '{"transformer_task": "feature-extraction", "module_output_name": "token_embeddings"}' >recent/sentence_bert_config.json
sed -i 's/}/, "model_max_length": 6}/' recent/tokenizer_config.json
echo "w1 w2 w3 w4 w5 w6 w7 w8" >longer
echo '{"prompts": {"query": "query: "}, "default_prompt_name": null}' >recent/config_sentence_transformers.json
for folder in "$here/serve/golden/folders/sentence-transformers" recent; do
    "$program" embed --model "$folder" --precision fp32 --json longer >"$(basename "$folder").json" 2>log || fail "embed of $folder: $(cat log)"
    grep -q "at most 6 tokens" log || fail "the length of $folder: $(cat log)"
done
grep -q "its prompts are put before no text" log || fail "prompts are passed over in silence: $(cat log)"
"$program" import recent --output recent-kept 2>log || fail "import: $(cat log)"
grep -q '"query: "' recent-kept/config_sentence_transformers.json || fail "prompts are lost by import"
cmp -s sentence-transformers.json recent.json || fail "another vector: $(cat recent.json)"

# Texts are lower-cased by the vocabulary, or not at all.
cp -r "$here/serve/golden/folders/sentence-transformers" lower
echo '{"max_seq_length": 6, "do_lower_case": true}' >lower/sentence_bert_config.json
for casing in true false; do
    echo "{\"do_lower_case\": $casing}" >lower/tokenizer_config.json
    "$program" import lower --output "lower-$casing" 2>log || fail "import: $(cat log)"
    grep -q '"do_lower_case": true' "lower-$casing/sentence_bert_config.json" || fail "do_lower_case is lost by import"
done
"$program" embed --model lower-true --json longer >out 2>log || fail "embed where both lower-case: $(cat log)"
refuse "sentence_bert_config.json lower-cases texts" embed --model lower-false --json longer
refuse "sentence_bert_config.json lower-cases texts" export --format gguf --output lower.gguf --model lower-false

# Its encoder may lie in the folder of its module, where every command finds it.
mkdir parts
cp -r recent parts/0_Transformer
rm -r parts/0_Transformer/modules.json parts/0_Transformer/1_Pooling
cp -r recent/modules.json recent/1_Pooling parts
sed -i 's/"path": "", /"path": "0_Transformer", /' parts/modules.json
for to in onnx gguf; do
    "$program" export --model recent --format $to --output whole.$to 2>log || fail "export: $(cat log)"
    "$program" export --model parts --format $to --output parts.$to 2>log || fail "export of a module's folder: $(cat log)"
    cmp whole.$to parts.$to || fail "another $to of a module's folder"
done
echo "# all of it" >parts/README.md
"$program" export --model parts --format safetensors --output parts-again 2>log || fail "export of a module's folder: $(cat log)"
cmp parts/README.md parts-again/README.md || fail "the card beside modules.json does not go along"
"$program" embed --model parts-again --precision fp32 --json longer >out 2>log || fail "embed: $(cat log)"
cmp -s out recent.json || fail "another vector once exported: $(cat out)"
diff <("$program" import --check parts) <("$program" import --check recent) || fail "other tensors in a module's folder"
printf 'w1 w2\ta\nw3 w4\tb\n' >two.tsv
"$program" finetune --model parts --task classify --train-file two.tsv --num-train-epochs 1 --max-seq-length 8 --max-restarts 0 \
    --threads 1 --output tuned-parts >out 2>log || fail "finetune of a module's folder: $(cat log)"
echo '{"embedding_dimension": 8, "pooling_mode": "max"}' >recent/1_Pooling/config.json
refuse "1_Pooling/config.json: pooling_mode max is not supported" embed --model recent --json longer

# What shapes do not say is not guessed for a file that keeps it.
for to in onnx gguf safetensors; do
    refuse "nothing says how many attention heads there are; electra import --num-attention-heads" \
        export --model "$here/serve/golden/folders/tensorflow" --format $to --output out.$to
done
"$program" import "$here/serve/golden/folders/tensorflow" --num-attention-heads 2 --output of-two-heads 2>log || fail "import: $(cat log)"
grep -q "the number of attention heads: 2 here" log && ! grep -q "attention heads: 1" log || fail "which heads are read: $(cat log)"
rm of-two-heads/generator/README.md
for network in discriminator generator; do
    "$program" export --model of-two-heads --network $network --format safetensors --output one-$network 2>log || fail "export of one network: $(cat log)"
    [[ -f one-$network/model.safetensors ]] || fail "export of a $network alone: $(ls one-$network)"
    "$program" info one-$network 2>log | tr -s ' ' | grep -qx "kind $network" || fail "export --network $network: $(cat one-$network/config.json)"
    "$program" export --model one-$network --output one.onnx 2>log || fail "export of what heads are said of: $(cat log)"
done
head -1 one-generator/README.md | grep -qx -- --- && grep -q 'electra export' one-generator/README.md || fail "$(cat one-generator/README.md)"
cp -r "$here/serve/golden/folders/tensorflow" renamed
echo 'model_checkpoint_path: "electra-2000"' >renamed/checkpoint
refuse "names electra-2000, which is not there; renamed/electra.index is; remove the file checkpoint, or" embed --model renamed --json text

# A parameter of as many numbers in another shape is another one.
cp -r "$here/serve/golden/folders/bert-bare" turned
LC_ALL=C sed -i '1s/\("embeddings.position_embeddings.weight":{"dtype":"F32","shape":\)\[16,8\]/\1[8,16]/' turned/model.safetensors
for to in onnx gguf; do
    refuse "another shape than 16 x 8" export --model turned --format $to --output turned.$to
done

# Layers that config.json does not count are left out, and this is said.
cp -r "$here/serve/golden/folders/bert-bare" shorter
layers=$(grep -o '"num_hidden_layers": *[0-9]*' shorter/config.json | grep -o '[0-9]*$')
sed -i "s/\"num_hidden_layers\": *$layers/\"num_hidden_layers\": $((layers - 1))/" shorter/config.json
"$program" embed --model shorter --json text >out 2>log || fail "fewer layers: $(cat log)"
grep -q "more layers than the $((layers - 1)) of config.json; they are left out" log || fail "layers are left out in silence: $(cat log)"
"$program" embed --model "$here/serve/golden/folders/bert-bare" --json text >out 2>log
! grep -q "more layers" log || fail "all layers are read: $(cat log)"
"$program" export --model shorter --output shorter.onnx 2>log || fail "export of fewer layers: $(cat log)"
grep -q "they are left out" log || fail "export leaves layers out in silence: $(cat log)"
cp -r "$here/serve/golden/folders/bert-pretraining" judges
sed -i '0,/{/s//{"architectures": ["BertForPreTraining"],/' judges/config.json
"$program" export --model judges --output sentences.onnx 2>log || fail "export of BertForPreTraining: $(cat log)"
grep -q "judges two segments is not in the graph" log || fail "a head is left out in silence: $(cat log)"

# What import keeps answers as what it was made of, and is not written over.
answers() { # FOLDER TO
    "$program" embed --model "$1" --precision fp32 --json text >"$2" 2>log || fail "embed of $1: $(cat log)"
}
for folder in "$here"/serve/golden/folders/*; do
    name=$(basename "$folder")
    "$program" import "$folder" --output "kept-$name" 2>log || fail "import of $name: $(cat log)"
    answers "$folder" before
    answers "kept-$name" after
    cmp -s before after || fail "$name answers otherwise once imported"
done
[[ -f kept-sentence-transformers/1_Pooling/config.json ]] || fail "the pooling is not kept"
"$program" import "$here/serve/golden/folders/bert-pretraining" --output no-pooler 2>log
grep -q "begins with a new one" log || fail "nothing is said of a pooler that is left out: $(cat log)"
grep -q "left out of the masked language model" log && ! grep -q discriminator log || fail "what a BERT is called: $(cat log)"
grep -qx -- "- bert" kept-bert-pretraining/README.md && grep -q "^# masked language model" kept-bert-pretraining/README.md ||
    fail "the card of a BERT: $(cat kept-bert-pretraining/README.md)"
"$program" info kept-tensorflow | grep -qx "kind *generator and discriminator" || fail "info of two networks"
[[ -f kept-tensorflow/generator/model.safetensors ]] || fail "the generator of a TensorFlow checkpoint is not kept"
code=0
"$program" import "$folder" --output kept-tensorflow 2>log || code=$?
[[ $code == 2 ]] && grep -q "is there already" log || fail "import over a folder: $code, $(cat log)"

# A second network that cannot be kept leaves no first.
mkdir half
cp -r kept-tensorflow/generator kept-tensorflow/discriminator half
truncate -s -4 half/discriminator/model.safetensors
refuse "half/discriminator/model.safetensors" import half --output kept-half
[[ ! -e kept-half ]] && ! ls -A | grep -q '^\.electra' || fail "the first of two networks is left: $(ls -A)"

for case in "3 --output recut" "2 --check"; do
    code=0
    "$program" import "$here/serve/golden/folders/bert-bare" --num-attention-heads 1 ${case#* } >out 2>log || code=$?
    [[ $code == "${case%% *}" ]] && grep -q "num.attention.heads" log && [[ ! -e recut ]] ||
        fail "import with other heads than config.json has: $code, $(cat log)"
done
"$program" import "$here/serve/golden/folders/bert-bare" --check >first
"$program" import kept-bert-bare --check | sed 's/^bert\.//' >second
diff first second || fail "the tensors are others once imported"

# Pre-training goes on from them: with both networks, or with a new generator; another vocabulary is refused.
for i in $(seq 60); do echo "w$((i % 25)) w$((i * 7 % 25)) w$((i * 3 % 25)) w$((i * 11 % 25))"; done >lines
"$program" prepare --vocab "$here/serve/golden/folders/bert-bare" --max-seq-length 16 --output shards lines >out 2>log || fail "prepare: $(cat log)"
begin() { # FOLDER SENTENCE
    "$program" pretrain --data shards --init-from "$here/serve/golden/folders/$1" --output "run-$1" --num-train-steps 2 \
        --train-batch-size 4 --threads 1 2>log || fail "pretrain from $1: $(cat log)"
    grep -qF "$2; rates and schedule begin anew" log || fail "\"$2\" is not said: $(cat log)"
}
begin tensorflow "all networks are those of the folder"
begin bert-masked-old-bin "the folder has no generator, which is new"
begin discriminator-old-bin "the folder has no generator, which is new"
cp -r "$here/serve/golden/folders/bert-bare" other
sed -i 's/^w7$/w77/' other/vocab.txt
refuse "w77" pretrain --data shards --init-from other --output run-other --num-train-steps 2
cp -r "$here/serve/golden/folders/bert-bare" wide
sed -i '$d' wide/vocab.txt
"$program" prepare --vocab wide --max-seq-length 16 --output narrow-shards lines >out 2>log || fail "prepare: $(cat log)"
refuse "a row for each piece and no other" pretrain --data narrow-shards --init-from wide --output run-wide --num-train-steps 2

# A BERT is fine-tuned: from its own pooler where there is one, and what comes of it is asked and fine-tuned again.
{
    echo text,label
    for i in $(seq 40); do echo "w$((i % 25)) w$((i * 7 % 25)),$((i % 2 ? 1 : 0))x"; done
} >pairs.csv
tune() { # MODEL OPTIONS...
    rm -rf tuned
    "$program" finetune --output tuned --max-seq-length 12 --num-train-epochs 1 --max-restarts 0 --threads 1 --precision fp32 \
        "$@" >out 2>log || fail "finetune $*: $(cat log)"
}
tune --model "$here/serve/golden/folders/bert-bare" --task classify --train-file pairs.csv --dev-file pairs.csv --learning-rate 1e-30
grep -q BertForSequenceClassification tuned/model/config.json || fail "a BERT became $(cat tuned/model/config.json)"
diff <("$program" import "$here/serve/golden/folders/bert-bare" --check | grep pooler) \
    <("$program" import tuned/model --check | sed 's/^bert\.//' | grep pooler) || fail "the pooler is not that of the folder"
"$program" predict --model tuned pairs.csv >answers 2>log || fail "predict of a BERT: $(cat log)"
[[ $(wc -l <answers) == 41 ]] || fail "$(wc -l <answers) answers"
mv tuned first-tuned
tune --init-from first-tuned --task classify --train-file pairs.csv --dev-file pairs.csv
grep -q "its head is left out, a new one is trained" log || fail "a head is left out in silence: $(cat log)"
for i in $(seq 30); do printf 'w%d O\nw%d B-X\n\n' $((i % 25)) $((i * 7 % 25)); done >tags.conll
tune --model "$here/serve/golden/folders/bert-masked-old-bin" --task ner --train-file tags.conll --dev-file tags.conll
grep -q BertForTokenClassification tuned/model/config.json || fail "a BERT became $(cat tuned/model/config.json)"
"$program" evaluate --model tuned tags.conll >out 2>log || fail "evaluate of a BERT: $(cat log)"
tune --model "$here/serve/golden/folders/tensorflow" --task classify --train-file pairs.csv --dev-file pairs.csv
grep -q ElectraForSequenceClassification tuned/model/config.json || fail "TensorFlow's became $(cat tuned/model/config.json)"
