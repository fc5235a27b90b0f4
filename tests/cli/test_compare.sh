# compare: a plan in about twenty seconds; killed twice it ends in the same figures; a run that diverges stops no other; results
# alone go on elsewhere; what is asked otherwise is refused.
electra=$(realpath "$1")
script=$(realpath "$0")
source "$(dirname "$script")/run.bash"
make_data
mkdir -p labelled/animals
awk 'BEGIN { print "text\tlabel" } NF { print $0 "\t" (/cat|dog/ ? "pet" : "none") }' train.txt | head -61 > labelled/animals/train.tsv
awk 'BEGIN { print "text\tlabel" } NF { print $0 "\t" (/cat|dog/ ? "pet" : "none") }' heldout.txt | head -31 > labelled/animals/dev.tsv
mkdir labelled/order # minimal pairs: two words change places in the worse ones
grep -v '^$' heldout.txt | head -30 | awk '{ good = $0; first = $1; $1 = $2; $2 = first; print "{\"good\": \"" good "\", \"bad\": \"" $0 "\", \"UID\": \"kind_" NR % 2 "\"}" }' \
    > labelled/order/order.jsonl

cat > plan.json << 'END'
{"plan": "quick", "language": "made-up", "about": "Two objectives & <a> rate that goes astray",
 "data": "shards", "eval_data": "heldout", "tasks_folder": "labelled",
 "settings": {"model_size": "tiny", "hidden_size": 32, "embedding_size": 32, "train_batch_size": 8},
 "finetune": {"num_train_epochs": 1, "max_seq_length": 32, "num_trials": 1, "max_restarts": 0},
 "systems": [{"name": "electra", "title": "ELECTRA", "settings": {"objective": "electra", "embeddings": "shared"}},
             {"name": "mlm", "title": "BERT", "settings": {"objective": "mlm", "max_skipped_steps": 4}}],
 "sizes": [{"name": "mini", "settings": {"model_size": "tiny"}}], "budgets": [4e9], "seeds": [1, 2], "shares": [50],
 "tasks": [{"name": "animals", "task": "classify"}, {"name": "order", "task": "pairs"}],
 "rates": {"grid": [1e-3, 1e30], "seed": 0, "rule": "score", "share": 50},
 "published": [{"system": "BERT-Small", "measure": "GLUE dev", "score": 75.1, "flops": 1.4e18}]}
END
compare() { "$electra" compare "$@" --threads 2 2> log; }

# figures STUDY: every result and every row, times apart, in one order.
figures() {
    sed -E 's/, "seconds": [^,}]*//g' "$1/results.jsonl" | sort
    sed -E '/"seconds":/d' "$1/report.json"
}

# ---- held-out shards of longer examples than the model has positions ----
"$electra" prepare --vocab vocab.txt --max-seq-length 96 --output longer heldout.txt > log 2>&1 || fail "prepare: $(cat log)"
sed 's|"train_batch_size": 8|&, "max_position_embeddings": 64|' plan.json > narrow.json
refused 2 "electra: --max-position-embeddings: 64, but held-out examples in longer have up to 96 tokens" \
    "$electra" compare narrow.json --eval-data longer --dry-run
compare narrow.json --dry-run > out || fail "64 positions for 48 tokens: $(cat log)"

sed 's|"train_batch_size": 8|&, "hidden_size": 30, "num_attention_heads": 4|; s|"hidden_size": 32, ||' plan.json > shape.json
refused 2 "" "$electra" compare shape.json --dry-run
[ "$(wc -l < log)" = 1 ] || fail "a plan that is refused says more than why: $(cat log)"

# ---- steps for both of two stages ----
sed 's|"budgets": \[4e9\]|"steps": [4]|; s|"objective": "electra", "embeddings": "shared"|"objective": "two-stage", "schedule_steps": 8|; s|"share": 50|"share": 100|; s|"shares": \[50\]|"shares": [100]|' plan.json > staged.json
refused 2 "has 4 steps, and its discriminator begins to learn with step 5" "$electra" compare staged.json --dry-run
sed 's|"schedule_steps": 8|"schedule_steps": 6|' staged.json > stages.json
compare stages.json --dry-run > out || fail "a step in the second stage: $(cat log)"

