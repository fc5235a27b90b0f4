#!/bin/bash
# --tensorboard: the event file has a frame for each line of metrics.jsonl, of a run that went on too.
electra=$(realpath "$1")
source "$(dirname "$0")/run.bash"
make_data
train() { "$electra" pretrain "${settings[@]}" --schedule-steps 28 --threads 1 --tensorboard "$@" 2> log || fail "pretrain: $(cat log)"; }
train --num-train-steps 28 --output whole
train --num-train-steps 14 --output parted
train --num-train-steps 28 --output parted
[ "$(wc -l < whole/metrics.jsonl)" = "$(grep -ac 'generator_loss' whole/metrics.jsonl)" ] || fail "lines without a loss"
# What is lost of metrics.jsonl is said once, and no line of what follows is there twice; a damaged line does not end the run.
train --num-train-steps 14 --output lost
{ echo '{"kind": "tra?'; tail -n +4 lost/metrics.jsonl; } > cut
cp cut lost/metrics.jsonl
train --num-train-steps 21 --output lost
grep -q "lines that the checkpoint knows of" log && grep -q "line 1.*TensorBoard is shown the other lines" log ||
    fail "nothing is said of lost lines: $(cat log)"
train --num-train-steps 28 --output lost
! grep -q "lines that the checkpoint knows of" log || fail "lost lines are missed again: $(cat log)"
diff cut <(head -n "$(wc -l < cut)" lost/metrics.jsonl) >&2 && [ -z "$(sort lost/metrics.jsonl | uniq -d)" ] || fail "lines after a loss: $(cat lost/metrics.jsonl)"
frames() { grep -ao '\(train\|evaluation\)/generator_loss' "$1/events.out.tfevents.electra"; }
diff <(frames whole) <(grep -o '"kind": "[a-z]*"' whole/metrics.jsonl | sed 's/.*: "\(.*\)"/\1\/generator_loss/') >&2 || fail "the frames are not the lines"
# The run that went on evaluated once more, at the end of its first part.
diff <(frames parted) <(grep -o '"kind": "[a-z]*"' parted/metrics.jsonl | sed 's/.*: "\(.*\)"/\1\/generator_loss/') >&2 || fail "the frames are not the lines of a run that went on"
