# Objectives beside electra: each trains a little and its loss falls; killed after a checkpoint and run again it ends in the
# same bits; it is evaluated, fine-tuned, and asked only what it can answer.
electra=$(realpath "$1")
source "$(dirname "$(realpath "$0")")/run.bash"
make_data
pretrain() { "$electra" pretrain "${settings[@]}" --threads 2 --logging-steps 8 --eval-steps 16 --num-train-steps 32 \
    --save-checkpoints-steps 16 --learning-rate 3e-3 "$@"; }
loss() { sed -n '/"kind": "train"/s/.*"loss": \([-0-9.e]*\).*/\1/p' "$1/metrics.jsonl" | sed -n "$2p"; }
less() { awk "BEGIN { exit !($1 < $2) }"; }

# Labelled texts whose label stands in their first word.
{
    printf 'text\tlabel\n'
    grep -v '^$' train.txt | awk 'NR <= 160 { sub(/^the/, NR % 2 ? "the" : "old"); print $0 "\t" (NR % 2 ? "yes" : "no") }'
} > first.tsv

# try NAME ARGUMENTS: all that is true of every objective; the run is left in NAME.
try() {
    local name=$1
    shift
    pretrain --output $name "$@" 2> log || fail "$*: $(cat log)"
    less "$(loss $name \$)" "$(loss $name 1) * 0.95" || fail "$*: the loss goes from $(loss $name 1) to $(loss $name \$)"
    cp -r $name $name.killed
    rm -r $name.killed/checkpoint-32
    pretrain --output $name.killed "$@" 2> log || fail "$*, going on: $(cat log)"
    grep -q "going on after step 16" log || fail "$*: does not go on: $(cat log)"
    same $name $name.killed 32
    "$electra" evaluate --model $name --data heldout --max-batches 2 --json > $name.json 2> log || fail "$*, evaluate: $(cat log)"
    less "$(sed -n 's/.*"loss": \([-0-9.e]*\).*/\1/p' $name.json)" 100 || fail "$*: evaluate says $(cat $name.json)"
}

# learn NAME: a fine-tuning of the run sees the first word (test_taught.sh has every objective).
learn() {
    "$electra" finetune --model $1 --task classify --train-file first.tsv --max-seq-length 32 --num-train-epochs 20 --threads 2 \
        --learning-rate 1e-3 --max-restarts 0 --output $1.task > log.finetune 2>&1 || fail "finetune of $1: $(cat log.finetune)"
    accuracy=$(sed -n 's/^ *"accuracy": \([0-9.]*\).*/\1/p' $1.task/results.json | head -n 1)
    less 0.9 "$accuracy" || fail "fine-tuned $1 sees the first word with accuracy $accuracy"
    printf 'text\nthe cat sees\nold cat sees\n' > two.tsv
    "$electra" predict --model $1.task two.tsv > answers 2> log || fail "predict of $1: $(cat log)"
}

# What falls along the run goes on where it was.
try falling --mask-prob 0.4:0.1 --temperature 2:1 --temperature-decay 0.3 --generator-learning-rate 2e-3 --generator-max-grad-norm 0.5

try causal --objective causal
grep -q '"ElectraForCausalLM"' causal/generator/config.json || fail "a causal model is written as $(cat causal/generator/config.json)"
grep -q '"perplexity"' causal.json || fail "no perplexity: $(cat causal.json)"
learn causal
grep -q '"task_head": "sequence_last"' causal.task/model/config.json || fail "its head reads another row"
refused 3 "fills no" "$electra" fill --model causal "the [MASK]"
refused 3 "no discriminator" "$electra" detect --model causal "the cat"
refused 2 "one direction" "$electra" export --model causal --format onnx --output causal.onnx
"$electra" embed --model causal --json - <<< "the cat" > out 2> log || fail "embed: $(cat log)"
refused 2 "masks nothing" pretrain --objective causal --mask-prob 0.2 --output new
refused 2 "no generator" pretrain --objective causal --embeddings shared --output new

try bidirectional --objective bidirectional
for network in generator backward; do
    grep -q '"ElectraForCausalLM"' bidirectional/$network/config.json || fail "$network: $(cat bidirectional/$network/config.json)"
done
learn bidirectional
grep -q "reads both directions" log.finetune || fail "nothing is said of the two halves: $(cat log.finetune)"
"$electra" embed --model bidirectional --json - <<< "the cat" > out 2> log || fail "embed: $(cat log)"
grep -q "the one that reads forwards is taken" log || fail "nothing is said of the half that is left: $(cat log)"
grep -q '"reads_backwards": true' bidirectional/backward/config.json || fail "nothing says that it reads backwards"

