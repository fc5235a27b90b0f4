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
for command in "embed --json" "predict" "fill" "detect"; do
    # shellcheck disable=SC2086
    refuse "nothere: no such folder" $command --model nothere text
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
