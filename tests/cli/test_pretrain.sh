# pretrain, evaluate and info: every switch trains and resumes, bad input and a full disk get one sentence and the right
# exit code, and earlier results stay as they are.
electra=$(realpath "$1")
source "$(dirname "$(realpath "$0")")/run.bash"
make_data
pretrain() { "$electra" pretrain "${settings[@]}" --threads 2 "$@"; }

# ---- every switch: four steps, then four more from the checkpoint, then evaluate ----
try() {
    rm -rf switch
    pretrain --output switch --num-train-steps 4 --schedule-steps 8 "$@" 2> log || fail "$*: $(cat log)"
    pretrain --output switch --num-train-steps 8 --schedule-steps 8 "$@" 2> log || fail "$*, going on: $(cat log)"
    "$electra" evaluate --model switch --data heldout --max-batches 1 --json > out 2> log || fail "$*, evaluate: $(cat log)"
    grep -q '"loss"' out || fail "$*: no loss in $(cat out)"
}
"$electra" prepare --vocab vocab.txt --max-seq-length 48 --packing full --output full-shards train.txt > log 2>&1 || fail "prepare: $(cat log)"

# opens FOLDER CLASS: what transformers is to open it as; none where CLASS is empty, and then the head is named.
opens() {
    if [ -n "$2" ]; then
        grep -A1 '"architectures"' switch/$1/config.json | grep -q "\"$2\"" || fail "switch/$1 is no $2: $(cat switch/$1/config.json)"
    else
        ! grep -q '"architectures"' switch/$1/config.json && grep -q '"task_head"' switch/$1/config.json ||
            fail "switch/$1 names a class that would misread it: $(cat switch/$1/config.json)"
    fi
}
for embeddings in shared separate gdes all; do try --embeddings $embeddings; done
try --no-electra-objective
[ ! -e switch/discriminator ] || fail "a plain masked language model has a discriminator"
for objective in mlm electra-15 adversarial replace-mlm; do
    try --objective $objective
    grep -q "\"objective\": \"$objective\"" switch/run.json || fail "run.json does not name $objective"
    [ -e switch/discriminator ] || [ $objective = mlm ] || fail "$objective has no discriminator"
    opens generator ElectraForMaskedLM
    case $objective in electra-15 | adversarial) opens discriminator ElectraForPreTraining ;; esac
done
grep -q '"ElectraForMaskedLM"' switch/discriminator/config.json || fail "replace-mlm's network is exported as $(cat switch/discriminator/config.json)"
pretrain --output said --objective replace-mlm --num-train-steps 1 2> log || fail "replace-mlm: $(cat log)"
grep -q "shared, not gdes; both losses weigh 1" log || fail "nothing is said of the preset's gdes: $(cat log)"
refused 2 "" pretrain --output refused --objective replace-mlm --hidden-size 30 --num-attention-heads 4
[ "$(wc -l < log)" = 1 ] || fail "a run that is refused says more than why: $(cat log)"
try --objective two-stage
[ "$(grep -c '"stage": 1' switch/metrics.jsonl) $(grep -c '"stage": 2' switch/metrics.jsonl)" = "1 2" ] ||
    fail "the stages of a run of eight steps are $(grep -o '"stage": .' switch/metrics.jsonl)"
opens generator ElectraForMaskedLM
opens discriminator ElectraForPreTraining
rm -r said
pretrain --output said --objective two-stage --num-train-steps 2 2> log || fail "two-stage: $(cat log)"
grep -q "as large as the discriminator, and separate tables" log || fail "nothing is said of the preset's generator: $(cat log)"
pretrain --output teacher --objective mlm --hidden-size 32 --num-train-steps 3 2> log || fail "teacher: $(cat log)"
try --hparams '{"electra_objective": false, "electric_objective": true}' --mask-unit word
grep -q '"electra_objective": "electric"' switch/discriminator/config.json || fail "energies are not marked: $(cat switch/discriminator/config.json)"
grep -q '"energy"' switch/metrics.jsonl && grep -q '"task_head": "cloze"' switch/generator/config.json && [ -e switch/backward ] ||
    fail "electric leaves $(ls switch)"
"$electra" export --model switch --format safetensors --output kept 2> log || fail "electric as a folder: $(cat log)"
grep -q '"electra_objective": "electric"' kept/config.json || fail "a copy's energies are not marked: $(cat kept/config.json)"
refused 3 "energies, no probabilities" "$electra" detect --model kept "the cat"
"$electra" export --model switch --output switch.onnx 2> log && grep -q "energies, no log-odds" log || fail "electric as a graph: $(cat log)"
pretrain --output begun --init-from kept --num-train-steps 1 2> log && grep -q "no discriminator head that says log-odds; a new one" log ||
    fail "electra begins with energies: $(cat log)"
refused 2 "discriminator says energies, and here it says log-odds" pretrain --output reused --generator two-tower --init-from switch/checkpoint-8
pretrain --output begun --overwrite --objective mlm --init-from kept --num-train-steps 1 2> log && grep -q "no generator head; a new one" log ||
    fail "mlm begins with what says energies: $(cat log)"
pretrain --output begun --overwrite --generator two-tower --init-from kept --num-train-steps 1 2> log && grep -q "no generator and no backward, which are new" log ||
    fail "two towers begin beside a discriminator: $(cat log)"
opens discriminator ElectraForPreTraining
opens generator ""
grep -q '"reads_backwards": true' switch/backward/config.json || fail "nothing says that a tower reads backwards"
refused 3 "energies" "$electra" detect --model switch "the cat"
"$electra" score --model switch --json "the cat" > out 2> log && grep -q '"score":' out || fail "electric scores: $(cat log)"
try --hparams '{"two_tower_generator": true}' --temperature 0.8
opens discriminator ElectraForPreTraining
opens generator ""
try --generator-from teacher --temperature 2:1 --temperature-decay 0.1
cmp switch/generator/model.safetensors teacher/generator/model.safetensors || fail "a frozen generator is not what it was"
rm -r teacher
pretrain --output switch --num-train-steps 9 --schedule-steps 8 2> log || fail "going on without the folder of the generator: $(cat log)"
pretrain --output full --recipe roberta --num-train-steps 2 --train-batch-size 8 --data full-shards 2> log || fail "roberta: $(cat log)"
grep -q '"adam_beta2": 0.98' full/run.json && grep -q '"max_grad_norm": 0.0' full/run.json && grep -q '"bias_correction": true' full/run.json ||
    fail "roberta's recipe is $(cat full/run.json)"