try shared --num-hidden-groups 1 --objective mlm
pretrain --num-train-steps 1 --num-hidden-groups 1 --output said 2> log || fail "shared layers: $(cat log)"
grep -q "no neighbour heads" log || fail "nothing is said of the preset's neighbour heads: $(cat log)"
grep -q '"AlbertForMaskedLM"' shared/generator/config.json || fail "shared layers: $(cat shared/generator/config.json)"
"$electra" fill --model shared --json "the [MASK] cat" > out 2> log || fail "fill: $(cat log)"
try shared-electra --num-hidden-groups 1 --embeddings shared
grep -q architectures shared-electra/discriminator/config.json && fail "a class is named that there is not"
"$electra" detect --model shared-electra --json "the cat" > out 2> log || fail "detect: $(cat log)"
refused 2 "layers are shared" pretrain --num-hidden-groups 1 --neighbour-heads --output new
refused 2 "there are 2 layers" pretrain --num-hidden-groups 3 --output new
pretrain --num-train-steps 2 --num-hidden-groups 2 --output all 2> log || fail "a group a layer: $(cat log)"
pretrain --num-train-steps 2 --output none 2> log || fail "no groups: $(cat log)"
cmp -s all/discriminator/model.safetensors none/discriminator/model.safetensors || fail "a group a layer is another network"
# Layers stay as they were trained; where nothing is given they are the folder's.
begin() { "$electra" pretrain "${settings[@]}" --threads 2 --num-train-steps 1 --learning-rate 0 --objective mlm "$@"; }
begin --output apart 2> log || fail "mlm: $(cat log)"
for from in apart apart/generator apart/checkpoint-1; do
    refused 2 "num-hidden-groups: $from has 2 different layers of 2" begin --init-from $from --num-hidden-groups 1 --output new
    begin --init-from $from --num-hidden-groups 2 --output again 2> log || fail "as many groups as layers, from $from: $(cat log)"
    cmp -s apart/generator/model.safetensors again/generator/model.safetensors || fail "from $from other layers are taken"
    rm -r again
done
begin --init-from apart --num-hidden-layers 1 --output again 2> log || fail "fewer layers: $(cat log)"
grep -q "holds more layers than the 1 that are wanted" log || fail "layers are left out in silence: $(cat log)"
rm -r again
begin --init-from apart --recipe albert --sentence-task none --output again 2> log || fail "a recipe of shared layers: $(cat log)"
grep -q "apart has 2 different layers of 2, and keeps them beside --recipe albert" log || fail "the recipe's layers are left in silence: $(cat log)"
rm -r again apart
for groups in 0 2; do
    refused 2 "num-hidden-groups: shared has 1 different layers of 2" begin --init-from shared --num-hidden-groups $groups --output new
done
begin --init-from shared/checkpoint-32 --output again 2> log || fail "from shared layers: $(cat log)"
cmp -s shared/generator/model.safetensors again/generator/model.safetensors || fail "shared layers begin as others"
rm -r again

try all-tokens --objective all-tokens-mlm
grep -q '"copy_gate": true' all-tokens/discriminator/config.json || fail "nothing is said of the gate"
grep -q '"ElectraForMaskedLM"' all-tokens/discriminator/config.json || fail "all tokens: $(cat all-tokens/discriminator/config.json)"
grep -q fill-mask all-tokens/discriminator/README.md && fail "what never saw a [MASK] is to fill it"
grep -q 'pipeline_tag: fill-mask' all-tokens/generator/README.md || fail "the generator's card: $(cat all-tokens/generator/README.md)"
"$electra" export --model all-tokens --output gated.onnx 2> log && grep -q "without the gate" log || fail "nothing is said of the gate: $(cat log)"
grep -q '"gate_accuracy"' all-tokens.json || fail "no gate: $(cat all-tokens.json)"
refused 2 "gdes has none" pretrain --objective all-tokens-mlm --embeddings gdes --output new

try permutation --objective permutation
grep -q '"task_head": "permutation_lm"' permutation/generator/config.json || fail "permutation: $(cat permutation/generator/config.json)"
grep -q '"ElectraModel"' permutation/generator/config.json || fail "a class that would misread it is named"
refused 3 "fills no" "$electra" fill --model permutation "the [MASK]"
"$electra" export --model permutation --format onnx --output permutation.onnx > log 2>&1 || fail "export: $(cat log)"
grep -q "encoder alone" log || fail "nothing is said of its head: $(cat log)"
refused 2 "masks nothing" pretrain --objective permutation --mask-shares 1,0,0 --output new