# ---- what it will take, without tasks and held-out shards ----
compare plan.json --eval-data nowhere --tasks nowhere.json --dry-run > /dev/null && fail "tasks of a file that is not there"
mv labelled elsewhere
compare plan.json --eval-data nowhere --dry-run > out || fail "--dry-run: $(cat log)"
compare plan.json --eval-data nowhere --tasks nowhere --dry-run > out || fail "--tasks that is not there: $(cat log)"
grep -q "^fine-tunings  *12, of which 12 are not" out && grep -q "^minimal pairs  *8, of which 8 are not" out ||
    fail "what is not counted: $(cat out)"
mv elsewhere labelled
grep -q "^pre-trainings  *12$" out && grep -q "^fine-tunings  *12" out || fail "--dry-run counts $(cat out)"
grep -q "^minimal pairs  *8," out || fail "--dry-run counts pairs: $(cat out)"
grep -q "expected time" out || fail "--dry-run says no time: $(cat out)"
compare plan.json --dry-run --json > listed || fail "--dry-run --json: $(cat log)"
for run in $(sed -nE 's/^([a-z]*\.mini[^ ]*) .*/\1/p' out); do
    grep -q "\"job\": \"$run\"" listed || fail "$run is not in $(cat listed)"
done
sed 's/"shares": \[50\]/"shares": [25]/; s/"budgets": \[4e9\]/"budgets": [1e9, 4e9]/; s/"sizes": \[/&"tiny", /' plan.json > equal.json
compare equal.json --dry-run > out || fail "equal runs: $(cat log)"
grep -q "budgets: 25 % of 4e+09 and 100 % of 1e+09 are equal runs" log || fail "equal runs are not said: $(cat log)"
[ "$(grep -c "compare: mlm: the preset's generator" log)" = 1 ] || fail "a note of a system is not said once: $(cat log)"
# rows WORDS FILE SED: a file of a task, changed so, is refused with these words before the first job.
rows() {
    cp "labelled/animals/$2" kept
    sed -i "$3" "labelled/animals/$2"
    refused 3 "animals: labelled/animals/$2.*$1" "$electra" compare plan.json --output new
    refused 3 "animals: labelled/animals/$2.*$1" "$electra" compare plan.json --dry-run
    [ ! -e new ] || fail "a refused study left $(ls new)"
    mv kept "labelled/animals/$2"
}
rows "no example" train.tsv 2,\$d
rows "line 3" dev.tsv '3s/\t.*//'
sed 's/"task": "classify"/&, "settings": {"label_column": "kind"}/' plan.json > wrong.json
refused 3 "animals: labelled/animals/train.tsv.*kind" "$electra" compare wrong.json --dry-run
[ ! -e study ] || fail "--dry-run wrote $(ls study)"
sed 's|"name": "animals"|&, "settings": {"train_file": "pet={tasks}/pet.txt,none={tasks}/none.txt"}|' plan.json > classes.json
compare classes.json --dry-run > out && grep -q "fine-tunings .* not counted" out || fail "files that are not there: $(cat out log)"
grep cat heldout.txt > labelled/pet.txt
compare classes.json --dry-run > out && grep -q "fine-tunings .* not counted" out || fail "one file is not there: $(cat out log)"
grep -v cat heldout.txt > labelled/none.txt
compare classes.json --dry-run > out && ! grep -q "not counted" out || fail "a file for each class: $(cat out log)"
rm labelled/pet.txt labelled/none.txt
for plan in table1 table4 table5 figure3-sizes figure3-algorithms figure4 sharing; do
    compare $plan --dry-run --json > out || fail "$plan: $(cat log)"
    grep -q '"hours": [0-9]' out || fail "$plan: no hours in $(cat out)"
done

for plan in "$(dirname "$script")"/../../docs/results/paper/*.json; do
    compare "$plan" --dry-run --json > out || fail "$plan: $(cat log)"
    grep -q '"fine_tunings": [1-9]' out || fail "$plan: no fine-tunings in $(cat out)"
done

# ---- straight, and killed twice ----
compare plan.json --output straight > out || fail "straight: $(cat log)"
for lines in 4 12; do
    "$electra" compare plan.json --output study --threads 2 > out 2> log &
    for wait in $(seq 600); do
        [ "$(wc -l 2> /dev/null < study/results.jsonl || echo 0)" -ge $lines ] && break
        sleep 0.05
    done
    kill -9 $!
    wait $! 2> /dev/null
    done=$(sed -nE '/"kind": "fine-tuning"/s/.*"job": "([^"]*)".*/\1/p' study/results.jsonl | head -1)
    mkdir -p "study/runs/$done" # as if it had been killed before it tidied up
done
[ "$(wc -l < study/results.jsonl)" -lt "$(wc -l < straight/results.jsonl)" ] || fail "nothing was left to do after two kills"
compare --output study > out || fail "going on: $(cat log)"
diff <(figures straight) <(figures study) > difference || fail "killed twice, other figures: $(head -5 difference)"
[ -z "$(ls study/runs)" ] || fail "runs are left: $(ls study/runs)"

compare --output study --dry-run > out && grep -q "^pre-trainings  *0$" out || fail "what is done is to be done: $(cat out)"
"$electra" info study 2> log | grep -qx "kind  *study" || fail "info of a study: $(cat log)"
compare plan.json --output study --overwrite --dry-run > out && grep -q "^pre-trainings  *12$" out ||
    fail "--overwrite leaves nothing to do: $(cat out)"
[ -s study/results.jsonl ] || fail "--overwrite --dry-run removed results"

# ---- what was found ----
grep -q '"task": "mean"' study/report.json || fail "no mean in $(cat study/report.json)"
[ "$(grep -c '"seeds": 2' study/report.json)" -ge 8 ] || fail "rows of two seeds: $(grep -c '"seeds": 2' study/report.json)"
grep -q '"task": "order"' study/report.json || fail "no row of minimal pairs in $(cat study/report.json)"
grep -q '"kind": "minimal pairs".*"metric": "accuracy".*"kind_0": [0-9]' study/results.jsonl || fail "no pairs: $(cat study/results.jsonl)"
grep -q '"p": [0-9]' study/report.json || fail "no paired test"
grep -q '"loss_of": "held out"' study/report.json || fail "a loss is not named: $(grep '"loss' study/report.json)"
grep -q '"task_hash": "[0-9a-f]' study/results.jsonl && grep -q '"heldout_hash": "[0-9a-f]' study/results.jsonl || fail "no hashes: $(cat study/results.jsonl)"
grep -q '"diverged"' study/results.jsonl || fail "a rate of 1e30 does not diverge"
[ "$(grep -c '"job": "mlm.mini.4e9.rate-0.001".*"flops_budget": 2e9\|"job": "mlm.mini.4e9.rate-0.001".*"flops_budget": 2000000000.0' study/results.jsonl)" = 1 ] || fail "a rate is tried for another share: $(grep rate-0.001 study/results.jsonl)"
grep -q '"learning_rate": 0.001' study/report.json || fail "the rate that diverged was chosen"
grep -q 'Two objectives &amp; &lt;a&gt; rate' study/report.html || fail "the plan's words are not escaped"
grep -q 'astray</bdi>\. <bdi>made-up</bdi>; ' study/report.html || fail "the plan's sentence has no end: $(grep -o 'astray.\{20\}' study/report.html)"
grep -q '</svg>ELECTRA</div>' study/report.html || fail "a chart does not name its systems"
grep -q 'As published' study/report.html || fail "published rows are not marked"
! grep -qE '(src|href)=|<script|url\(|@import' study/report.html || fail "the report asks for something outside it"
command=$(sed -nE 's/.*"command": "(electra pretrain [^"]*mlm.mini.4e9.seed-1)".*/\1/p' study/report.json)
eval "\"$electra\" ${command#electra } --threads 1 --eval-steps 1000" 2> log || fail "$command: $(cat log)"
steps=$(sed -nE 's/.*"job": "mlm.mini.4e9.seed-1".*"steps": ([0-9]+).*/\1/p' study/results.jsonl | head -1)
[ -d mlm.mini.4e9.seed-1/checkpoint-"$steps" ] || fail "the command of a run makes $(ls mlm.mini.4e9.seed-1)"

# ---- results alone, in another place: nothing is trained again, and more seeds go on from there ----
mkdir moved
cp study/run.json study/results.jsonl moved
compare plan.json --output moved > out || fail "moved: $(cat log)"
diff <(figures study) <(figures moved) > difference || fail "moved, other figures: $(head -5 difference)"
sed -e 's/"task": "pairs"/&, "settings": {"precision": "bf16"}/' -e 's/"name": "order"/"name": "order2", "data": "labelled\/order\/order.jsonl"/' plan.json > more.json
compare more.json --output moved --dry-run > out || fail "more: $(cat log)" # a task more asks for models that are gone
grep -q "^pre-trainings  *8, of which 8 are made again" out && grep -q "^minimal pairs  *8$" out || fail "a task more: $(cat out)"
mkdir again # while models are made again the report has what was found
cp moved/run.json moved/results.jsonl again
"$electra" compare more.json --output again --threads 2 > out 2> log &
for wait in $(seq 600); do
    grep -q '"job": "electra.mini.4e9.50.seed-1.order2"' again/report.json 2> /dev/null && break
    kill -0 $! 2> /dev/null || break
    sleep 0.05
done
kill -9 $! 2> /dev/null
wait $! 2> /dev/null
grep -q '"job": "electra.mini.4e9.50.seed-1.order2"' again/report.json || fail "order2 is not asked while models are made again: $(cat log)"
for job in $(sed -nE 's/.*"job": "([^"]*)".*/\1/p' moved/results.jsonl | grep -v 'order$'); do
    grep -q "\"job\": \"$job\"" again/report.json || fail "$job is not in the report: $(cat log)"
done

cp plan.json first.json
mkdir sizes # earlier versions did not record a preset that was the default
cp study/run.json sizes
sed -n '/"job": "electra.mini.4e9.rate-0.001/s/"model_size": "tiny", *//; /"job": "electra.mini.4e9.rate-0.001/p' study/results.jsonl > sizes/results.jsonl
sed 's/"model_size": "tiny"/"model_size": "small"/' plan.json > small.json
compare small.json --output sizes --dry-run > out && grep -q "^pre-trainings  *11$" out || fail "a record without its preset: $(cat out log)"
refused 2 "another model_size" "$electra" compare plan.json --output sizes --dry-run
sed -i 's/"objective": "electra", *//' sizes/results.jsonl # nor what a plan now says as the preset does
sed 's/"train_batch_size"/"mask_prob": 0.15, "generator_layers": 1, &/' small.json > said.json
for say in small.json said.json; do
    compare $say --output sizes --dry-run > out && grep -q "^pre-trainings  *11$" out || fail "$say, said as the preset does: $(cat out log)"
done
sed 's/"train_batch_size"/"mask_prob": 0.3, &/' small.json > said.json
refused 2 "another mask_prob" "$electra" compare said.json --output sizes --dry-run
sed -i 's/"max_skipped_steps": 4/"max_skipped_steps": 5/' plan.json
cp moved/run.json kept.json # what is refused changes nothing
refused 2 max_skipped_steps "$electra" compare plan.json --output moved
cmp moved/run.json kept.json || fail "a refused start changed run.json"
compare --output moved --dry-run > out && grep -q "^pre-trainings  *0$" out || fail "after a refused start: $(cat out log)"
mkdir torn
cp study/run.json torn
head -c 100 study/results.jsonl > torn/results.jsonl
echo >> torn/results.jsonl
refused 3 "results.jsonl, line 1" "$electra" compare --output torn
refused 2 "other shards" "$electra" compare --output study --data heldout
refused 2 "other held-out shards" "$electra" compare first.json --output study --eval-data shards
cp -r labelled relabelled
sed -i '$d' relabelled/animals/dev.tsv
refused 2 "other files of the task animals" "$electra" compare first.json --output study --tasks relabelled
cp labelled/animals/dev.tsv relabelled/animals
sed -i '$d' relabelled/order/order.jsonl
refused 2 "other files of the task order" "$electra" compare first.json --output study --tasks relabelled
mkdir older # records that say nothing of their files are taken
cp study/run.json older
sed -E 's/, "(heldout|task)_hash": "[0-9a-f]*"//g' study/results.jsonl > older/results.jsonl
compare first.json --output older --tasks relabelled --eval-data heldout > out || fail "records of an older version: $(cat log)"

# ---- a task that is not there is left out and named, and done once it is there; a rate that was chosen stays ----
cat > partly.json << 'END'
{"plan": "partly", "about": "One system.", "data": "shards", "eval_data": "heldout", "tasks_folder": "labelled",
 "settings": {"hidden_size": 32, "embedding_size": 32, "train_batch_size": 8},
 "finetune": {"num_train_epochs": 1, "max_seq_length": 32, "max_restarts": 0},
 "systems": [{"name": "mlm", "settings": {"objective": "mlm"}}], "sizes": ["tiny"], "steps": [2],
 "tasks": [{"name": "animals", "task": "classify"}, {"name": "plants", "task": "classify"}],
 "rates": {"grid": [1e-3, 2e-3]}}
END
compare partly.json --output partly > out || fail "a task that is not there: $(cat log)"
grep -q 'One system\.</bdi> 6 of 6 jobs' partly/report.html || fail "the end of a sentence: $(grep -o 'One system.\{20\}' partly/report.html)"
grep -q "has no plants; left out" log && grep -q '"left_out": "plants"' partly/report.json || fail "nothing says that plants are left out: $(cat log)"
grep -q '"name": "plants"' partly/run.json || fail "the plan on record lacks what was left out: $(cat partly/run.json)"
compare --output partly > out && grep -q '"left_out": "plants"' partly/report.json || fail "going on, nothing is left out: $(cat log)"
compare --output partly --dry-run > out && grep -q "^pre-trainings  *0$" out || fail "what is left out is to be done: $(cat out)"
rate=$(sed -nE 's/.*"job": "mlm.tiny.2-steps.seed-1",.*"rate": ([0-9.]+).*/\1/p' partly/results.jsonl)
sed -i -E "/rate-$rate\.animals/s/\"score\": [0-9.]+/\"score\": 0/; /rate-$rate\.animals/!s/(rate-0.00[12]\.animals.*\"score\": )[0-9.]+/\10.9/" partly/results.jsonl
cp -r labelled/animals labelled/plants
compare --output partly --num-seeds 2 --keep-models > out || fail "a task that has come: $(cat log)"
for job in rate-0.001 rate-0.002 seed-1 seed-2; do
    grep -q "\"job\": \"mlm.tiny.2-steps.$job.plants\"" partly/results.jsonl || fail "plants are not asked of $job: $(cat partly/results.jsonl)"
done
grep -q '"left_out": null' partly/report.json || fail "nothing is left out any more: $(grep left_out partly/report.json)"
[ "$(grep -cE "\"job\": \"mlm.tiny.2-steps.seed-[12]\".*\"rate\": $rate," partly/results.jsonl)" = 2 ] || fail "seeds have two rates, first $rate: $(cat partly/results.jsonl)"
compare --output partly --num-seeds 3 > out && [ -d partly/runs/mlm.tiny.2-steps.seed-3 ] || fail "going on, models are not kept: $(cat log)"
compare --output partly --num-seeds 4 --no-keep-models > out && [ ! -e partly/runs/mlm.tiny.2-steps.seed-4 ] || fail "--no-keep-models keeps: $(cat log)"
[ -d partly/runs/mlm.tiny.2-steps.seed-3 ] || fail "--no-keep-models removes a model that an earlier start kept: $(cat log)"
sed -i 's/"kept": true, \|, "kept": true//' partly/results.jsonl # as of an older version
compare --output partly > out && [ -d partly/runs/mlm.tiny.2-steps.seed-3 ] || fail "a model that an older version kept is gone: $(cat log)"
sed 's/1e-3, 2e-3/3e-3/' partly.json > other.json
refused 2 "which the plan's grid lacks" "$electra" compare other.json --output partly
rm -r labelled/plants
sed 's/"name": "animals"/&, "in_mean": false/' partly.json > unscored.json
refused 2 "no scores to choose by" "$electra" compare unscored.json --output unscored
[ ! -e unscored ] || fail "a refused study left $(ls unscored)"

# ---- a disk that is full when a job is recorded: its run stays, no line is torn, and the study goes on ----
sed -E '/"rates"/d; s/"seeds": \[1, 2\]/"seeds": [1]/; s/"budgets": \[4e9\]/"steps": [2]/; s/"shares": \[50\], *//' plan.json > full.json
mkdir full
cp study/run.json full
awk 'function pad(bytes, line) { line = "{\"job\": \"other\", \"x\": \""; while (length(line) < bytes - 3) line = line "x"; return line "\"}" }
    BEGIN { line = pad(1024); for (i = 0; i < 4095; i++) print line; print pad(900) }' > full/results.jsonl # 124 bytes less than 4 MiB
(ulimit -f 4096; compare full.json --output full > out) && fail "a full disk: $(cat out)"
grep -q "results.jsonl: File too large" log || fail "a full disk: $(cat log)"
[ "$(wc -c < full/results.jsonl)" = $((4096 * 1024 - 124)) ] || fail "a torn line: $(tail -c 300 full/results.jsonl)"
ls full/runs/*.seed-1/checkpoint-* > /dev/null || fail "a run that is not recorded is gone: $(ls full/runs)"
compare full.json --output full > out || fail "after a full disk: $(cat log)"
[ "$(grep -c '"kind": "pre-training"' full/results.jsonl)" = 2 ] || fail "after a full disk: $(tail -n +4096 full/results.jsonl)"

# ---- one trunk of constant rate and a branch for each share ----
sed -i '/"rates"/d' plan.json
compare plan.json --output trunk --constant-then-cooldown --num-seeds 1 --keep-models > out || fail "trunk: $(cat log)"
grep -q '"init_from": ".*trunk.seed-1/checkpoint-' trunk/runs/electra.mini.4e9.50.seed-1/run.json || fail "the branch has no trunk"
cmp -s out trunk/report.json && fail "without --json something is printed: $(cat out)"
compare --output trunk --keep-models --json > out || fail "--json: $(cat log)"
cmp -s out trunk/report.json || diff <(tr -d ' \n' < out) <(tr -d ' \n' < trunk/report.json) > difference || fail "--json prints $(head -5 difference)"
for run in trunk/runs/*.trunk.seed-1; do
    [ "$(ls -d "$run"/checkpoint-* | wc -l)" = 2 ] || fail "a trunk of two parts keeps $(ls "$run")"
done
awk -F'"products": ' '/"job": "electra.mini.4e9.seed-1"/ { split($2, a, ","); whole = a[1] } END { exit !(whole > 3.6e9 && whole < 4.4e9) }' \
    trunk/results.jsonl || fail "a trunk and its branch cost otherwise than the budget"

# Branches have the sizes of their trunk, which has them of the folder that it begins with.
"$electra" pretrain --data shards --model-size tiny --hidden-size 96 --embedding-size 48 --num-attention-heads 2 --embeddings shared \
    --num-train-steps 1 --train-batch-size 8 --threads 2 --output large 2> log || fail "pretrain: $(cat log)"
sed -E 's/"hidden_size": 32, "embedding_size": 32, /"init_from": "large", /; s/"budgets": \[4e9\]/"steps": [20]/; s/"seeds": \[1, 2\]/"seeds": [1]/' plan.json > begun.json
compare begun.json --output begun --constant-then-cooldown --keep-models > out || fail "a trunk from a folder: $(cat log)"
grep -q '"hidden_size": 96' begun/runs/electra.mini.20-steps.50.seed-1/config.json || fail "a branch has other sizes: $(ls begun/runs)"

# Minimal pairs are outside the mean, and what score says of the model.
said=$(sed -nE 's/.*"job": "electra.mini.4e9.seed-1.order".*"score": ([0-9.e-]+).*/\1/p' trunk/results.jsonl)
(cd trunk/runs && "$electra" score --model electra.mini.4e9.seed-1 --pairs ../../labelled/order/order.jsonl --json --threads 2) > out 2> log || fail "score: $(cat log)"
grep -q "\"accuracy\": $said" out || fail "compare says $said, score $(cat out)"
# A model whose numbers overflow is asked once, has no score, and the study goes on.
cp -r trunk wild
weights=wild/runs/mlm.mini.4e9.seed-1/generator/model.safetensors
sed -i '/"job": "mlm.mini.4e9.seed-1.order"/d' wild/results.jsonl
head -c 4096 /dev/zero | tr '\0' '\177' | dd of=$weights bs=1 seek=$((8 + $(od -An -tu8 -N8 $weights))) conv=notrunc 2> log
compare --output wild --keep-models > out || fail "a model whose scores overflow: $(cat log)"
grep '"job": "mlm.mini.4e9.seed-1.order"' wild/results.jsonl | grep -q '"score": null.*"diverged": "the model.s numbers are not finite"' ||
    fail "a score that is not finite is recorded as $(grep 'mlm.mini.4e9.seed-1.order"' wild/results.jsonl)"

# A generator that is not trained has its own shape: its steps, a trunk's among them, come to the budget.
sed -E 's|"objective": "electra"[^}]*|"generator_from": "trunk/runs/mlm.mini.4e9.seed-1"|; s|\{"name": "mlm".*|], |; s|("name": "electra".*\}),$|\1|
    s/"shares": \[50\], *//; s/"seeds": \[1, 2\]/"seeds": [1]/; /"tasks":/d' plan.json > frozen.json
compare frozen.json --dry-run > out || fail "generator_from: $(cat log)"
steps=$(sed -nE 's/^electra.mini.4e9.seed-1  *([0-9]+) .*/\1/p' out)
compare frozen.json --output frozen > out || fail "generator_from: $(cat log)"
grep -q "\"job\": \"electra.mini.4e9.seed-1\".*\"steps\": $steps," frozen/results.jsonl || fail "a dry run says $steps steps: $(cat frozen/results.jsonl)"
compare frozen.json --output frozen-trunk --constant-then-cooldown > out || fail "generator_from, trunk: $(cat log)"
awk -F'"products": ' '/"job": "electra.mini.4e9.seed-1"/ { split($2, a, ","); whole = a[1] } END { exit !(whole > 3.9e9 && whole < 4.1e9) }' \
    frozen-trunk/results.jsonl || fail "with a generator that is not trained a trunk costs otherwise than the budget: $(cat frozen-trunk/results.jsonl)"

# A folder that weights come from is needed no more once all pre-trainings are done: results.jsonl and run.json suffice.
mkdir gone && mv trunk/runs/mlm.mini.4e9.seed-1 large gone/
for study in frozen frozen-trunk begun; do
    rm -r "$study/runs"
    figures $study > before
    compare --output $study > out || fail "$study, which is done, needs a folder that is gone: $(cat log)"
    cmp -s before <(figures $study) || fail "$study has other figures without a folder: $(diff before <(figures $study))"
    compare --output $study --dry-run > out || fail "$study in a dry run needs a folder that is gone: $(cat log)"
    refused 3 "no such folder" "$electra" compare --output $study --num-seeds 2
    cmp -s before <(figures $study) || fail "a refused start left other figures in $study"
done
refused 3 "electra: trunk/runs/mlm.mini.4e9.seed-1: no such folder" "$electra" compare --output frozen --num-seeds 2
refused 3 "no such folder" "$electra" compare frozen.json --output frozen --overwrite
sed -i 's|trunk/runs/mlm|nowhere/mlm|' frozen.json
refused 3 "electra: nowhere/mlm" "$electra" compare frozen.json --dry-run

# ---- refused ----
refused 2 "built-in" "$electra" compare table9 --output new
refused 2 "which plan" "$electra" compare --output new
sed 's/"seeds"/"sedes"/' plan.json > wrong.json
refused 2 "did you mean seeds" "$electra" compare wrong.json --output new
sed 's/"train_batch_size"/"train_batch_sise"/' plan.json > wrong.json
refused 2 train_batch_size "$electra" compare wrong.json --output new
sed 's/"task": "pairs"/"task": "pairs", "settings": {"precision": "int8"}/' plan.json > wrong.json
refused 2 "int8 is none of" "$electra" compare wrong.json --output new
sed 's/"task": "pairs"/"task": "pairs", "settings": {"by": "luck"}/' plan.json > wrong.json
refused 2 "luck is none of" "$electra" compare wrong.json --output new

# tasks WORDS JSON: --tasks of a file that holds this is refused with these words.
tasks() {
    echo "$2" > tasks.json
    refused 2 "tasks.json: $1" "$electra" compare plan.json --tasks tasks.json --dry-run
}
tasks 'unknown key "task"; did you mean tasks?' '{"task": ["cola"]}'
tasks 'unknown key "settings"' '{"tasks": ["cola"], "settings": {}}'
tasks "has neither tasks nor tasks_folder" '{}'
echo '{"tasks": [{"name": "animals", "task": "classify"}], "tasks_folder": "labelled"}' > tasks.json
compare plan.json --tasks tasks.json --dry-run > out && grep -q "^fine-tunings" out && ! grep -q "^minimal pairs" out ||
    fail "tasks in place of the plan's: $(cat out log)"

# What would end a study after hours is said before it begins.
# wrong WORDS SED: the plan, changed so, is refused with these words, and in a dry run too.
wrong() {
    sed -E "$2" plan.json > wrong.json
    cmp -s plan.json wrong.json && fail "nothing is changed by $2"
    refused 2 "$1" "$electra" compare wrong.json --output new
    refused 2 "$1" "$electra" compare wrong.json --dry-run
}
for own in '"dry_run": true' '"output": "x"' '"overwrite": true' '"num_train_steps": 7' '"seed": 7' '"threads": 64' '"max_time": 1'; do
    wrong "settings: $(expr "$own" : '"\([a-z_]*\)')" "s/\"train_batch_size\"/$own, &/"
done
wrong "settings: learning_rate: this plan tries" 's/"train_batch_size"/"learning_rate": 1e-3, &/; s/"seeds"/"rates": {"grid": [1e-3]}, &/'
wrong "mml is none of electra|mlm|" 's/\{"name": "mlm", .*$/"mml"],/'
wrong "mlm has the name of an objective and would learn electra" 's/\{"name": "mlm", .*$/{"name": "mlm"}],/'
wrong "electra and other have the same settings" 's/\{"name": "mlm", .*$/{"name": "other", "settings": {"embeddings": "shared"}}],/'
wrong "order: by: electra has no network that says left-to-right" 's/"task": "pairs"/&, "settings": {"by": "left-to-right"}/'
wrong "order: by: mlm has no network that says originals" 's/"task": "pairs"/&, "settings": {"by": "originals"}/'
wrong "did you mean .num_train_epochs" 's/"num_train_epochs"/"num_train_epoch"/'
wrong "finetune: max_seq_length" 's/"max_seq_length": 32/"max_seq_length": -32/'
wrong "finetune: model: is not a plan's" 's/"num_train_epochs"/"model": "x", &/'
wrong "finetune: seed: is not a plan's" 's/"num_train_epochs"/"seed": 7, &/'
wrong "animals: seed: is not a plan's" 's/"task": "classify"/&, "settings": {"seed": 7}/'
wrong "animals: .*zzz" 's/"task": "classify"/&, "settings": {"zzz": 1}/'
wrong "did you mean classify" 's/"task": "classify"/"task": "clasify"/'
wrong "two jobs would be called" 's/"budgets": \[4e9\]/"budgets": [4e9, 4.0000001e9]/'
wrong "more than 1e9" 's/"budgets": \[4e9\]/"budgets": [1e30]/'
wrong "budgets: 500 is less than half a step of electra, mini, which costs" 's/"budgets": \[4e9\]/"budgets": [1e3, 4e9]/'
wrong "budgets: 400 is less than half a step" 's/"shares": \[50\]/"shares": [0.00001, 50]/'
steps='s/"budgets": \[4e9\]/"steps": [1]/'
wrong "steps: the least share of 1 is 0.5, half a step at most" "$steps"
wrong "steps: the least share of 1 is 0.25, half a step at most" "$steps; s/, \"shares\": \[50\]/, \"rates\": {\"grid\": [1e-3], \"share\": 25}/"
sed -E "$steps; s/, \"shares\": \[50\]//" plan.json > plain.json
compare plain.json --dry-run > out || fail "one step: $(cat log)"
refused 2 "more than 1e9" "$electra" compare table1 --sizes small --flops-budget 1e30 --dry-run
refused 2 "hugee is none of tiny" "$electra" compare plan.json --sizes hugee --dry-run
refused 2 "two-stage has two stages" "$electra" compare figure3-algorithms --constant-then-cooldown --dry-run
sed 's/"seeds"/"cooldown": 0.2, &/' plan.json > plain.json
compare plain.json --dry-run > out || fail "cooldown: $(cat log)"
for course in mask_prob temperature; do
    wrong "electra has a $course that changes" "s/\"seeds\"/\"cooldown\": 0.2, &/; s/\"embeddings\": \"shared\"/\"$course\": \"0.3:0.15\"/"
done
wrong "schedule_steps: a step of electra costs more or less" 's/"embeddings": "shared"/"mask_prob": "0.3:0.15", "schedule_steps": 8/'
wrong "packing full" 's/"objective": "mlm"/"recipe": "roberta"/'
for files in labelled/gone.txt 'pet={tasks}/animals/train.tsv,none={tasks}/gone.txt'; do
    sed "s|\"name\": \"animals\"|&, \"settings\": {\"train_file\": \"$files\"}|" plan.json > wrong.json
    refused 3 "animals: there is no labelled/gone.txt" "$electra" compare wrong.json --output files
    [ ! -e files ] || fail "a refused study left $(ls files)"
done
cp labelled/order/order.jsonl pairs.jsonl # a file of minimal pairs is read to its end before the first job
echo '{"good": "one"}' >> labelled/order/order.jsonl
refused 3 "order: labelled/order/order.jsonl, line 31: has no texts good and bad" "$electra" compare plan.json --output new
refused 3 "line 31" "$electra" compare plan.json --dry-run
{ cat pairs.jsonl; echo '{"good": "one", "bad": " "}'; } > labelled/order/order.jsonl
refused 3 "order.jsonl, line 31: there is no text in the bad sentence" "$electra" compare plan.json --dry-run
: > labelled/order/order.jsonl
refused 3 "there are no pairs in it" "$electra" compare plan.json --dry-run
rm labelled/order/order.jsonl # of any form and packing
for ending in tsv.gz tab jsonl.bz2; do
    echo one | gzip > labelled/order/order.$ending
    refused 3 "order: labelled/order/order.$ending, line 1: has no two columns" "$electra" compare plan.json --dry-run
    rm labelled/order/order.$ending
done
cp pairs.jsonl labelled/order/order.jsonl
sed 's|"name": "animals"|&, "settings": {"train_file": "pet={tasks}/animals/train.tsv,none"}|' plan.json > wrong.json
refused 2 "animals: none: is not label=FILE" "$electra" compare wrong.json --output new
[ ! -e new ] || fail "a refused study left $(ls new)"
