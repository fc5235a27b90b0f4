#!/bin/bash
# A study by 2 and 3 ranks, each of which takes jobs of its own, has the figures of one process; a rank that is killed ends all, and
# the next start does its jobs again; what fails on one rank ends the study; ranks whose files are not alike begin none.
electra=$1 mpi=$2 launcher=$3
source "$(dirname "$0")/cluster.bash"
make_data
mkdir -p labelled/animals
awk 'BEGIN { print "text\tlabel" } NF { print $0 "\t" (/cat|dog/ ? "pet" : "none") }' train.txt | head -61 > labelled/animals/train.tsv
awk 'BEGIN { print "text\tlabel" } NF { print $0 "\t" (/cat|dog/ ? "pet" : "none") }' heldout.txt | head -31 > labelled/animals/dev.tsv
cat > plan.json << 'END'
{"plan": "quick", "language": "made-up", "data": "shards", "eval_data": "heldout", "tasks_folder": "labelled",
 "settings": {"model_size": "tiny", "hidden_size": 32, "embedding_size": 32, "train_batch_size": 8},
 "finetune": {"num_train_epochs": 1, "max_seq_length": 32, "num_trials": 1, "max_restarts": 0},
 "systems": [{"name": "electra", "settings": {"objective": "electra"}}, {"name": "mlm", "settings": {"objective": "mlm"}}],
 "sizes": [{"name": "mini", "settings": {"model_size": "tiny"}}], "budgets": [8e9], "seeds": [1, 2, 3], "tasks": [{"name": "animals", "task": "classify"}],
 "rates": {"grid": [1e-3, 3e-3], "seed": 0, "rule": "loss"}}
END
study() { sed -E 's/, "seconds": [^,}]*//g' "$1/results.jsonl" | sort; sed -E '/"seconds":/d' "$1/report.json"; }
same_study() {
    diff <(study straight) <(study "$1") > difference || fail "$1 has other figures: $(head -5 difference)"
    [ ! -e "$1/jobs" ] || fail "$1: jobs are left: $(ls -R "$1/jobs")"
}

"$electra" compare plan.json --threads 1 --jobs 1 --output straight > log 2>&1 || fail "straight: $(cat log)"
ranks 3 "$mpi" compare plan.json --threads 1 --jobs 1 --output three || fail "3 ranks: $(cat log)"
same_study three

"${launch[@]}" -np 2 "$mpi" compare plan.json --threads 1 --jobs 1 --output killed > log 2>&1 &
job=$!
for _ in $(seq 600); do [ "$(wc -l 2> /dev/null < killed/results.jsonl || echo 0)" -ge 2 ] && break; sleep 0.05; done
lose_rank
[ "$(wc -l < killed/results.jsonl)" -lt "$(wc -l < straight/results.jsonl)" ] || fail "nothing was left to do"
ranks 2 "$mpi" compare --threads 1 --jobs 1 --output killed || fail "after a rank was killed: $(cat log)"
same_study killed

# ---- what other ranks have done is on record while rank 0's one worker is at a job that takes minutes (or the other has that) ----
cat > long.json << 'END'
{"plan": "long", "language": "made-up", "data": "shards", "eval_data": "heldout", "tasks_folder": "labelled",
 "settings": {"model_size": "tiny", "train_batch_size": 8}, "systems": [{"name": "electra", "settings": {"objective": "electra"}}],
 "sizes": [{"name": "mini", "settings": {"model_size": "tiny", "hidden_size": 32}, "budget": 1e9}, {"name": "long", "settings": {"model_size": "tiny"}, "budget": 6e12}],
 "seeds": [1], "tasks": [{"name": "animals", "task": "classify"}]}
END
"${launch[@]}" -np 2 "$mpi" compare long.json --threads 1 --jobs 1 --output long > log 2>&1 &
job=$!
for _ in $(seq 200); do [ ! -s long/results.jsonl ] && kill -0 $job 2> /dev/null || break; sleep 0.1; done
[ -s long/results.jsonl ] || fail "a job that is done is not on record: $(ls long/jobs; cat log)"
[ -e long/report.json ] || fail "no report after a job that another rank has done"
kill -USR1 $job
wait $job
stopped $?
says "stopped and saved with"

# ---- ranks whose files are not alike: the second sees others under the same names ----
mkdir elsewhere
cp -r shards heldout labelled elsewhere
two_plans() { # ARGUMENTS...: of which the second rank has those of its own folder
    timeout 120 "${launch[@]}" -np 1 "$mpi" compare "$@" : -np 1 sh -c 'cd elsewhere && exec "$0" "$@"' "$mpi" compare "$@" > log 2>&1
}
two_plans "$work/plan.json" --output apart && fail "folders that nobody shares went unnoticed"
says "rank 1 on .*: apart: is not the folder that rank 0 has"
sed 's/"seeds": .1, 2, 3./"seeds": [1, 2]/' plan.json > elsewhere/plan.json
two_plans plan.json --output apart && fail "another plan went unnoticed"
says 'rank 1 on .*: the plan: "seeds" is not as on rank 0'
two_plans "$work/plan.json" --dry-run --output three || fail "a dry run beside a study that rank 0 alone sees: $(cat log)"
says "^pre-trainings *0"
[ ! -e apart ] && [ ! -e elsewhere/apart ] || fail "a refused study left $(ls apart elsewhere/apart)"
unlike() {
    local arguments=(compare "$work/plan.json" --threads 1 --jobs 1 --output "$work/unlike")
    timeout 120 "${launch[@]}" -np 1 "$mpi" "${arguments[@]}" : \
        -np 1 sh -c 'cd elsewhere && exec "$0" "$@"' "$mpi" "${arguments[@]}" > log 2>&1 && fail "$1 went unnoticed"
    says "rank 1 on .*: the content of --data, --eval-data and the files of tasks"
    [ ! -e unlike ] || fail "a refused study left $(ls unlike)"
}
sed -i '$d' elsewhere/labelled/animals/dev.tsv
unlike "a rank with another task"
cp labelled/animals/dev.tsv elsewhere/labelled/animals
rm -r elsewhere/heldout
cp -r shards elsewhere/heldout
unlike "a rank with other held-out shards"

# ---- what fails ends all: a task without its answers ----
rm labelled/animals/train.tsv
printf 'text\tlabel\n' > labelled/animals/train.tsv
ranks 2 "$mpi" compare plan.json --threads 1 --jobs 1 --output broken && fail "a task without examples went unnoticed"
says "labelled/animals/train.tsv"
exit 0
