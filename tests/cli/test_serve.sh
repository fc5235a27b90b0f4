#!/bin/bash
# electra serve: every address answers in its form and with the numbers that the commands print; what is wrong is told with
# the right code and one sentence.
electra=$(realpath "$1")
here=$(realpath "$(dirname "$0")")
source "$here/run.bash"
source "$here/serve.bash"
if "$electra" serve --model nowhere 2>&1 | grep -q libmicrohttpd; then
    echo "skipped: built without libmicrohttpd"
    exit 77
fi

# ---- models ----
make_run run
seq 40 | awk -v OFS='\t' '{ print NR % 2 ? "ab c" : "d ef", NR % 2 ? "x" : "yz", NR % 2 }' > pairs.tsv
seq 40 | awk '{ printf "ab B-PER\ncd I-PER\n. O\nef B-LOC\n\n" }' > tags.conll
seq 20 | awk 'BEGIN { printf "{\"version\": \"v2.0\", \"data\": [{\"title\": \"t\", \"paragraphs\": [{\"context\": \"ab cd ef gh\", \"qas\": [" }
    { printf "%s{\"id\": \"q%d\", \"question\": \"wh a\", \"is_impossible\": %s}", (NR > 1 ? ", " : ""), NR, (NR % 4 ? "false, \"answers\": [{\"text\": \"cd\", \"answer_start\": 3}]" : "true, \"answers\": []") }
    END { print "]}]}]}" }' > squad.json
quick rank --task regress --train-file pairs.tsv --dev-file pairs.tsv --text-column 1 --second-column 2 --label-column 3
quick classes --task classify --train-file pairs.tsv --dev-file pairs.tsv --text-column 1 --label-column 3
quick tags --task tag --train-file tags.conll --dev-file tags.conll
quick answers --task squad --train-file squad.json --dev-file squad.json --max-query-length 8 --doc-stride 4 --max-answer-length 4

# ---- a model of pre-training ----
serve --model run --max-body-bytes 4000 --max-inputs 4 --max-request-tokens 300 --log-requests
[ "$(get /health)" = 200 ] && [ "$(get /livez)" = 200 ] && [ "$(get /readyz)" = 200 ] || fail "it is not alive: $(cat served)"
[ "$(get /)" = 200 ] && grep -q '<!doctype html>' out || fail "no page: $(head -c 200 out)"
! grep -qE '(src|href)="?(https?:)?//' out || fail "the page asks elsewhere"
! grep -q '{{nonce}}' out || fail "the page has no number"
[ "$(get /openapi.json)" = 200 ] && grep -q '"openapi": "3' out || fail "no openapi.json"
[ "$(get /info)" = 200 ] && grep -q '"asks":\["embed","detect","fill"\]' out || fail "info: $(cat out)"
[ "$(get /v1/models)" = 200 ] && grep -q '"id":"run"' out || fail "models: $(cat out)"

numbers() { grep -oE "\"$1\": ?[0-9.e-]+" | sed 's/.*: *//'; }
close() { # WHAT FILE FILE: numbers that agree to 1e-6
    paste "$2" "$3" | awk -v what="$1" '{ n++; d = $1 - $2; if (NF != 2 || d > 1e-6 || d < -1e-6) { print what ": " $0; bad = 1 } } END { exit bad || n == 0 }' >&2 ||
        fail "$1 differ"
}
long=$(printf 'ab c %.0s' $(seq 40))
for text in "ab [MASK] c" "$long" ""; do
    answers /detect "{\"inputs\": \"$text\"}" '^\[\['
    numbers probability < out > served.p
    [ -z "$text" ] && continue
    "$electra" detect --model run --threads 1 --json "$text" 2> log | numbers probability > said.p
    close "probabilities of \"$text\"" served.p said.p
