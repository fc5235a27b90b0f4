# Stopped and run again equals never stopped; killed at random moments and run again equals never killed; one thread
# equals two and three: weights, moments, counters, models and metrics bit for bit, times apart.
#
#   test_resume.sh PROGRAM [KILLS]
electra=$(realpath "$1")
kills=${2:-4}
source "$(dirname "$(realpath "$0")")/run.bash"
make_data
steps=$((80 + 20 * kills)) # the more kills, the longer it takes to the end
pretrain() { "$electra" pretrain "${settings[@]}" --num-train-steps $steps "$@"; }

pretrain --output straight --threads 1 2> log || fail "the plain run: $(cat log)"

for threads in 2 3; do
    pretrain --output threads$threads --threads $threads 2> log || fail "$threads threads: $(cat log)"
    same straight threads$threads $steps
done

lines_of() { cat "$1/metrics.jsonl" 2> /dev/null | wc -l; }

# Stopped by each signal in turn, as soon as there is something in the metrics; then run to the end.
run_on=0
for signal in TERM INT USR1 HUP; do
    lines=$(lines_of stopped)
    (trap - INT; exec "$electra" pretrain "${settings[@]}" --num-train-steps $steps --output stopped --threads 2) 2> log &
    program=$!
    while kill -0 $program 2> /dev/null && [ "$(lines_of stopped)" -le "$lines" ]; do
        sleep 0.005
    done
    kill -$signal $program 2> /dev/null
    wait $program
    code=$?
    [ $code = 75 ] && run_on=1
    [ $code = 75 ] || [ $code = 0 ] || fail "SIG$signal: exit code $code, not 75: $(cat log)"
    [ $code = 0 ] || grep -q "run again to go on" log || fail "SIG$signal: says nothing of going on: $(cat log)"
done
[ $run_on = 1 ] || fail "no signal came in time"
pretrain --output stopped 2> log || fail "going on after signals: $(cat log)"
same straight stopped $steps

# Killed before its first checkpoint a run has no models, and goes on with the settings that it began with.
"$electra" pretrain "${settings[@]}" --num-train-steps 100000 --save-checkpoints-steps 0 --logging-steps 1 --output early --threads 1 2> log &
program=$!
while kill -0 $program 2> /dev/null && [ "$(lines_of early)" = 0 ]; do
    sleep 0.005
done
kill -9 $program 2> /dev/null
wait $program 2> /dev/null
[ -z "$(ls -d early/checkpoint-* 2> /dev/null)" ] || fail "a checkpoint was written: $(ls early)"
refused 3 "has written no models yet" "$electra" evaluate --model early --data shards
refused 2 "learning-rate: the run has" "$electra" pretrain --output early --learning-rate 1
code=0
"$electra" pretrain --output early --max-time 0.2 --threads 1 2> log || code=$?
[ $code = 75 ] && grep -q '"num_train_steps": 100000' early/run.json || fail "a run without a checkpoint: exit code $code: $(cat log)"
refused 3 "is a checkpoint" "$electra" export --model straight/checkpoint-$steps --output x.onnx

# Nobody reads what it says: it trains on.
"$electra" pretrain "${settings[@]}" --num-train-steps 9 --logging-steps 1 --output unread 2>&1 | true
[ "${PIPESTATUS[0]}" = 0 ] && [ -d unread/checkpoint-9 ] || fail "a closed pipe ends the training"

# A trial, which has nothing to save, ends at once.
timeout --preserve-status --foreground -k 5 -s INT 1 "$electra" pretrain --data shards --model-size base --dry-run > log 2>&1
code=$?
[ $code = 130 ] && [ ! -s log ] || fail "a dry run is stopped with $code: $(cat log)"

# A dry run of a run that is there takes its settings, and tells the time of the steps that are left; nothing is written.
listed() { find straight -type f -newermt @0 -printf '%p %s %T@\n' | sort; }
listed > before
"$electra" pretrain --output straight --num-train-steps $((2 * steps)) --dry-run --threads 1 > out 2> log || fail "a dry run of a run: $(cat log)"
grep -qE "^steps done +$steps of $((2 * steps));" out || fail "a dry run of a run says: $(cat out)"
listed | cmp -s - before || fail "a dry run of a run wrote: $(listed | diff - before)"
refused 2 "learning-rate: the run has" "$electra" pretrain --output straight --learning-rate 1 --dry-run
# A path that nobody gave now is that of run.json, which the sentence names.
for dry in "" --dry-run; do
    (mkdir -p elsewhere && cd elsewhere && refused 3 "--data: shards, which ../straight/run.json names, is not there" "$electra" pretrain --output ../straight $dry) || exit 1
