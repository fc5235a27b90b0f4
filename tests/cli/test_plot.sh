#!/bin/bash
# electra plot: a chart for each figure, a line for each run, text of others escaped, and what cannot be drawn is said.
electra=$(realpath "$1")
source "$(dirname "$0")/run.bash"

line() { printf '{"kind": "%s", "step": %d, "tokens": %d, "loss": %s, "unigram_entropy": 3, "generator_loss": %s, "seconds": 1}\n' "$@"; }
mkdir -p 'a<b' tuned/trial-1 tuned/trial-2 empty
for step in 1 2 3; do
    line train $step ${step}00 $step 2
    line evaluation $step ${step}00 $step.5 2
done > 'a<b/metrics.jsonl'
printf '{"kind": "evaluation", "st' >> 'a<b/metrics.jsonl' # another program is writing
for step in 1 2 3 4 5; do
    line evaluation $step ${step}00 "$([ $step = 3 ] && echo null || echo $step)" 2
done | tee tuned/trial-1/metrics.jsonl > tuned/trial-2/metrics.jsonl

lines() { grep -c "^<polyline.*$1.* \"/>" "$2"; } # without those of the legend
"$electra" plot 'a<b' --output one.svg 2> log || fail "one run: $(cat log)"
[ "$(grep -c 'font-weight="bold"' one.svg)" = 2 ] || fail "charts: $(grep 'font-weight' one.svg)"
[ "$(lines 'stroke-opacity=".35"' one.svg)" = 2 ] || fail "training is not drawn twice"
[ "$(lines 'stroke-dasharray' one.svg)" = 1 ] || fail "the entropy is not drawn once"
[ "$(lines 'stroke-width="1.8"' one.svg)" = 2 ] || fail "evaluations are not drawn twice"
grep -q '>a&lt;b<' one.svg || fail "a name is not escaped"
for what in 'stroke-opacity=".35".*>training<' 'stroke-dasharray.*>entropy of single tokens<'; do
    grep -q "$what" one.svg || fail "the legend has no $what"
done
"$electra" plot 'a<b' --figures loss --output two.svg 2> log || fail "one figure: $(cat log)"
! grep -q 'entropy of single tokens' two.svg || fail "the legend names what is not drawn"

# Eight runs have eight colours, and the longest of their names fits.
long=$(printf '%0120d' 0)
for run in 1 2 3 4 5 6 7 "$long"; do mkdir -p "of/$run"; line evaluation 1 1 1 1 > "of/$run/metrics.jsonl"; done
"$electra" plot of/* --figures loss --output many.svg 2> log || fail "eight runs: $(cat log)"
[ "$(grep -o '<polyline.*<text x="48"' many.svg | grep -o 'stroke="#[0-9a-f]*"' | sort -u | wc -l)" = 8 ] || fail "not eight colours: $(grep '<text x="48"' many.svg)"
[ "$(sed -n 's/.*viewBox="0 0 \([0-9]*\) .*/\1/p' many.svg)" -ge $((48 + 7 * 120)) ] || fail "a long name is cut off: $(head -n 1 many.svg)"

# Trials are runs; null leaves a gap, so that the line is in two pieces.
"$electra" plot tuned --figures loss --x tokens --title '<curves>' --output two.html 2> log || fail "trials: $(cat log)"
[ "$(lines 'stroke-width="1.8"' two.html)" = 4 ] || fail "two lines with a gap make $(lines 'stroke-width="1.8"' two.html) pieces"
grep -q '<h1>&lt;curves&gt;' two.html || fail "the page has no heading"
[ "$(grep -c '^<svg.*role="img"' two.html)" = 1 ] && [ "$(grep -c 'class="key"' two.html)" = 2 ] || fail "not a chart and two names: $(cat two.html)"
"$electra" plot 'a<b' --output three.html 2> log || fail "a page: $(cat log)"
[ "$(grep -c '^<svg.*role="img"' three.html)" = 2 ] || fail "the page has not a picture for each figure"
grep -q '>tokens<' two.html || fail "the axis is not named"
! grep -qE '(src|href)=' two.html || fail "the page asks for something"

printf '{"kind": 1}\nnothing\n' > bad.jsonl
refused 3 'bad.jsonl, line 2' "$electra" plot bad.jsonl --output x.svg
refused 3 'empty: no metrics.jsonl' "$electra" plot empty --output x.svg
refused 2 'no run has nothing' "$electra" plot tuned --figures nothing --output x.svg
refused 2 'no run has counted' "$electra" plot tuned --x flops --output x.svg
refused 2 'which file' "$electra" plot tuned
refused 2 'which run' "$electra" plot --output x.svg
refused 3 'nothere' "$electra" plot nothere --output x.svg
for run in 'a<b' 'a<b/metrics.jsonl'; do
    before=$(md5sum < 'a<b/metrics.jsonl')
    refused 2 'also what is to be read' "$electra" plot tuned "$run" --output './a<b/metrics.jsonl'
    [ "$before" = "$(md5sum < 'a<b/metrics.jsonl')" ] || fail "a run's metrics are drawn over"
done
[ ! -e x.svg ] || fail "something is written where nothing could be drawn"

# Of a run whose metrics are damaged the rest is told, and what is wrong with them.
mkdir damaged && echo '{"command": "pretrain", "version": "1"}' > damaged/run.json && cp bad.jsonl damaged/metrics.jsonl
"$electra" info damaged > out 2> log && grep -q '^version *1$' out || fail "info: $(cat out log)"
grep -q 'damaged/metrics.jsonl, line 2' log || fail "info is silent about damaged metrics: $(cat log)"