try --hparams '{"uniform_generator": true, "generator_hidden_size": 0.25, "temperature": 1.0}'
[ ! -e switch/generator ] || fail "uniform replacements have a generator"
try --sampler unigram --disallow-correct
[ -e switch/unigram.safetensors ] && [ ! -e switch/generator ] || fail "a unigram sampler leaves $(ls switch)"
! grep -q generator_accuracy switch/metrics.jsonl || fail "no network was asked, and has an accuracy"
try --hparams '{"electra_objective": false, "disc_weight": 50.0, "uniform_generator": true, "temperature": 1.0}'
grep -q '"sampler": "network"' switch/run.json || fail "a masked language model keeps the file's sampler: $(grep sampler switch/run.json)"
try --mask-prob 0.3:0.15 --temperature 2:1 --temperature-decay 0.1 --mask-unit ngram --generator-learning-rate 1e-3 --generator-max-grad-norm 0.5
grep -q '"mask_prob": "0.3:0.15"' switch/run.json || fail "run.json says $(grep mask_prob switch/run.json) of a mask_prob that falls"
try --duplicate-slots --disallow-correct --temperature 0.7 --gen-weight 2 --disc-weight 10
try --generator-hidden-size 0.5 --generator-layers 0.5 --initialisation paper --no-sine-positions --no-neighbour-heads
try --bias-correction --lr-decay-power 0 --weight-decay-rate 0 --max-grad-norm 0 --adam-beta1 0.8 --adam-epsilon 1e-8
try --precision bf16 --micro-batch-tokens 50 --embeddings shared
case $("$electra" info --devices 2> log) in *neon*) lowest=neon ;; *) lowest=baseline ;; esac
try --precision fp32 --instruction-set $lowest
try --hparams '{"electra_objective": true, "untied_generator": false, "max_seq_length": 48, "do_lower_case": true, "num_eval_steps": 3}'
grep -q '"embeddings": "all"' switch/run.json || fail "untied_generator off does not share everything"
# A dry run needs no folder, writes nothing, and its numbers agree: tokens of all steps, time and rate.
"$electra" pretrain --data shards --output dry --model-size small --train-batch-size 2 --dry-run > out 2> log ||
    fail "--dry-run: $(cat log)"
[ ! -e dry ] || fail "--dry-run wrote $(ls dry)"
"$electra" pretrain --data shards --model-size tiny --train-batch-size 16 --num-train-steps 1e6 --dry-run > out 2> log ||
    fail "--dry-run: $(cat log)"
awk '/^parameters/ { p = $2 } /^operations per token/ { f = $4 } /^operations in all/ { all = $4 } /^tokens in all/ { t = $4 }
    /^memory/ { m = $2; saving = $4 } /^tokens per second/ { rate = $4 } /^expected time/ { days = $3 + $5 / 24; d = $4 }
    END { exit !(p > 1e5 && all / (f * t) > 0.99 && all / (f * t) < 1.01 && t > 4e8 && t <= 16 * 48 * 1e6 && m > 10 && m < 1000 &&
        saving == m && (d != "d" || (days > t / rate / 86400 * 0.95 - 0.1 && days < t / rate / 86400 * 1.05 + 0.1))) }' \
    out || fail "--dry-run says $(cat out)"
# foretold SHARDS: the memory that it says, and the shards, are the most that a run takes, checkpoints and models among them,
# within 5 %.
dry() {
    "$electra" pretrain --data "$1" --model-size tiny --train-batch-size 16 --num-train-steps 30 --dry-run > out 2> log ||
        fail "--dry-run of $1: $(cat log)"
}
foretold() {
    dry "$1"
    "$electra" pretrain --data "$1" --output most --model-size tiny --train-batch-size 16 --num-train-steps 30 > log 2>&1 &
    while now=$(awk '/VmHWM/ { print 1.024e-3 * $2 }' /proc/$!/status 2> /dev/null) && [ -n "$now" ]; do most=$now; sleep 0.02; done
    wait $! || fail "a run to compare with: $(cat log)"
    rm -r most
    awk -v most="$most" '/^memory/ { said = $2 } /^mapped shards/ { said += $3 }
        END { exit !(said > 0.95 * most && said < 1.05 * most) }' out ||
        fail "--dry-run of $1 says $(grep -e ^memory -e ^mapped out); a run takes $most MB"
}
foretold shards
{ head -5 vocab.txt; seq -f "[unused%g]" 30000; tail -n +6 vocab.txt; } > large.txt
"$electra" prepare --vocab large.txt --max-seq-length 48 --output large train.txt > log 2>&1 || fail "prepare: $(cat log)"
foretold large # a copy of its table would be more than that
# Shards are no part of the memory that a run needs.
own=$(awk '/^memory/ { print $2 }' out)
for _ in $(seq 100); do cat train.txt; done | "$electra" prepare --vocab large.txt --max-seq-length 48 --packing full --output large --overwrite - \
    > log 2>&1 || fail "prepare: $(cat log)"
dry large
awk -v own="$own" '/^memory/ { said = $2 } /^mapped shards/ { mapped = $3 } END { exit !(mapped > 9 && said < own + 6) }' out ||
    fail "with larger shards --dry-run says $(grep -e ^memory -e ^mapped out), not $own MB"
rm -r large

