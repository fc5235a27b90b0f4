# serve.bash - what tests of `electra serve` share: small models, a server, requests
# Source it after run.bash.
command -v curl > /dev/null || { echo "skipped: there is no curl"; exit 77; }

# The golden pair as a run: [PAD] [UNK] [CLS] [SEP] [MASK] a ... z ##a ... ##s
make_run() {
    local network
    for network in generator discriminator; do
        mkdir -p "$1/$network"
        cp "$here"/../model/golden/$network/{config.json,model.safetensors} "$1/$network"
        { printf '[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\n'; printf '%s\n' {a..z}; printf '##%s\n' {a..s}; } > "$1/$network/vocab.txt"
        printf '{"do_lower_case": true}\n' > "$1/$network/tokenizer_config.json"
    done
}

quick() { # OUT ARGUMENTS...: a small fine-tuning
    local out=$1
    shift
    "$electra" finetune --model run --max-seq-length 24 --threads 1 --num-train-epochs 2 --max-restarts 0 --output "$out" "$@" \
        > log 2>&1 || fail "finetune: $(cat log)"
}

# serve ARGUMENTS...: starts a server on a free port; $server is its process and $url its address
serve() {
    rm -f served # of the server before: the shell may empty it late
    "$electra" serve --port 0 --threads 1 --precision fp32 "$@" > served 2>&1 &
    server=$!
    trap 'kill -9 $server 2> /dev/null; rm -rf "$work"' EXIT
    local i
    for i in $(seq 200); do
        url=$(sed -n 's/.*listening on \(http.*\)/\1/p' served 2> /dev/null)
        [ -n "$url" ] && break
        kill -0 $server 2> /dev/null || fail "serve: $(cat served)"
        sleep 0.05
    done
    [ -n "$url" ] || fail "serve does not begin: $(cat served)"
    port=${url##*:}
}

# stops: the server ends by itself, with 0, after SIGTERM
stops() {
    kill -TERM $server
    local code=0
    wait $server || code=$?
    [ $code = 0 ] || fail "exit code $code after SIGTERM: $(cat served)"
}

type=application/json
post() { # ADDRESS JSON [CURL'S ARGUMENTS...]: the body in `out`; prints the code
    curl -s -o out -w '%{http_code}' -H "Content-Type: $type" -d "$2" "${@:3}" "$url$1"
}
get() { curl -s -o out -w '%{http_code}' "${@:2}" "$url$1"; }

# answers ADDRESS JSON WORDS: code 200 and these words, as a pattern of grep -E, in the body
answers() {
    local code
    code=$(post "$1" "$2")
    [ "$code" = 200 ] || fail "$1 $2: $code $(cat out)"
    grep -qE -- "$3" out || fail "$1 $2: no $3 in $(cat out)"
}
# refuses CODE ADDRESS JSON WORDS: this code, and one sentence with these words
refuses() {
    local code
    code=$(post "$2" "$3" "${@:5}")
    [ "$code" = "$1" ] || fail "$2 $3: $code, not $1: $(cat out)"
    grep -q '"error":' out && grep -qE -- "$4" out || fail "$2 $3: no $4 in $(cat out)"
}