done
answers /fill '{"inputs": "ab [MASK] c", "top_k": 4}' '^\[\[\{"score":[^}]*"token":[0-9]+,"token_str":"[^"]*","sequence":"ab'
numbers score < out > served.p
"$electra" fill --model run --threads 1 --json --top-k 4 "ab [MASK] c" | numbers probability > said.p
close "guesses" served.p said.p
answers /fill '{"inputs": ["[MASK]", "a [MASK] [MASK]"], "top_k": 1}' '^\[\[\[\{.*\}\]\],\[\[\{.*\}\],\[\{.*\}\]\]\]$'
answers /embed '{"inputs": ["ab c", "d"]}' '^\[\[-?[0-9.e-]+(,-?[0-9.e-]+){31}\],\['
tr ',' '\n' < out | tr -d '[]' > served.p
printf 'ab c\nd\n' | "$electra" embed --model run --threads 1 --precision fp32 --normalize --json - 2> log | grep -oE '\[.*\]' | tr ',' '\n' | tr -d '[]' > said.p
close "vectors" served.p said.p
answers /v1/embeddings '{"input": "ab c", "model": "any"}' '"object":"list","data":\[\{"object":"embedding","index":0,"embedding":\[.*"usage":\{"prompt_tokens":5,"total_tokens":5\}\}$'
answers /v1/embeddings '{"input": ["ab c"], "encoding_format": "base64"}' '"embedding":"[A-Za-z0-9+/]{171}="'
# Ids for a text (a 5, ##b 32, c 7; [CLS] 2, [SEP] 3): the same vectors, with the two ends or without.
answers /v1/embeddings '{"input": "ab c"}' data && cp out want
for ids in '[5, 32, 7]' '[2, 5, 32, 7, 3]' '[[5, 32, 7]]'; do
    answers /v1/embeddings "{\"input\": $ids}" data && cmp -s want out || fail "ids $ids have another vector than their text: $(cat out)"
done
answers /embed '{"inputs": ["ab c", "d"], "dimensions": 32, "truncation_direction": "Right"}' '^\[\[' && cp out want
answers /embed '{"inputs": [[5, 32, 7], [8]]}' '^\[\[' && cmp -s want out || fail "lists of ids have other vectors"
answers /v1/embeddings '{"input": [5], "other": 99999999999999999999}' data
refuses 422 /v1/embeddings '{"input": [5.5]}' "number 0 is no id"
refuses 422 /v1/embeddings '{"input": [32, 5]}' "no text has these ids"
refuses 422 /v1/embeddings '{"input": [[5], [50]]}' "input 1: number 0 is no id"
refuses 422 /v1/embeddings '{"input": [[5], []]}' "input 1 is not a text"
refuses 422 /v1/embeddings '{"input": "ab", "dimensions": 8}' "dimensions: the vectors have 32"
refuses 422 /embed '{"inputs": "ab", "prompt_name": "query"}' "prompt_name"
refuses 422 /embed '{"inputs": "ab", "truncation_direction": "left"}' "truncation_direction"
refuses 422 /detect '{"inputs": [[5]]}' "inputs 0 is not a text"
answers /tokenize '{"inputs": "ab 🐦 한", "offsets": "codepoints"}' '"text":"##b","special":false,"start":1,"stop":2\},\{"id":1,"text":"\[UNK\]","special":true,"start":3,"stop":4\},\{"id":1,"text":"\[UNK\]","special":true,"start":5,"stop":6\}'
answers /tokenize '{"inputs": "ab 🐦 한", "offsets": "utf16", "add_special_tokens": false}' '"start":3,"stop":5\},\{"id":1,"text":"\[UNK\]","special":true,"start":6,"stop":7\}\]\]$'
answers /tokenize '{"inputs": "ab 🐦 한", "offsets": "bytes"}' '"start":3,"stop":7\},\{"id":1,"text":"\[UNK\]","special":true,"start":8,"stop":11\}'
answers /detect '{"inputs": "a\u0000b"}' '"begin":2,"end":3' # what no model reads moves no offset
answers / '{"inputs": "ab"}' '"piece":"a".*"continues":false.*"piece":"##b".*"continues":true'

# The same bits alone and in company.
answers /detect '{"inputs": "ab c"}' .
sed 's/^\[//; s/\]$//' out > alone
answers /detect "{\"inputs\": [\"d ef\", \"ab c\", \"$long\", \"ab c\"]}" .
[ "$(grep -oF "$(cat alone)" out | wc -l)" = 2 ] || fail "a text in company is answered otherwise: $(cat alone) $(cat out)"