try albert --recipe albert
grep -q '"AlbertForPreTraining"' albert/generator/config.json || fail "albert: $(cat albert/generator/config.json)"
for setting in '"num_hidden_groups": 1' '"sentence_task": "sop"' '"mask_unit": "ngram"' '"objective": "mlm"'; do
    grep -q "$setting" albert/run.json || fail "albert is not $setting"
done
grep -q '"sentence_accuracy"' albert.json || fail "nothing of sentences: $(cat albert.json)"
learn albert
grep -q '"AlbertForSequenceClassification"' albert.task/model/config.json || fail "fine-tuned: $(cat albert.task/model/config.json)"
try next --objective mlm --sentence-task nsp
grep -q '"BertForPreTraining"' next/generator/config.json || fail "nsp: $(cat next/generator/config.json)"
"$electra" fill --model next --json "the [MASK] cat" > out 2> log || fail "fill: $(cat log)"
pretrain --objective mlm --sentence-task sop --embedding-size 32 --num-train-steps 1 --output apart 2> log || fail "sop: $(cat log)"
grep -q '"num_hidden_groups": 2' apart/generator/config.json || fail "apart: $(cat apart/generator/config.json)"
"$electra" export --model apart --format onnx --output apart.onnx 2> log || fail "an ALBERT of different layers as a graph: $(cat log)"
refused 2 "shares layers" "$electra" export --model albert --format onnx --output albert.onnx
refused 2 "neither shared layers" "$electra" export --model albert --format gguf --output albert.gguf
refused 2 "projects from 32 to 64" "$electra" export --model apart --format gguf --output apart.gguf
for model in apart albert; do # whose names are an ALBERT's own; before them stands nothing
    "$electra" embed --model $model --json - <<< "the cat" > out 2> log || fail "embed: $(cat log)"
    ! grep -q "names begin with" log || fail "a model's own names are a wrapper's: $(cat log)"
done
cp -r albert/generator wrapped
sed -i 's/"albert\./"module./g' wrapped/model.safetensors
"$electra" embed --model wrapped --json - <<< "the cat" > wrapped.json 2> log && cmp -s wrapped.json out || fail "names of a wrapper: $(cat log wrapped.json)"
grep -q "names begin with module." log || fail "nothing is said of a wrapper's names: $(cat log)"
pretrain --objective mlm --sentence-task sop --init-from albert --num-train-steps 1 --output from 2> log || fail "from albert: $(cat log)"
refused 2 "beside --objective mlm" pretrain --sentence-task sop --output new
refused 2 "train-batch-size is 1" pretrain --objective mlm --sentence-task nsp --train-batch-size 1 --output new
refused 2 "albert is --objective mlm" pretrain --objective causal --recipe albert --output new
"$electra" prepare --vocab vocab.txt --max-seq-length 48 --packing full --output full heldout.txt > log 2>&1 || fail "prepare: $(cat log)"
refused 2 "no example of two segments" pretrain --objective mlm --sentence-task sop --data full --output new

try xlnet --objective xlnet
grep -q '"XLNetLMHeadModel"' xlnet/generator/config.json || fail "xlnet: $(cat xlnet/generator/config.json)"
pretrain --num-train-steps 1 --objective xlnet --output distances 2> log || fail "xlnet: $(cat log)"
grep -q "no table of positions" log || fail "nothing is said of the preset's positions: $(cat log)"
learn xlnet
grep -q '"XLNetForSequenceClassification"' xlnet.task/model/config.json || fail "fine-tuned: $(cat xlnet.task/model/config.json)"
"$electra" embed --model xlnet --json - <<< "the cat" > out 2> log || fail "embed: $(cat log)"
"$electra" score --model xlnet "the cat" > out 2> log || fail "score: $(cat log)"
"$electra" pretrain "${settings[@]}" --objective xlnet --init-from xlnet --num-train-steps 1 --learning-rate 0 --output again \
    2> log || fail "--init-from: $(cat log)"
cmp -s xlnet/generator/model.safetensors again/generator/model.safetensors || fail "--init-from takes other weights"
refused 3 "fills no" "$electra" fill --model xlnet "the [MASK]"
refused 2 "by distances" "$electra" export --model xlnet --format onnx --output xlnet.onnx
refused 2 "nor distances" "$electra" export --model xlnet --format gguf --output xlnet.gguf
refused 2 "embeddings as wide as its layers, no table of positions" pretrain --objective xlnet --neighbour-heads --output new
refused 2 "no shared layers" pretrain --objective xlnet --num-hidden-groups 1 --output new
