#!/bin/bash
# Pre-training and fine-tuning by 1, 2 and 4 ranks: the same bytes of weights, moments and metrics as by one process with as
# many leaves; what stops, kills and disturbs ranks ends all of them in one sentence and leaves the last checkpoint whole.
electra=$1 mpi=$2 launcher=$3
source "$(dirname "$0")/cluster.bash"
make_data
settings+=(--threads 1 --precision fp32 --num-train-steps 16 --micro-batch-tokens 100)

# ---- the same bytes ----
for objective in electra mlm; do
    of=("${settings[@]}" --objective $objective)
    "$electra" pretrain "${of[@]}" --gradient-leaves 8 --output $objective > log 2>&1 || fail "$objective: $(cat log)"
    for n in 1 2 4; do
        ranks $n "$mpi" pretrain "${of[@]}" --output $objective-$n || fail "$objective, $n ranks: $(cat log)"
        for file in checkpoint-16/{model,optimizer}.safetensors generator/model.safetensors; do
            cmp -s $objective/$file $objective-$n/$file || fail "$objective: $file of $n ranks is another"
        done
        cmp -s <(figures $objective) <(figures $objective-$n) || fail "$objective: metrics of $n ranks are others"
        cmp -s <(counters $objective/checkpoint-16) <(counters $objective-$n/checkpoint-16) || fail "$objective: state of $n ranks"
    done
done
grep -q '"gradient_leaves": 8' electra-4/run.json || fail "run.json does not say how many leaves there are"
grep -q '"ranks": 4' electra-4/metrics.jsonl || fail "metrics.jsonl does not say how many ranks there were"

awk 'BEGIN { print "text\tlabel" } NF && n < 120 { n++; print $0 "\t" (/cat/ ? "cat" : "none") }' train.txt > cls.tsv
tune=(finetune --model electra --task classify --train-file cls.tsv --max-seq-length 32 --num-train-epochs 1 --max-restarts 0
    --threads 1 --precision fp32 --micro-batch-tokens 100)
"$electra" "${tune[@]}" --gradient-leaves 8 --output tuned > log 2>&1 || fail "finetune: $(cat log)"
for n in 2 4; do
    ranks $n "$mpi" "${tune[@]}" --output tuned-$n || fail "finetune, $n ranks: $(cat log)"
    cmp -s tuned/model/model.safetensors tuned-$n/model/model.safetensors || fail "$n ranks taught another model"
    cmp -s <(grep -v '"seconds"' tuned/results.json) <(grep -v '"seconds"' tuned-$n/results.json) || fail "results of $n ranks"
done

# Several trials are given out whole, and any number of ranks takes them; --num-trials 1 of another start is one of them.
"$electra" "${tune[@]}" --gradient-leaves 8 --num-trials 3 --output trials > log 2>&1 || fail "trials: $(cat log)"
ranks 2 "$mpi" "${tune[@]}" --num-trials 1 --output trials-3 || fail "trials of ranks: $(cat log)"
ranks 3 "$mpi" "${tune[@]}" --num-trials 3 --output trials-3 || fail "trials of ranks: $(cat log)"
cmp -s <(grep -v '"seconds"' trials/results.json) <(grep -v '"seconds"' trials-3/results.json) || fail "3 ranks have other trials"


# They need one folder, which all see; and one that fails ends all: the second finds a file in the place of its trial.
mkdir -p elsewhere
cp -r electra cls.tsv elsewhere
timeout 120 "${launch[@]}" -np 1 "$mpi" "${tune[@]}" --num-trials 2 --output apart : \
    -np 1 sh -c 'cd elsewhere && exec "$0" "$@"' "$mpi" "${tune[@]}" --num-trials 2 --output apart > log 2>&1 && fail "folders that nobody shares went unnoticed"
says "rank 1 on .*: apart: is not the folder that rank 0 has"
[ ! -e apart ] && [ ! -e elsewhere/apart ] || fail "what was refused left $(ls apart elsewhere/apart)"
failing=("${tune[@]}" --num-trials 2 --num-train-epochs 400 --gradient-leaves 8 --output failing)
refused 75 "saved" "$electra" "${failing[@]}" --max-time 0.1
touch failing/trial-2
ranks 2 "$mpi" "${failing[@]}" && fail "a trial without a folder went unnoticed"
says "failing/trial-2: "
[ ! -e failing/trial-1/trial.json ] || fail "a rank went on to the end without the one that had failed"
[ ! -e failing/all-well ] || fail "ranks that ended left their sign"