# What is wrong.
refuses 400 /detect '{"inputs": "a"' "not JSON"
refuses 400 /detect "$(printf '[%.0s' $(seq 3000))" "not JSON"
refuses 422 /detect '{"inputs": "a", "x": 1e999}' "number"
refuses 400 /detect "$(printf '{"inputs": "\xff"}')" "not JSON"
refuses 422 /detect '["a"]' "not a JSON object"
refuses 422 /detect '{}' "inputs is missing"
refuses 422 /detect '{"inputs": 5}' "neither a text nor a list"
refuses 422 /detect '{"inputs": []}' "no input"
refuses 422 /detect '{"inputs": ["a", 5]}' "inputs 1 is not a text"
refuses 422 /detect '{"inputs": ["a", "a", "a", "a", "a"]}' "more than the 4"
refuses 422 /detect '{"inputs": "a", "offsets": "words"}' "offsets"
refuses 422 /fill '{"inputs": "a"}' "no \[MASK\]"
refuses 422 /fill '{"inputs": "[MASK]", "top_k": 0}' "top_k"
refuses 422 /fill '{"inputs": "[MASK]", "top_k": 99999999999999999999}' "top_k"
refuses 422 /fill "{\"inputs\": [\"[MASK]\", \"$(printf '[MASK]%.0s' $(seq 500))\"], \"top_k\": 20}" "4194304 that one answer has"
answers /fill '{"inputs": "[MASK]", "top_k": 2.0, "other": 99999999999999999999}' '^\[\[\{'
refuses 422 /fill '{"inputs": "[MASK]", "model": 5}' "model is not a text"
refuses 422 /embed '{"inputs": "a", "normalize": "yes"}' "normalize"
refuses 422 /detect '{"inputs": "a", "offsets": "chars"}' "none of codepoints, bytes and utf16"
refuses 422 /v1/embeddings '{"input": "a", "encoding_format": "int8"}' "neither float nor base64"
refuses 422 /embed "{\"inputs\": \"$long\", \"truncate\": false}" "truncate is false"
refuses 422 /detect "{\"inputs\": [\"$long\", \"$long\"]}" "300 tokens"
refuses 422 /tokenize "{\"inputs\": [\"$long\", \"$long\", \"$long\"]}" "300 tokens"
refuses 422 /predict '{"inputs": "a"}' "cannot predict"
refuses 422 /rerank '{"query": "a", "texts": ["b"]}' "does not rank"
refuses 422 /tag '{"inputs": "a"}' "does not tag"
refuses 422 /v1/embeddings '{"input": [true]}' '^\{"error":\{"message":"[^"]*","type":"Validation","param":null,"code":422\}\}$'
refuses 413 /detect "{\"inputs\": \"$(printf '%4100s' x)\"}" "longer than is taken"
refuses 413 /detect "{\"inputs\": \"$(printf '%4100s' x)\"}" "longer than is taken" -H 'Transfer-Encoding: chunked'
for type in text/plain application/jsonx; do refuses 415 /detect '{"inputs": "a"}' "Content-Type"; done
type="application/json; charset=utf-8"
refuses 404 /v1/nothing '{"inputs": "a"}' '^\{"error":\{"message":"there is no such address.*"type":"NotFound","param":null,"code":404\}\}$'
refuses 404 /nothing '{"inputs": "a"}' "no such address"
refuses 405 /metrics '{}' 'method.*"error_type":"MethodNotAllowed"'
refuses 421 /detect '{"inputs": "a"}' "host" -H 'Host: elsewhere.example'
[ "$(get /detect -X DELETE -D head)" = 405 ] && grep -qi '^allow: POST' head || fail "no Allow: $(cat head)"
[ "$(get /info -H 'Host: localhost')" = 200 ] || fail "localhost is not served: $(cat out)"
[ "$(get /info -I)" = 200 ] || fail "HEAD: $(cat out)"
[ "$(post /detect '{"inputs": "a"}' -D head -H 'X-Request-Id: mine-1')" = 200 ] || fail "$(cat out)"
grep -qi '^x-request-id: mine-1' head && grep -qi '^x-compute-tokens: 3' head || fail "headers: $(cat head)"

[ "$(get /metrics)" = 200 ] || fail "no metrics"
grep -qE '^electra_request_success\{route="/detect"\} [1-9]' out && grep -q '^electra_request_failure{code="422"} ' out &&
    grep -qE '^electra_request_duration_bucket\{le="\+Inf"\} [1-9]' out && grep -qE '^process_resident_memory_bytes [1-9]' out || fail "metrics: $(cat out)"
stops
grep -qE '"id":"mine-1","method":"POST","route":"/detect","status":200,"inputs":1,"tokens":3,' served || fail "no log of a request: $(cat served)"
! grep -q 'ab c' served || fail "a text is in the log: $(grep -m 1 'ab c' served)"