# ---- a budget in place of steps: what is spent comes near it, a larger one goes on, and steps may follow ----
# spent RUN: the products of the last line of metrics.jsonl and of run.json, and its steps.
spent() { awk -F'[:,]' '/"kind": "train"/ { step = $4; for (i = 1; i < NF; i++) if ($i ~ /"flops"/) last = $(i + 1) }
    FILENAME ~ /run.json/ && /"products"/ { all = $2 } END { print last, all, step }' "$1/metrics.jsonl" "$1/run.json"; }
for budget in 2e9 4e9; do
    pretrain --output budget --flops-budget $budget --dropout 0 2> log || fail "--flops-budget $budget: $(cat log)"
    read -r last all step <<< "$(spent budget)"
    grep -q "FLOPs are $((step)) steps" log || fail "$((step)) steps are not said: $(cat log)"
    awk -v b=$budget -v l="$last" -v a="$all" 'BEGIN { exit !(l == a && l > 0.9 * b && l < 1.1 * b) }' ||
        fail "of $budget were spent $last and $all"
done
grep -q '"flops_budget": 4000000000.0' budget/run.json || fail "the budget is not recorded"
grep -q '"flops_paper": [1-9]' budget/metrics.jsonl || fail "the paper's count is not there"
pretrain --output budget --num-train-steps $((step + 3)) --dropout 0 2> log || fail "steps after a budget: $(cat log)"
grep -q '"flops_budget": 0.0' budget/run.json || fail "the budget outlives its steps"
pretrain --output other-objective --objective replace-mlm --num-train-steps 1 2> log || fail "replace-mlm: $(cat log)"
refused 2 "discriminator predicts tokens, and here it says log-odds" pretrain --output new --init-from other-objective/checkpoint-1
! grep -q flops_paper other-objective/metrics.jsonl || fail "replace-mlm has a count that the paper's code lacks"
refused 2 "num-train-steps" pretrain --output budget --flops-budget 8e9 --num-train-steps 40
refused 2 "flops-budget: 1000 is less than half a step, which costs " pretrain --output new --flops-budget 1e3
[ ! -e new ] || fail "a budget that is refused leaves $(ls new)"
refused 2 "flops-budget: 1e+09 is .* steps, fewer than the run's [0-9]*, which changes" pretrain --output budget --flops-budget 1e9 --dropout 0
refused 2 "num-train-steps: the run has" pretrain --output budget --num-train-steps 1 --dropout 0
# What a step costs on the average is that of a whole schedule.
changing() { "$electra" pretrain --data shards --threads 1 --model-size tiny --hidden-size 16 --train-batch-size 4 --output whole "$@"; }
for flags in "--objective two-stage" "--mask-prob 0.3:0.15"; do
    refused 2 "flops-budget: .* steps of a mean cost" changing $flags --flops-budget 2e8 --schedule-steps 1000
    for i in 1 2; do changing $flags --flops-budget 2e8 2> log || fail "$flags --flops-budget, start $i: $(cat log)"; done
    refused 2 "flops-budget: .* steps of a mean cost" changing $flags --flops-budget 4e8
    steps=$(grep -o '"num_train_steps": [0-9]*' whole/run.json | cut -d' ' -f2)
    rm -r whole
    # A run that an earlier version began so goes on with its own command.
    changing $flags --num-train-steps $steps --schedule-steps 1000 2> log || fail "$flags: $(cat log)"
    sed -i 's/"flops_budget": 0.0/"flops_budget": 200000000.0/' whole/run.json
    changing $flags --flops-budget 2e8 --schedule-steps 1000 2> log || fail "$flags: its own command: $(cat log)"
    refused 2 "flops-budget: .* steps of a mean cost" changing $flags --flops-budget 4e8
    rm -r whole
done
for flags in "--sampler uniform" "--sampler unigram" "--generator two-tower" "--objective electric"; do
    changing $flags --mask-prob 0.3:0.15 --flops-budget 2e8 --schedule-steps 1000 --dry-run > out 2> log ||
        fail "$flags costs the same whatever is masked: $(cat log)"
done

# ---- held-out shards of longer examples: the figures of evaluate, the weights of a run without them, and positions for them ----
alone() { "$electra" pretrain --data shards --threads 1 --model-size tiny --hidden-size 16 --num-train-steps 2 --output new "$@"; }
"$electra" prepare --vocab vocab.txt --max-seq-length 96 --output longer heldout.txt > log 2>&1 || fail "prepare: $(cat log)"
# loss_of: what "loss" is in the last line that has it.
loss_of() { grep -o '"loss": [^,}]*' | tail -1 | cut -d' ' -f2; }
for objective in electra two-stage electric adversarial all-tokens-mlm "mlm --sentence-task sop" permutation causal; do
    long=(--objective $objective --train-batch-size 8 --micro-batch-tokens 48)
    alone "${long[@]}" --output held --overwrite --eval-data longer --eval-batches 1 2> log || fail "$objective, longer held-out shards: $(cat log)"
    alone "${long[@]}" --output held-none --overwrite 2> log || fail "$objective: $(cat log)"
    cmp -s held/checkpoint-2/model.safetensors held-none/checkpoint-2/model.safetensors || fail "$objective: what is held out changes what is learned"
    mine=$(grep '"kind": "evaluation"' held/metrics.jsonl | loss_of)
    "$electra" evaluate --model held --data longer --max-batches 1 --json > out 2> log || fail "evaluate: $(cat log)"
    awk -v a="$mine" -v b="$(loss_of < out)" 'BEGIN { d = a - b; exit !(a > 0 && d * d < 1e-9 * a * a) }' ||
        fail "$objective: the loss of longer held-out shards is $mine, and evaluate's $(loss_of < out)"
done
few="max-position-embeddings: 64, but held-out examples in longer have up to 96 tokens"
for dry in "" --dry-run; do refused 2 "$few" alone --eval-data longer --max-position-embeddings 64 --output held-new $dry; done
refused 2 "max-position-embeddings: 40, but examples in shards have up to 48" alone --max-position-embeddings 40 --output held-new
[ ! -e held-new ] || fail "a run that is refused leaves $(ls held-new)"
alone --max-position-embeddings 64 --output narrow 2> log || fail "64 positions: $(cat log)"
refused 2 "$few" alone --output narrow --num-train-steps 3 --eval-data longer

# ---- other shards by --allow-change: said, in run.json, and what came before keeps its cost ----
# last_of RUN KEY, number_of FILE KEY: a number of the last line of training, and the last one in a file.
last_of() { grep '"kind": "train"' "$1/metrics.jsonl" | tail -1 | grep -o "\"$2\": [^,}]*" | cut -d' ' -f2; }
number_of() { grep -o "\"$2\": [^,}]*" "$1" | tail -1 | cut -d' ' -f2; }
alone --output moved --logging-steps 1 2> log || fail "moved: $(cat log)"
cost=$(number_of moved/run.json flops_per_token) tokens=$(last_of moved tokens)
alone --output moved --logging-steps 1 --num-train-steps 3 --data heldout 2> log && fail "other shards without --allow-change"
alone --output moved --logging-steps 1 --num-train-steps 3 --data heldout --allow-change --mask-prob 0.3 2> log || fail "other shards: $(cat log)"
[ "$(grep -c "moved: other shards from here on" log)" = 1 ] || fail "nothing is said of other shards: $(cat log)"
grep -A20 '"changes"' moved/run.json | grep -q '"data_hash"' || fail "run.json has no other shards among the changes: $(cat moved/run.json)"
alone --output moved --logging-steps 1 --num-train-steps 4 --data heldout 2> log && ! grep -q "from here on" log || fail "going on with them: $(cat log)"
awk -v c="$cost" -v t="$tokens" -v now="$(number_of moved/run.json flops_per_token)" -v all="$(last_of moved tokens)" -v said="$(last_of moved flops)" \
    'BEGIN { d = (c * t + now * (all - t)) / said - 1; exit !(c != now && d * d < 1e-16) }' ||
    fail "of $tokens tokens at $cost and then $(last_of moved tokens) in all at $(number_of moved/run.json flops_per_token), $(last_of moved flops) are counted"
grep -A1 '"flops": {' moved/run.json | grep -q "$(last_of moved flops)" || fail "run.json says $(grep -A1 '"flops": {' moved/run.json), the last line $(last_of moved flops)"
# An older checkpoint than that of a change has the tokens of before it alone.
# fallen N ...: goes on to step N.  counted WHAT COST TOKENS...: its FLOPs are these tokens at these costs, and the rest at that of now.
fallen() { alone --output fallen --logging-steps 1 --save-checkpoints-steps 1 --keep-checkpoint-max 0 --num-train-steps "$@" 2> log || fail "fallen: $(cat log)"; }
counted() {
    local what=$1
    shift
    echo "$@" | awk -v now="$(number_of fallen/run.json flops_per_token)" -v all="$(last_of fallen tokens)" -v said="$(last_of fallen flops)" \
        '{ for (i = 1; i < NF; i += 2) { sum += $i * ($(i + 1) - before); before = $(i + 1) } d = (sum + now * (all - before)) / said - 1; exit !(said > 0 && d * d < 1e-16) }' ||
        fail "$what: of costs and tokens $*, $(last_of fallen flops) are counted: $(cat fallen/run.json)"
}
fallen 1
first=$(last_of fallen tokens) a=$(number_of fallen/run.json flops_per_token)
fallen 2
second=$(last_of fallen tokens)
fallen 3 --data heldout --mask-prob 0.3 --allow-change
third=$(last_of fallen tokens) b=$(number_of fallen/run.json flops_per_token)
fallen 4 --data heldout
fallen 5 --data heldout --mask-prob 0.5 --allow-change
[ "$a" != "$b" ] && [ "$b" != "$(number_of fallen/run.json flops_per_token)" ] || fail "three shares of masks have costs $a, $b and $(number_of fallen/run.json flops_per_token)"
rm -r fallen/checkpoint-[45]
fallen 6 --data heldout
counted "between two changes" "$a" "$second" "$b" "$third"
rm -r fallen/checkpoint-[23456]
fallen 7 --data heldout
counted "before both changes" "$a" "$first"
fallen 8 --data heldout
counted "behind a checkpoint that was before both" "$a" "$first"
sed 's/^dog$/dog_/' vocab.txt > renamed.txt
"$electra" prepare --vocab renamed.txt --max-seq-length 48 --output renamed train.txt > log 2>&1 || fail "prepare: $(cat log)"
alone --output moved --num-train-steps 5 --data renamed --allow-change 2> log && grep -q "another vocabulary from here on" log || fail "another vocabulary: $(cat log)"
grep -A20 '"changes"' moved/run.json | grep -q '"vocabulary_hash"' || fail "run.json has no other vocabulary among the changes: $(cat moved/run.json)"

# ---- beginning with a model: a run, its discriminator alone, a checkpoint with and without moments ----
settings+=(--embeddings shared) # so that loading and saving rounds nothing
pretrain --output first --num-train-steps 10 2> log || fail "first: $(cat log)"
"$electra" evaluate --model first --data heldout --json > first.json 2> log
for from in first first/discriminator first/checkpoint-10; do
    pretrain --output "from" --init-from $from --num-train-steps 2 --learning-rate 0 2> log || fail "--init-from $from: $(cat log)"
    cmp -s first/discriminator/model.safetensors from/discriminator/model.safetensors || fail "--init-from $from changes weights"
    rm -r "from"
done
# Sizes are the folder's, of a checkpoint those of its run, wherever it is named from.
ln -s first/checkpoint-10 linked
cp -r first/checkpoint-10 elsewhere
bare=(--data "$PWD/shards" --model-size tiny --embeddings shared --num-train-steps 1 --learning-rate 0 --threads 2 --output "$PWD/from")
for place in ". first" ". first/checkpoint-10" ". first/checkpoint-10/" ". linked" "first/checkpoint-10 ." "first/generator ../checkpoint-10"; do
    (cd ${place% *} && "$electra" pretrain "${bare[@]}" --init-from ${place#* }) 2> log || fail "--init-from in $place: $(cat log)"
    cmp -s first/discriminator/model.safetensors from/discriminator/model.safetensors || fail "--init-from in $place changes weights"
    rm -r "from"
done
refused 3 "the model's is" "$electra" pretrain "${bare[@]}" --init-from elsewhere # in no run
pretrain --output apart --embeddings separate --num-train-steps 1 2> log || fail "separate: $(cat log)"
refused 2 "apart/config.json: its tables are of --embeddings separate, and here they are of gdes; --embeddings separate" pretrain --output new --embeddings gdes --init-from apart/checkpoint-1
pretrain --output again --init-from first/checkpoint-10 --num-train-steps 1 2> log && grep -q "weights and AdamW's moments are the checkpoint's" log ||
    fail "nothing is said of what a checkpoint gives: $(cat log)"
rm -r apart again
rm -rf "from" linked elsewhere
# Weights have the same shapes whatever the heads, so that shapes alone would let them be cut otherwise.
for from in first first/discriminator first/checkpoint-10; do
    refused 3 "num_attention_heads is 1, and 4 are wanted" pretrain --output new --init-from $from --num-attention-heads 4
done
refused 3 "pretrain: first/config.json: num_attention_heads" pretrain --output new --init-from first/checkpoint-10 --num-attention-heads 4
refused 3 "generator: num_attention_heads is 1, and 2 are wanted" pretrain --output new --init-from first --generator-attention-heads 2
# What has no setting is the folder's, and stays so where the run goes on.
cp -r first/discriminator coarse
sed -i 's/"layer_norm_eps": [^,]*/"layer_norm_eps": 0.01/; s/"pad_token_id": 0/"pad_token_id": 1/' coarse/config.json
pretrain --output "from" --init-from coarse --num-train-steps 1 2> log || fail "--init-from of another layer_norm_eps: $(cat log)"
pretrain --output "from" --num-train-steps 2 --allow-change 2> log || fail "going on: $(cat log)"
for network in generator discriminator; do
    grep -q '"layer_norm_eps": 0.01' from/$network/config.json && grep -q '"pad_token_id": 1' from/$network/config.json ||
        fail "the $network has another network's constants: $(cat from/$network/config.json)"
done
pretrain --output again --init-from from/checkpoint-1 --num-train-steps 1 2> log || fail "--init-from a checkpoint of it: $(cat log)"
grep -q '"layer_norm_eps": 0.01' again/discriminator/config.json || fail "a checkpoint's run has another layer_norm_eps"
rm -r "from" again
cp -r first/checkpoint-10 weights
rm weights/optimizer.safetensors
pretrain --output "from" --init-from weights --num-train-steps 2 2> log || fail "--init-from without moments: $(cat log)"
sed -i 's/^cat$/dog_/' vocab.txt
"$electra" prepare --vocab vocab.txt --max-seq-length 48 --output other heldout.txt > log 2>&1
for from in first first/checkpoint-10; do
    refused 3 "dog_" pretrain --output other-run --data other --eval-data other --init-from $from
done

# ---- evaluate: the same figures each time, at any number of threads ----
for threads in 1 3; do
    "$electra" evaluate --model first --data heldout --json --threads $threads 2> log | cmp -s - first.json ||
        fail "evaluate differs with $threads threads"
done
refused 3 "dog_" "$electra" evaluate --model first --data other
refused 2 "--model" "$electra" evaluate --data heldout
for thing in first first/checkpoint-10 first/discriminator shards vocab.txt first/generator/model.safetensors; do
    "$electra" info $thing --json > out 2> log || fail "info $thing: $(cat log)"
    python3 -c 'import json, sys; json.load(sys.stdin)' < out 2> /dev/null || ! command -v python3 > log || fail "info $thing: not JSON"
done
refused 3 "nothing" "$electra" info nothing

# ---- bad usage and bad input ----
refused 2 "--output" "$electra" pretrain --data shards
refused 2 "--data" "$electra" pretrain --output new
refused 2 "--learning-rate" pretrain --output new --learning-rat 1
refused 2 "--train-batch-size" pretrain --output new --train-batch-size 0
refused 2 "mask_prob" pretrain --output new --hparams '{"mask_probability": 0.2}'
refused 2 "objective" pretrain --output new --objective bert
refused 2 "add up to 1" pretrain --output new --objective mlm --mask-shares 0.8,0.1,0.2
refused 2 "three shares" pretrain --output new --mask-shares 0.8
refused 2 "embeddings" pretrain --output new --objective replace-mlm --embeddings gdes
refused 2 "generator-hidden-size" pretrain --output new --objective mlm --generator-hidden-size 1
refused 2 "as large as" pretrain --output new --objective two-stage --generator-hidden-size 0.5
refused 2 "separate tables" pretrain --output new --objective two-stage --embeddings shared
for size in hidden-size=0.5 layers=0.5 attention-heads=2 intermediate-size=32; do
    for all in "--embeddings all" "--no-untied-generator"; do
        refused 2 "generator-${size%=*}: --embeddings all needs a generator as large as the discriminator" alone $all --generator-$size
    done
done
alone --output whole --embeddings all --num-train-steps 1 2> log && grep -q "all: a generator as large as the discriminator" log &&
    grep -q '"generator_layers": 1.0' whole/run.json || fail "nothing is said of the preset's generator: $(cat log)"
sed -i 's/"generator_layers": 1.0/"generator_layers": 0.5/' whole/run.json # as earlier versions recorded it
alone --output whole --embeddings all --num-train-steps 2 2> log || fail "everything is shared, going on: $(cat log)"
rm -r whole
refused 2 "no masked language model" pretrain --output new --generator-from first/discriminator --embeddings separate
refused 2 "not trained" pretrain --output new --generator-from first --embeddings separate --generator-layers 1
refused 2 "packing full" pretrain --output new --recipe roberta
refused 2 "roberta" pretrain --output new --recipe roberta --objective electra-15
refused 2 "uniform-generator: --objective replace-mlm needs" pretrain --output new --objective replace-mlm --uniform-generator
refused 2 "sampler: --objective replace-mlm needs" pretrain --output new --objective replace-mlm --sampler unigram
refused 2 "another one" pretrain --output new --uniform-generator --sampler unigram
refused 2 "two with a colon" pretrain --output new --mask-prob 0.3-0.1
refused 2 "between 0.001 and 0.9" pretrain --output new --mask-prob 0.3:1
refused 2 "not words" pretrain --output new --mask-unit word --duplicate-slots
refused 2 "causal masks nothing" pretrain --output new --objective causal --mask-unit word --duplicate-slots
refused 2 "duplicate-slots: electra-15 judges a place once" pretrain --output new --objective electra-15 --duplicate-slots
refused 2 "duplicate-slots: electra judges a place once" pretrain --output new --generator two-tower --duplicate-slots
refused 2 "temperature: samples of adversarial" pretrain --output new --objective adversarial --temperature 2
refused 2 "disallow-correct: samples of electric" pretrain --output new --objective electric --disallow-correct
refused 2 "generator: --objective two-stage needs" alone --objective two-stage --generator two-tower
refused 2 "two-tower-generator: --objective two-stage needs" alone --objective two-stage --two-tower-generator
refused 2 "generator-learning-rate: .* nothing would learn" pretrain --output new --learning-rate 0 --generator-learning-rate 1e-3
refused 2 "no-electra-objective" pretrain --output new --objective electra-15 --no-electra-objective
refused 2 "two towers" pretrain --output new --objective electric --embeddings separate
refused 2 "generator" pretrain --output new --objective mlm --generator two-tower
refused 2 "do-lower-case" pretrain --output new --no-do-lower-case
refused 2 "max-seq-length" pretrain --output new --max-seq-length 128
refused 2 "hidden_size" pretrain --output new --num-attention-heads 7
refused 3 "missing" pretrain --output new --data missing
refused 3 "dog_" pretrain --output new --eval-data other
refused 3 "missing" pretrain --output new --init-from missing
# What is refused is refused before anything is said of the preset.
for flags in "--objective xlnet --num-hidden-groups 1" "--objective xlnet --embedding-size 32" "--objective xlnet --sine-positions" \
    "--num-hidden-groups 1 --no-copy-generator" "--objective two-stage --no-neighbour-heads --neighbour-sharpness 1" "--generator-from first/discriminator"; do
    refused 2 . alone $flags
    [ "$(wc -l < log)" = 1 ] || fail "$flags: beside the refusal it says $(cat log)"
done
refused 2 "embedding-size: the run has" pretrain --output first --num-train-steps 10 --embedding-size 32
refused 2 "shards" pretrain --output first --num-train-steps 12 --data heldout

# ---- what has no part in what was chosen is refused, by each of its names ----
for masked in "--no-electra-objective" "--recipe albert" "--objective mlm"; do
    for flag in "--generator-from first" "--generator-learning-rate 1e-2" "--temperature 2" "--disc-weight 7" "--embeddings shared" \
        "--no-untied-generator" "--uniform-generator" "--two-tower-generator"; do
        refused 2 "has no generator beside" alone $masked $flag
    done
done
for flag in "--temperature 2" "--gen-weight 2" "--generator-layers 1" "--generator-learning-rate 1e-3" "--embeddings shared"; do
    refused 2 "drawn by no network" alone --sampler unigram $flag
    refused 2 "drawn by no network" alone --uniform-generator $flag
done
for flag in --uniform-generator "--sampler unigram" --no-untied-generator --untied-generator-embeddings; do
    refused 2 "two towers" alone --generator two-tower $flag
done
for flag in --uniform-generator --no-untied-generator "--gen-weight 2" "--objective adversarial" "--objective replace-mlm"; do
    refused 2 "is not trained" alone --generator-from first $flag
done
refused 2 "has no generator beside" alone --hparams '{"electra_objective": false, "generator_learning_rate": 0.1}'
alone --objective two-stage --hparams '{"generator_hidden_size": 0.25, "temperature": 1.0}' --output left-out 2> log || fail "an original's file: $(cat log)"
for chosen in "--sampler unigram" "--objective causal" "--recipe albert"; do
    alone $chosen --hparams '{"electra_objective": true, "temperature": 1.0, "mask_prob": 0.15, "generator_layers": 1.0}' --overwrite \
        --output left-out 2> log && grep -q "temperature, generator_layers: .* left out" log || fail "$chosen beside an original's file: $(cat log)"
done
refused 2 "separate tables" alone --objective two-stage --no-untied-generator
refused 2 "is --embeddings all" alone --embeddings shared --no-untied-generator
refused 2 "is two-tower" alone --objective electric --generator masked
refused 2 "of --objective two-stage" alone --no-copy-generator
refused 2 "does not change" alone --temperature 2 --temperature-decay 0.1
for flag in --no-neighbour-heads "--objective xlnet" "--num-hidden-groups 1"; do
    refused 2 "neighbour-sharpness: no attention head" alone $flag --neighbour-sharpness 2
done
refused 2 "num-train-steps: --objective two-stage takes a step in each stage" alone --objective two-stage --num-train-steps 1
refused 2 "schedule-steps: --objective two-stage takes a step in each stage" alone --objective two-stage --schedule-steps 1
alone --objective two-stage --output staged --schedule-steps 8 --num-train-steps 4 2> log && grep -q "after step 4 only, .* 4 steps leave a generator alone" log ||
    fail "a run that ends with its first stage: $(cat log)"
[ -e staged/generator ] && [ ! -e staged/discriminator ] || fail "a discriminator that has learned nothing is there: $(ls staged)"
"$electra" evaluate --model staged --data heldout --json > out 2> log && grep -q "staged: is in its first stage; its generator is evaluated" log ||
    fail "the first stage is not evaluated: $(cat log)"
"$electra" evaluate --model staged/generator --data heldout --mask-prob 0.3 --json > generator.json 2> log
[ "$(grep '"generator_loss"' out)" = "$(grep '"generator_loss"' generator.json)" ] || fail "the first stage is $(cat out), its generator $(cat generator.json)"
refused 2 "two-stage: the model has no discriminator" "$electra" evaluate --model staged --data heldout --objective two-stage
alone --objective two-stage --output staged --schedule-steps 8 --num-train-steps 5 2> log && ! grep -q "generator alone" log && [ -e staged/discriminator ] ||
    fail "the second stage: $(cat log; ls staged)"
rm -r staged
for objective in electra causal bidirectional permutation xlnet all-tokens-mlm "electric --generator-layers 0.5"; do
    alone --objective $objective --num-train-steps 1 --output other-${objective%% *} 2> log || fail "$objective: $(cat log)"
done
for cause in "causal: it reads in one direction" "bidirectional: it reads in one direction" "permutation: it predicts tokens in random orders" \
    "xlnet: it predicts tokens in random orders" "electric: it is one of two towers" "electric/generator: it is one of two towers" \
    "all-tokens-mlm/discriminator: it has never read .MASK. (--objective all-tokens-mlm)"; do
    refused 2 "other-${cause%%: *} holds no masked language model: ${cause#*: }" alone --generator-from other-${cause%%: *}
done
# Networks that attend otherwise, and two sizes where there is to be one, are told in words.
for objective in mlm electra causal permutation; do
    refused 2 "init-from: other-xlnet attends by distances, and --objective $objective by positions" alone --objective $objective --init-from other-xlnet
done
for from in other-electra other-causal other-permutation other-electra/checkpoint-1; do
    refused 2 "init-from: $from attends by positions, and --objective xlnet by distances" alone --objective xlnet --init-from $from
done
for flags in "--objective two-stage" "--embeddings all"; do
    for from in other-electra other-electra/checkpoint-1; do
        refused 2 "init-from: $from: its generator has other sizes than its discriminator, and the networks of $flags have one" alone $flags --init-from $from
    done
    alone $flags --init-from other-electra --num-hidden-layers 1 --output shorter 2> log || fail "$flags of one layer: $(cat log)"
    rm -r shorter
done
refused 2 "its towers have other sizes than its discriminator, and the networks of --objective bidirectional" alone --objective bidirectional --init-from other-electric
for objective in causal bidirectional permutation; do
    refused 2 "init-from: other-$objective/config.json: its generator .*, and here it \(reads both sides\|predicts tokens\);" alone --objective mlm --init-from other-$objective/checkpoint-1
done
refused 3 "has a tensor backward.*, and the model has none" alone --objective causal --init-from other-bidirectional/checkpoint-1
refused 2 "it has no backward; --init-from the run" alone --objective bidirectional --init-from other-causal/checkpoint-1
alone --objective mlm --init-from other-causal --num-train-steps 1 --output both 2> log && grep -q "reads forwards, and its weights are taken for a network that reads both sides" log ||
    fail "mlm begins with a causal model: $(cat log)"
refused 2 "one half of a model" alone --objective causal --init-from other-bidirectional/backward
refused 2 "now it would be" alone --objective mlm --output other-causal --num-train-steps 2
refused 2 "generator-from" alone --generator-from first --output first --overwrite

# ---- two names of one number: a flag wins, of a run that goes on too ----
for flag in --eval-steps --eval-batches --num-eval-steps; do refused 2 "${flag#--}: nothing is evaluated without" alone $flag 1; done
refused 2 "another number was given" alone --eval-data heldout --eval-batches 1 --num-eval-steps 2
# batches COUNT ARGUMENTS: so many batches are evaluated.
batches() {
    alone --eval-data heldout --output batches "${@:2}" 2> log && grep -q "\"eval_batches\": $1," batches/run.json ||
        fail "not $1 batches with ${*:2}: $(cat log; grep eval_batches batches/run.json)"
}
batches 1 --eval-batches 1 --hparams '{"num_eval_steps": 3}'
batches 2 --num-train-steps 3 --num-eval-steps 2
batches 2 --num-train-steps 4
sed -i '/"given": \[/,/\]/d' batches/run.json # as in records of runs that were begun by earlier versions
batches 2 --num-train-steps 5 --allow-change

# ---- the same of evaluate and of flops ----
evaluate() { "$electra" evaluate --data heldout --max-batches 1 --model "$@"; }
alone --sampler unigram --output counted 2> log || fail "unigram: $(cat log)"
alone --objective electric --output noise 2> log || fail "electric: $(cat log)"
for flag in "--mask-prob 0.2" "--mask-unit word" "--mask-shares 1,0,0" --duplicate-slots --no-duplicate-slots "--gen-weight 2"; do
    refused 2 "--objective causal masks nothing" evaluate other-causal $flag
done
for flag in "--temperature 2" "--temperature-decay 1" --disallow-correct "--disc-weight 2" "--sampler network" "--generator masked"; do
    refused 2 "has no generator beside" evaluate other-causal $flag
done
for flag in "--temperature 2" "--gen-weight 2"; do refused 2 "drawn by no network" evaluate counted $flag; done
refused 2 "does not change" evaluate first --temperature-decay 0.1
refused 2 "another one was chosen" evaluate first --sampler unigram --uniform-generator
refused 2 "drawn by two towers" evaluate first --generator two-tower --sampler uniform
refused 2 "the text as it is" evaluate noise --mask-shares 1,0,0
refused 2 "is two-tower" evaluate noise --generator masked
alone --uniform-generator --output even 2> log || fail "uniform: $(cat log)"
for flag in --no-uniform-generator "--sampler network"; do refused 2 "the sampler is a network" evaluate even $flag; done
alone --generator two-tower --embeddings shared --output towers 2> log || fail "two towers: $(cat log)"
for objective in electra electra-15; do refused 2 "$objective: the model says energies, no probabilities" evaluate noise --objective $objective; done
refused 2 "electric: the model says whether tokens were replaced, and no energies" evaluate towers --objective electric
refused 2 "the model is one of two towers" evaluate noise/generator
refused 2 "the sampler is a network; --sampler uniform needs none" evaluate first/discriminator
evaluate first/discriminator --sampler uniform > out 2> log || fail "a discriminator alone: $(cat log)"
evaluate towers > out 2> log || fail "evaluate towers: $(cat log)"
for flags in "first --mask-prob 0.2 --duplicate-slots --temperature 2:1 --temperature-decay 0.1 --disc-weight 2" "first --sampler uniform" \
    "counted --mask-prob 0.2" "noise --mask-prob 0.2 --gen-weight 2" other-causal counted noise; do
    evaluate $flags > out 2> log || fail "evaluate $flags: $(cat log)"
done
for objective in causal bidirectional permutation xlnet electric "electra --sampler unigram"; do
    refused 2 "mask-prob: no product of this" "$electra" flops --objective $objective --mask-prob 0.2
done
for objective in mlm two-stage causal "electra-15 --sampler uniform"; do
    refused 2 "generator-hidden-size: no product of this" "$electra" flops --objective $objective --generator-hidden-size 0.5
done
for objective in mlm replace-mlm electric; do refused 2 "no sampler to choose" "$electra" flops --objective $objective --sampler uniform; done
# What pretrain trains is counted, a masked language model like others; what attends otherwise answers at another cost.
for size in tiny large; do
    share=$("$electra" pretrain --model-size $size --help | grep -A3 -e --mask-prob | sed -nE 's/.*default ([0-9.]+).*/\1/p' | head -1)
    for objective in mlm electra; do
        cmp -s <("$electra" flops --model-size $size --objective $objective) <("$electra" flops --model-size $size --objective $objective --mask-prob "${share:?}") ||
            fail "flops of $size, $objective: not of the preset's mask_prob, $share"
    done
done
counted() { "$electra" flops --model-size base --objective $1 --inference-seq-length 512 | awk '/^inference/ { print $4, $5 }'; }
for flags in mlm "electra --generator two-tower" "electra --sampler uniform" two-stage causal; do
    refused 2 "frozen-generator: no product\|frozen-generator: a generator that" "$electra" flops --objective $flags --frozen-generator
done
refused 2 "sentence-task: no product" "$electra" flops --sentence-task sop
refused 2 "generator: two towers are" "$electra" flops --objective replace-mlm --generator two-tower
refused 2 "sampler: replacements are drawn by two towers" "$electra" flops --generator two-tower --sampler unigram
refused 2 "generator: is two-tower" "$electra" flops --objective electric --generator masked
training() { "$electra" flops "$@" | awk '/^training/ { print $2, $3; exit }'; }
[ "$(training --objective mlm --mask-prob 0.3:0.15)" = "$(training --objective mlm --mask-prob 0.225)" ] || fail "the mean of a course does not count"
[ "$(training --generator two-tower)" = "$(training --objective electric)" ] || fail "two towers of electra cost other than electric's"
[ "$(training --model-size base --objective causal --vocab-size 40000 --train-batch-size 128 --num-train-steps 960800 | cut -d' ' -f2)" = 3.969e+19 ] ||
    fail "GPT as published: $("$electra" flops --model-size base --objective causal)"
"$electra" flops --objective mlm --json > out
! grep -qE '"(sampler|generator|generator_hidden_size|frozen_generator)"' out || fail "flops of mlm says of a generator: $(cat out)"
"$electra" flops --model-size small --json > out
grep -q '"generator_hidden_size": 0.25' out && grep -q '"sampler": "network"' out || fail "what the preset says is not filled in: $(cat out)"
for figure in "electra 9.724e+10 1.223e+11" "mlm 9.724e+10 1.223e+11" "permutation 9.724e+10 1.223e+11" "causal 9.241e+10 -" "bidirectional 1.848e+11 -" "xlnet 1.021e+11 -"; do
    [ "$(counted ${figure%% *})" = "${figure#* }" ] || fail "inference of ${figure%% *}: $(counted ${figure%% *})"
done
for flags in "electra --mask-prob 0.2 --generator-hidden-size 0.5" "mlm --mask-prob 0.2" "electric --generator-hidden-size 0.5" "electra-15 --sampler uniform" \
    "electra --frozen-generator" "electra --generator two-tower" "electra-15 --no-frozen-generator" "mlm --sentence-task nsp" "mlm --mask-prob 0.3:0.15"; do
    "$electra" flops --objective $flags > out 2> log || fail "flops of $flags: $(cat log)"
done

"$electra" pretrain --help --model-size base > out && grep -A2 -e --hidden-size out | grep -q "default 768" || fail "the help of a preset is another's"
alone --objective mlm --output cloze 2> log || fail "mlm: $(cat log)"
alone --objective two-stage --init-from cloze --learning-rate 0 --output staged 2> log || fail "two-stage --init-from: $(cat log)"
cmp -s cloze/generator/model.safetensors staged/generator/model.safetensors || fail "the first stage does not begin with the folder's network"
alone --objective mlm --sentence-task sop --init-from cloze --num-train-steps 1 --output pairs 2> log || fail "sop: $(cat log)"
! grep -q "no generator head" log || fail "the head of tokens is called a new one: $(cat log)"

# ---- sizes of --init-from are looked at as those given by hand are ----
alone --objective mlm --num-hidden-groups 1 --output layers 2> log || fail "shared layers: $(cat log)"
alone --objective mlm --init-from layers --output relayered 2> log && grep -q "shared layers: no neighbour heads" log &&
    grep -q '"neighbour_heads": false' relayered/run.json || fail "shared layers of --init-from: $(cat log)"
refused 2 "neighbour-heads: layers are shared" alone --objective mlm --init-from layers --neighbour-heads
alone --objective xlnet --init-from other-xlnet --output rexlnet --num-train-steps 1 2> log || fail "xlnet from xlnet: $(cat log)"
alone --objective two-stage --init-from staged --output restaged 2> log || fail "two-stage from both networks: $(cat log)"
alone --init-from staged --generator-from cloze --output redrawn 2> log || fail "another generator than that of --init-from: $(cat log)"

# ---- another way to the same folder is no change; a run that was killed before config.json was written goes on ----
alone --init-from staged --output renewed 2> log || fail "begun: $(cat log)"
alone --init-from "$PWD/./staged/" --output renewed --num-train-steps 3 2> log || fail "the same folder: $(cat log)"
refused 2 "init-from: the run has" alone --init-from restaged --output renewed --num-train-steps 4
alone --generator-from cloze --output drawn 2> log || fail "drawn: $(cat log)"
cp -r staged/discriminator coarse16
sed -i 's/"layer_norm_eps": [^,]*/"layer_norm_eps": 0.01/' coarse16/config.json
alone --init-from coarse16 --output coarsened 2> log || fail "coarsened: $(cat log)"
alone --init-from coarsened/checkpoint-2 --output followed 2> log || fail "from a checkpoint: $(cat log)"
for run in drawn followed; do
    cp $run/discriminator/model.safetensors whole.safetensors
    rm -r $run/config.json $run/checkpoint-2 $run/generator $run/discriminator # as a kill behind run.json leaves it
    alone --output $run 2> log || fail "$run, without config.json: $(cat log)"
    cmp -s whole.safetensors $run/discriminator/model.safetensors || fail "$run, without config.json, learns something else"
done
alone --generator-from "$PWD/cloze" --output drawn --num-train-steps 3 2> log || fail "the same generator: $(cat log)"

# ---- a folder that holds something of others is left as it is ----
mkdir -p proj/backup.2024.old
date > proj/x.17.tmp
refused 2 "backup.2024.old" pretrain --output proj
refused 2 "backup.2024.old" pretrain --output proj --overwrite
refused 2 "is a file" pretrain --output vocab.txt
[ "$(find proj | wc -l)" = 3 ] || fail "a folder of others is changed: $(find proj)"
cp -r first/discriminator hub
refused 2 "hub" pretrain --output hub --init-from hub
refused 2 "README.md" pretrain --output hub --overwrite
diff -r first/discriminator hub >&2 || fail "a model folder is changed"
refused 2 "init-from" pretrain --output first --init-from first/discriminator
refused 2 "also what is to be read" "$electra" vocab --vocab-size 100 --output train.txt train.txt
cp -r first again
date > again/notes
pretrain --output again --overwrite --num-train-steps 6 --seed 2 2> log || fail "--overwrite: $(cat log)"
[ -d again/checkpoint-6 ] && [ ! -e again/checkpoint-10 ] && [ -e again/notes ] || fail "--overwrite leaves $(ls again)"
pretrain --output again --overwrite --num-train-steps 10 2> log || fail "--overwrite: $(cat log)"
rm again/notes
same first again 10
[ ! -e new/checkpoint-0 ] || fail "a run that cannot begin leaves a checkpoint"

# ---- damage: the checkpoint before the newest is taken, and the end is the same ----
pretrain --output damaged --num-train-steps 20 2> log || fail "damaged: $(cat log)"
cp -r damaged whole
truncate -s -7 damaged/checkpoint-20/optimizer.safetensors
pretrain --output damaged 2> log || fail "a damaged checkpoint: $(cat log)"
grep -q "warning.*checkpoint-20.*checkpoint-16" log || fail "no warning of the damage: $(cat log)"
same whole damaged 20
for step in 16 20; do truncate -s 100 damaged/checkpoint-$step/model.safetensors; done
refused 3 "checkpoint-16" pretrain --output damaged
echo '{"settings": 5' > whole/run.json
refused 3 "run.json" pretrain --output whole

# ---- numbers that go wrong: skipped, said, given up, and what was good is kept ----
cp -r first astray
refused 1 "in a row" pretrain --output astray --num-train-steps 60 --learning-rate 1e38 --save-checkpoints-steps 1 --allow-change
grep -q "step is skipped" log || fail "nothing is said of skipped steps: $(cat log)"
cmp -s first/checkpoint-10/model.safetensors astray/checkpoint-10/model.safetensors || fail "the good checkpoint is gone"
"$electra" info astray/checkpoint-10 > out 2> log || fail "the good checkpoint is damaged: $(cat log)"

# ---- one process at a time ----
"$electra" pretrain "${settings[@]}" --output busy --num-train-steps 100000 2> log &
program=$!
until [ -e busy/metrics.jsonl ]; do sleep 0.01; done
refused 1 "another process" pretrain --output busy
kill -TERM $program
wait $program
[ $? = 75 ] || fail "the first of two processes: $(cat log)"

# ---- a full disk: a sentence, the earlier checkpoint whole, and going on when there is room ----
full_disk() {
    mkdir disk
    mount -t tmpfs -o size=4m tmpfs disk || { echo "no file system of a few megabytes here: a full disk is not tried"; return; }
    refused 1 "No space left" pretrain --output disk/run --num-train-steps 40 --keep-checkpoint-max 0
    for checkpoint in disk/run/checkpoint-*; do
        "$electra" info "$checkpoint" > out 2> log || fail "$checkpoint on a full disk: $(cat log)"
    done
    mount -o remount,size=64m disk
    pretrain --output disk/run --num-train-steps 40 --keep-checkpoint-max 0 2> log || fail "going on with room: $(cat log)"
    same roomy disk/run 40
}
pretrain --output roomy --num-train-steps 40 --keep-checkpoint-max 0 2> log || fail "roomy: $(cat log)"
export -f full_disk fail refused pretrain same figures counters
export electra
declare -p settings > settings.bash
unshare -rm bash -c 'source settings.bash; full_disk' || { [ -e disk/run ] && exit 1; echo "no name spaces here: a full disk is not tried"; }
echo "switches, bad input, damage, numbers that go wrong, a full disk"