# ---- what ranks cost ----
ranks 2 "$mpi" bench reduce --model-size small --seconds 0.2 --json || fail "bench reduce: $(cat log)"
grep -q '"all_reduce_milliseconds"' log || fail "bench reduce does not say what MPI's own sum takes: $(cat log)"
refused 2 "one process has nobody to exchange with" "$electra" bench reduce
ranks 2 "$mpi" bench reduce --model-size tiny && fail "bench reduce knows no gradients of tiny"
says "model-size: reduce knows the gradients of small, base and large alone"
ranks 2 "$mpi" pretrain "${settings[@]}" --dry-run || fail "dry run: $(cat log)"
says "^expected efficiency .* of 2 times one rank"

# ---- a rank that has more threads than processors is named ----
one=$(taskset -cp $$ | sed 's/.*: *//; s/[-,].*//')
ranks 2 taskset -c "$one" "$mpi" pretrain "${settings[@]}" --threads 2 --num-train-steps 1 --output bound || fail "bound: $(cat log)"
[ "$(grep -c 'rank [01] on .*: 2 threads, but it is bound to 1 processor;' log)" = 2 ] || fail "bound ranks are not named: $(cat log)"

# ---- all skip the same steps, and give up together ----
astray=("${settings[@]}" --learning-rate 1e30 --num-warmup-steps 0 --max-skipped-steps 3 --save-checkpoints-steps 0)
"$electra" pretrain "${astray[@]}" --gradient-leaves 8 --output astray > log 2>&1 && fail "a rate of 1e30 does not diverge"
ranks 2 "$mpi" pretrain "${astray[@]}" --output astray-2 && fail "a rate of 1e30 does not diverge on 2 ranks"
says "3 steps in a row without a finite loss and gradient"
cmp -s <(figures astray) <(figures astray-2) || fail "2 ranks skip other steps"

# ---- what does not fit ----
# refused() has a log of its own
ranks_in_log() {
    local count=$1
    shift
    timeout 120 "${launch[@]}" -np "$count" "$@"
}
refused 2 "3 ranks cannot share 8 leaves of a gradient evenly; 2 can" ranks_in_log 3 "$mpi" pretrain "${settings[@]}" --output no
refused 2 "2 ranks cannot share 1 leaves" ranks_in_log 2 "$mpi" pretrain "${settings[@]}" --gradient-leaves 1 --output no
refused 2 "12 is not a power of two; 8 is" "$electra" pretrain "${settings[@]}" --gradient-leaves 12 --output no
refused 2 "gradient-leaves: the run has 8" "$electra" pretrain --gradient-leaves 2 --output electra
refused 2 "2 processes were started" ranks_in_log 2 "$electra" pretrain "${settings[@]}" --output no
refused 2 "2 processes were started" env SLURM_STEP_NUM_TASKS=2 "$electra" pretrain "${settings[@]}" --output no
refused 2 "the work of one process" ranks_in_log 2 "$mpi" info electra
SLURM_NTASKS=2 "$electra" info electra > log 2>&1 || fail "a batch script is one process: $(cat log)"
[ ! -e no ] || fail "a refused command left something"

# ---- ranks that are not alike ----
"$electra" prepare --vocab vocab.txt --max-seq-length 48 --seed 5 --output other train.txt > log 2>&1
two_ways() { # FIRST... : SECOND...: each rank with arguments of its own
    local first=() second=() at=first
    for word in "$@"; do
        if [ "$word" = : ]; then at=second; elif [ $at = first ]; then first+=("$word"); else second+=("$word"); fi
    done
    timeout 120 "${launch[@]}" -np 1 "$mpi" pretrain "${settings[@]}" --output no "${first[@]}" : \
        -np 1 "$mpi" pretrain "${settings[@]}" --output no "${second[@]}" > log 2>&1
}
two_ways : --data other && fail "a rank with another shard was not refused"
says "rank 1 on .*: --data: the content of the shards"
two_ways : --learning-rate 1e-3 && fail "a rank with another rate was not refused"
says "rank 1 on .*: learning_rate: is 0.001 here"
for other in --dry-run --overwrite --help; do
    two_ways : $other && fail "a rank with $other was not refused"
    says "rank 1 on .*: the command: is pretrain .*$other.* here, but pretrain --output on rank 0"