# ---- fine-tuned models, several at once ----
for again in 2 10; do cp -r classes/trial-1 classes/trial-1-again-$again; done # as if it had begun anew
serve --model classes=classes --model rank --model tags=tags --model answers --log-texts
answers /rerank '{"query": "ab c", "texts": ["yz", "x"]}' '^\[\{"index"' # nobody is named: who was taught what is asked
answers /tag '{"inputs": "ab cd. ef"}' '^\[(\{"entity_group".*)?\]$'
answers /answer '{"question": "wh a", "context": "ab cd ef gh"}' '^\{"answer"'
answers /predict '{"inputs": "ab c"}' '^\[\{"label":"[01]"'
answers /rerank '{"query": "ab c", "texts": ["yz", "x", "ab"], "return_text": true, "model": "rank"}' '^\[\{"index":[0-2],"score":-?[0-9.e-]+,"text":"[a-z]+"\},\{'
numbers score < out > served.p
LC_ALL=C sort -gr served.p | cmp -s - served.p || fail "ranks do not fall: $(cat out)"
LC_ALL=C sort -gr < <(printf 'ab c\tyz\nab c\tx\nab c\tab\n' | "$electra" predict --model rank --threads 1 --precision fp32 --format tsv --text-column 1 --second-column 2 --json - 2> log |
    numbers value) > said.p
close "ranks" served.p said.p
answers /v1/rerank '{"query": "ab c", "documents": ["yz", {"text": "x"}], "top_n": 1, "model": "rank"}' '^\{"results":\[\{"index":[01],"relevance_score":-?[0-9.e-]+\}\],"model":"rank"'
answers /predict '{"inputs": "ab c", "model": "classes"}' '^\[\{"label":"[01]","score":0\.[0-9]+\},\{"label":"[01]","score":0\.[0-9]+\}\]$'
answers /predict '{"inputs": [["ab c"], ["d"]], "model": "classes"}' '^\[\[\{"label".*\]\]$'
answers '/predict?model=classes' '{"inputs": ["ab c"]}' '^\[\{"label"'
answers /predict '{"inputs": ["ab c", "x"], "model": "rank"}' '^\[\{"label":"LABEL_0","score":-?[0-9.e-]+\}\]$'
answers /tag '{"inputs": "ab cd. ef", "model": "tags"}' '^\[(\{"entity_group":"(PER|LOC)","score":0\.[0-9]+,"word":"[a-z. ]+","start":[0-9]+,"end":[0-9]+\},?)*\]$'
answers /answer '{"inputs": {"question": "wh a", "context": "ab cd ef gh"}, "model": "answers"}' '^\{"answer":"[a-z ]*","score":[0-9.e-]+,"start":[0-9]+,"end":[0-9]+,"null_odds":-?[0-9.e-]+\}$'
answers /answer '{"inputs": ["wh a", "ab cd ef gh"], "model": "answers", "top_k": 2}' '^\[\{"answer":"[a-z ]+"'
answers /answer '{"question": "wh a", "context": "ab cd ef gh", "model": "answers"}' '^\{"answer"'
answers /embed '{"inputs": "ab"}' '^\[\['
refuses 404 /predict '{"inputs": "ab c", "model": "other"}' "no model of this name"
refuses 422 /predict '{"inputs": "a", "model": "rank"}' "pairs"
refuses 422 /predict '{"inputs": ["a", "b"], "model": "classes"}' "single texts: .*is a pair, .* a batch"
refuses 422 /answer '{"inputs": "a", "model": "answers"}' "both are wanted"
refuses 422 /tag '{"inputs": ["a", "b"], "model": "tags"}' "not a pair"
refuses 422 /predict '{"inputs": ["a", "b", "c"], "model": "classes"}' "3 texts"
for model in classes rank answers; do
    refuses 422 /tag "{\"inputs\": \"a\", \"model\": \"$model\"}" "model $model does not tag: it was not taught tags"
done
for model in classes rank tags; do
    refuses 422 /answer "{\"question\": \"a\", \"context\": \"b\", \"model\": \"$model\"}" "model $model does not answer questions"
done
[ "$(get '/curves?model=classes')" = 200 ] && grep -q '"accuracy": \[\[' out || fail "curves: $(cat out)"
for kept in trial-1:false trial-1-again-2:false trial-1-again-10:true; do
    grep -q "\"name\": \"${kept%:*}\", \"figures\": {[^{}]*}, \"kept\": ${kept#*:}" out || fail "not $kept: $(cat out)"
