# Fine-tuning begins from every objective's folder: its loss falls, the folder says which head reads what, and the answer depends
# on the first word and on the last one, which it would not where the row that is read is one that its objective did not train.
# A copy of the folder, by import, is the folder: the same config.json, the same tensors.
electra=$(realpath "$1")
source "$(dirname "$(realpath "$0")")/run.bash"
make_data
{
    printf 'text\tlabel\n'
    grep -v '^$' train.txt | awk 'NR <= 64 { sub(/^the/, NR % 2 ? "the" : "old"); print $0 "\t" (NR % 2 ? "yes" : "no") }'
} > taught.tsv
printf 'text\nthe cat sees a bird .\nold cat sees a bird .\nthe cat sees a bird tree\n' > asked.tsv
small=(--data shards --model-size tiny --hidden-size 32 --embedding-size 32 --intermediate-size 64 --train-batch-size 4
    --num-train-steps 4 --threads 1 --precision fp32)
"$electra" pretrain "${small[@]}" --objective mlm --output mlm 2> log || fail "mlm: $(cat log)"

# copied FOLDER: an adversarial generator's baseline is of use to its training alone.
copied() {
    rm -rf copy
    "$electra" import $1 --output copy 2> log || fail "import $1: $(cat log)"
    cmp -s $1/config.json copy/config.json || fail "$1: a copy's config.json is another: $(diff $1/config.json copy/config.json)"
    "$electra" import $1 --check 2> log | grep -v '^baseline' > tensors
    "$electra" import copy --check 2> log | cmp -s - tensors || fail "a copy of $1 has other tensors: $("$electra" import copy --check 2>&1 | diff tensors -)"
}

# Each: a name, what its config.json says of the head, and how it is pre-trained.
tried=0
while read -r name said flags; do
    [ -d $name ] || "$electra" pretrain "${small[@]}" $flags --output $name 2> log || fail "$name: $(cat log)"
    for network in generator discriminator backward; do [ ! -d $name/$network ] || copied $name/$network; done
    "$electra" finetune --model $name --task classify --train-file taught.tsv --max-seq-length 24 --num-train-epochs 6 --threads 1 \
        --precision fp32 --train-batch-size 8 --learning-rate 2e-3 --dropout 0 --logging-steps 1 --max-restarts 0 --output $name.task \
        > log 2>&1 || fail "finetune of $name: $(cat log)"
    grep -qE "\"(architectures|task_head)\": ?\"?$said|^ *\"$said\"" $name.task/model/config.json || fail "$name: no $said: $(cat $name.task/model/config.json)"
    sed -n '/"kind": "train"/s/.*"loss": \([-0-9.e]*\).*/\1/p' $name.task/trial-1/metrics.jsonl > losses
    awk '{ l[NR] = $1 } END { n = int(NR / 4); for (i = 1; i <= n; i++) { a += l[i]; b += l[NR + 1 - i] } exit !(n && b < 0.98 * a) }' losses ||
        fail "$name: the loss goes $(tr '\n' ' ' < losses)"
    "$electra" predict --model $name.task --json --threads 1 asked.tsv > answers 2> log || fail "predict of $name: $(cat log)"
    sed -E 's/"id": [0-9]+, //' answers | sort -u > different
    [ "$(wc -l < different)" = 3 ] || fail "$name: a word does not matter: $(cat answers)"
    tried=$((tried + 1))
done << 'END'
electra ElectraForSequenceClassification
electra-15 ElectraForSequenceClassification --objective electra-15
mlm ElectraForSequenceClassification
nsp BertForSequenceClassification --objective mlm --sentence-task nsp
albert AlbertForSequenceClassification --recipe albert
replace ElectraForSequenceClassification --objective replace-mlm
all-tokens ElectraForSequenceClassification --objective all-tokens-mlm
two-stage ElectraForSequenceClassification --objective two-stage
adversarial ElectraForSequenceClassification --objective adversarial
electric ElectraForSequenceClassification --objective electric
two-tower ElectraForSequenceClassification --generator two-tower
frozen ElectraForSequenceClassification --generator-from mlm
causal sequence_last --objective causal
shared-causal pooled_last --objective causal --num-hidden-groups 1
bidirectional sequence --objective bidirectional
permutation ElectraForSequenceClassification --objective permutation
xlnet XLNetForSequenceClassification --objective xlnet
shared AlbertForSequenceClassification --num-hidden-groups 1
END
[ $tried = 18 ] || fail "$tried objectives were tried"

# Both halves are there, and neither is taken for the whole.
grep -q '"both_directions": true' bidirectional.task/model/config.json || fail "nothing says that there are two networks"
grep -q '"reads_backwards": true' bidirectional.task/model/backward/config.json || fail "there is no second network"
refused 2 "two networks" "$electra" import bidirectional.task/model --output elsewhere
refused 2 "one direction" "$electra" export --model bidirectional.task --format onnx --output both.onnx
"$electra" finetune --model bidirectional.task --task classify --train-file taught.tsv --max-seq-length 24 --num-train-epochs 1 --threads 1 \
    --precision fp32 --max-restarts 0 --output again > log 2>&1 || fail "fine-tuned once more: $(cat log)"
grep -q '"both_directions": true' again/model/config.json || fail "the second network is left behind"
mv bidirectional.task/model/backward elsewhere
refused 3 "backward" "$electra" predict --model bidirectional.task asked.tsv