done
timeout 120 "${launch[@]}" -np 1 "$mpi" pretrain "${settings[@]}" --output no : -np 1 "$mpi" --version > log 2>&1 && fail "a rank without a command was not refused"
says "rank 1 on .*: is given no command"
version=$("$mpi" --version | grep -o '[0-9]*\.[0-9.]*[0-9]' | head -1)
LC_ALL=C sed "s/$version/${version%?}x/g" "$mpi" > another
chmod +x another
timeout 120 "${launch[@]}" -np 1 "$mpi" pretrain "${settings[@]}" --output no : -np 1 ./another pretrain "${settings[@]}" --output no > log 2>&1 &&
    fail "a rank of another version was not refused"
says "rank 1 on .*: the version of electra: is ${version%?}x here, but $version on rank 0"
two_ways : --eval-data nowhere && fail "a rank without its shards was not refused"
says "rank 1 on .*: nowhere: no such folder"
[ ! -e no ] || fail "what was refused left something"

# ---- stopped and killed ----
long=("${settings[@]}" --num-train-steps 400 --schedule-steps 400 --num-warmup-steps 10 --save-checkpoints-steps 4)
# until FOLDER: a checkpoint is there
until_saved() { for _ in $(seq 900); do compgen -G "$1/checkpoint-[1-9]*" > /dev/null && return; sleep 0.1; done; fail "$1: no checkpoint: $(cat log)"; }
start() { # FOLDER N ARGUMENTS...: in the background, as $job
    local folder=$1 count=$2
    shift 2
    "${launch[@]}" -np "$count" "$mpi" pretrain "${long[@]}" --output "$folder" "$@" > log 2>&1 &
    job=$!
    until_saved "$folder"
}

start stopped 2
kill -USR1 $job
wait $job
stopped $?
says "and saved; run again to go on"
at=$(ls -d stopped/checkpoint-* | sed 's/.*-//' | sort -n | tail -1)
"$electra" pretrain "${long[@]}" --gradient-leaves 8 --num-train-steps $((at + 3)) --output straight > log 2>&1 || fail "straight: $(cat log)"
ranks 4 "$mpi" pretrain --num-train-steps $((at + 3)) --allow-change --threads 1 --output stopped || fail "going on with 4 ranks: $(cat log)"
cmp -s {stopped,straight}/checkpoint-$((at + 3))/model.safetensors || fail "stopped with 2 ranks, gone on with 4: another model"
cmp -s {stopped,straight}/checkpoint-$((at + 3))/optimizer.safetensors || fail "stopped with 2 ranks, gone on with 4: other moments"

start killed 2
lose_rank
"$electra" info killed > log 2>&1 || fail "after a rank was killed: $(cat log)"
at=$(ls -d killed/checkpoint-* | sed 's/.*-//' | sort -n | tail -1)
ranks 2 "$mpi" pretrain --num-train-steps $((at + 2)) --allow-change --threads 1 --output killed || fail "after a rank was killed: $(cat log)"
says "going on after step"

start alone 2
children=$(rank_of $job)
kill -KILL $job
wait $job 2> /dev/null
ended $children || fail "ranks live on without mpirun"
"$electra" info alone > log 2>&1 || fail "after mpirun was killed: $(cat log)"

start stalled 2 --stall-limit 10 # less would end ranks that a busy machine keeps waiting
kill -STOP "$(rank_of $job | tail -1)"
wait $job && fail "a rank that does not answer ended well"
says "rank 0 on .*: the other ranks have not answered for"
"$electra" info stalled > log 2>&1 || fail "after a rank stalled: $(cat log)"

# ---- a full disk under rank 0 ----
# Once it is at work: MPI writes files too when it begins.
"${launch[@]}" -np 2 bash -c 'trap "" XFSZ; exec "$@"' - "$mpi" pretrain "${long[@]}" --output full > log 2>&1 &
job=$!
until_saved full
for rank in $(rank_of $job); do
    tr '\0' '\n' < "/proc/$rank/environ" | grep -qE '^(OMPI_COMM_WORLD_RANK|PMI_RANK)=0$' && prlimit --pid "$rank" --fsize=100000
done
wait $job && fail "a full disk went unnoticed"
says "rank 0 on .*: full/.*File too large"
"$electra" info full > log 2>&1 || fail "after a full disk: $(cat log)"
exit 0