done
stops
grep -q '"texts":\["ab c","x"\]' served || fail "--log-texts logs none: $(cat served)"

# ---- keys ----
printf '\xef\xbb\xbfone\r\n\n \tsecret-two \n' > keys # with the mark of an editor of Windows
cp -r run rate=1
serve --model rate=1 --api-key-file keys # a folder, though it looks like NAME=FOLDER
refuses 401 /detect '{"inputs": "a"}' "a key is wanted"
refuses 401 /detect '{"inputs": "a"}' "no key of the server" -H 'Authorization: Bearer secret-twO'
[ "$(get /info)" = 401 ] && [ "$(get /health)" = 200 ] && [ "$(get /)" = 200 ] || fail "keys and addresses: $(cat out)"
for key in one secret-two; do
    [ "$(post /detect '{"inputs": "a"}' -H "Authorization: Bearer $key")" = 200 ] || fail "$key: $(cat out)"
done
! grep -q secret served || fail "a key is in the log"
stops

# ---- other addresses ----
serve --model run --host 127.0.0.2
[ "$(get /info)" = 200 ] || fail "its own address is not served: $(cat out)"
[ "$(get /info -H 'Host: localhost')" = 200 ] && [ "$(get /info -H 'Host: 127.0.0.3')" = 421 ] || fail "hosts: $(cat out)"
stops
if [ -e /proc/net/if_inet6 ]; then
    serve --model run --host ::ffff:127.0.0.1
    [ "$(get /info -H 'Host: 127.0.0.1')" = 200 ] && [ "$(get /info -H 'Host: elsewhere.example')" = 421 ] || fail "a local address of IPv4 in IPv6: $(cat out)"
    stops
fi
serve --model run --allow-hosts "other.example, ::2"
for probe in health livez readyz; do
    [ "$(get /$probe -H 'Host: 10.0.0.7:8080')" = 200 ] || fail "a probe by a number: $(cat out)"
done
for name in '[::1]:80' other.example '[::2]'; do
    [ "$(get /info -H "Host: $name")" = 200 ] || fail "$name is not served: $(cat out)"
done
for name in other.example.org '[::21]'; do
    [ "$(get /info -H "Host: $name")" = 421 ] || fail "$name is served: $(cat out)"
done
stops

# ---- other precisions ----
serve --model run --precision int8
[ "$(get /info)" = 200 ] && grep -q '"model_dtype":"int8"' out || fail "int8: $(cat out)"
answers /detect '{"inputs": "ab c"}' piece
stops

# ---- what cannot be begun ----
refused 2 "model is missing" "$electra" serve
refused 3 "nowhere" "$electra" serve --model nowhere
for ask in "serve" "detect" "embed --json vocab.txt"; do
    for device in gpu avx2 ""; do
        refused 2 "device: \"$device\" is none of auto, cpu, cuda, cuda:0" "$electra" $ask --model run --device "$device"
    done
    refused 2 "instruction-set: is the processor's" "$electra" $ask --model run --device cuda --instruction-set baseline
done
refused 2 "two models are called run" "$electra" serve --model run --model run
refused 2 "is not UTF-8" "$electra" serve --model "$(printf 'm\xff=run')"
refused 2 "not the number of an address" "$electra" serve --model run --host example.org
cp -r run/discriminator short
echo '[{"path": "", "type": "sentence_transformers.models.Transformer"}]' > short/modules.json
echo '{"max_seq_length": 2}' > short/sentence_bert_config.json
refused 3 "at most 2 tokens" "$electra" serve --model short
: > none
refused 2 "empty name" "$electra" serve --model run --allow-hosts "a.example, ,b.example"
refused 3 "no key in it" "$electra" serve --model run --api-key-file none
printf 'one\ntwo # mobile\n' > spaced
refused 3 "line 2: a key has no blank" "$electra" serve --model run --api-key-file spaced
serve --model run
refused 1 "in use" "$electra" serve --model run --port "$port"
refused 1 "in use" "$electra" serve --model run --port "$port" --check
refused 3 "nowhere" "$electra" serve --model run --model nowhere --port 0 --check
timeout 60 "$electra" serve --model run --model sorted=classes --port 0 --check 2> log && grep -q 'nothing is wrong: it would serve 2 models' log || fail "--check: $(cat log)"
stops