done

# Stopped after a few steps again and again; nothing but --output is needed to go on.  A step that does not fit the time
# would be begun for ever: a slow machine, or a sanitizer, has more of it.
few=$(awk -v steps=$steps '/"seconds"/ { gsub(/[^0-9.e-]/, "", $2); s = 4 * $2 / steps; print (s > 0.1 ? s : 0.1) }' straight/checkpoint-$steps/state.json)
code=75
pretrain --output often --max-time "$few" --threads 1 2> log || code=$?
for again in $(seq 500); do
    [ $code = 75 ] || break
    "$electra" pretrain --output often --max-time "$few" --threads 1 2> log && code=0 || code=$?
done
[ $code = 0 ] || fail "stopped often: exit code $code: $(cat log)"
[ "$again" -gt 2 ] || fail "was stopped only $again times"
same straight often $steps

# The command in a model's card is the one that began the run, not all that the run has recorded.
card() { sed -e '/--output\|--threads\|--max-time/d' -e 's/ \\$//' "$1/generator/README.md"; }
for run in stopped often; do
    diff <(card straight) <(card $run) >&2 || fail "the cards of straight and $run differ"
done

# Stopped in the evaluation after the last step: it is made up for.
last=("${settings[@]}" --eval-data shards --eval-batches 0 --num-train-steps 3 --logging-steps 3 --eval-steps 0)
"$electra" pretrain "${last[@]}" --output evaluated 2> log || fail "three steps: $(cat log)"
for _ in $(seq 20); do # the evaluation is short: on a busy machine the signal may come after it
    rm -rf unevaluated
    (exec "$electra" pretrain "${last[@]}" --output unevaluated) 2> log &
    program=$!
    while kill -0 $program 2> /dev/null && [ ! -s unevaluated/metrics.jsonl ]; do
        sleep 0.005
    done
    kill -TERM $program 2> /dev/null
    wait $program
    code=$?
    [ $code = 75 ] && break
done
[ $code = 75 ] && [ "$(lines_of unevaluated)" = 1 ] || fail "the signal came too late: $(cat log)"
"$electra" pretrain --output unevaluated 2> log || fail "going on with the evaluation: $(cat log)"
same evaluated unevaluated 3
"$electra" pretrain --output unevaluated 2> log || fail "a run that is finished now: $(cat log)"
grep -q finished log || fail "a run that is finished now does not say so: $(cat log)"

newest() { ls killed 2> /dev/null | sed -n 's/^checkpoint-\([0-9]*\)$/\1/p' | sort -n | tail -1; }

# Killed at random moments: every other time anywhere, else some time after a new checkpoint.
hit=0 moments=""
for kill in $(seq "$kills"); do
    before=$(newest)
    "$electra" pretrain "${settings[@]}" --num-train-steps $steps --output killed --threads 2 2> log &
    program=$!
    while [ $((kill % 2)) = 1 ] && kill -0 $program 2> /dev/null && [ "$(newest)" = "$before" ]; do
        sleep 0.01
    done
    sleep 0.$((RANDOM % 5))$((RANDOM % 10))
    kill -KILL $program 2> /dev/null
    wait $program 2> /dev/null
    [ $? = 137 ] && hit=$((hit + 1)) && moments="$moments $(newest)"
done
[ $hit -gt 0 ] || fail "every run ended before it could be killed"
pretrain --output killed 2> log || fail "going on after kills: $(cat log)"
same straight killed $steps

# A finished run says so; more steps go on from there, and a changed setting is refused by name.
pretrain --output straight 2> log || fail "a finished run: $(cat log)"
grep -q finished log || fail "a finished run does not say so: $(cat log)"
pretrain --output straight --learning-rate 0.1 2> log
[ $? = 2 ] && grep -q learning-rate log || fail "a changed rate is not refused: $(cat log)"
"$electra" pretrain --output straight --num-train-steps $((steps + 5)) 2> log || fail "more steps: $(cat log)"
[ -d straight/checkpoint-$((steps + 5)) ] || fail "more steps left no checkpoint"
"$electra" pretrain --output straight --num-train-steps $steps 2> log
[ $? = 2 ] && grep -q num-train-steps log || fail "fewer steps are not refused: $(cat log)"
"$electra" pretrain --output straight --num-train-steps $((steps + 8)) --learning-rate 0.0001 --allow-change 2> log ||
    fail "--allow-change: $(cat log)"
grep -A9 '"changes"' straight/run.json | grep -q '"learning_rate"' || fail "run.json does not record the change"
echo "stopped, killed $hit times (after checkpoints$moments of $steps), 1 to 3 threads: the same bits"
