#!/bin/bash
# electra serve and its clients: slow and broken ones hold up nobody, and cannot slip a request past; under load every answer
# belongs to its own request, SIGHUP loses none, a full queue says 429, SIGTERM answers everyone and ends with 0.
electra=$(realpath "$1")
here=$(realpath "$(dirname "$0")")
source "$here/run.bash"
source "$here/serve.bash"
if "$electra" serve --model nowhere 2>&1 | grep -q libmicrohttpd; then
    echo "skipped: built without libmicrohttpd"
    exit 77
fi
make_run run
trap '' PIPE # connections are closed from the other side

# raw TEXT: sent as it is to the server; what comes back until it closes, or for two seconds, in `raw`
raw() {
    exec 9<> "/dev/tcp/127.0.0.1/$port" || fail "no connection"
    printf "$1" >&9 2> /dev/null
    timeout "${2:-2}" cat <&9 > raw
    exec 9>&- 9<&-
}
codes() { grep -aoE 'HTTP/1\.[01] [0-9]+' raw | sed 's/.* //' | tr '\n' ' '; }
expect() { [ "$(codes)" = "$2" ] || fail "$1: codes $(codes), not $2: $(cat raw)"; }

# ---- broken ----
serve --model run --header-timeout 0.6 --body-timeout 0.6 --idle-timeout 1 --max-body-bytes 1000
host='Host: localhost\r\n'
json='Content-Type: application/json\r\n'
body='{"inputs": "ab"}'
raw "POST /detect HTTP/1.1\r\n$host${json}Content-Length: 16\r\nConnection: close\r\n\r\n$body"
expect "a plain request" "200 "
raw "POST /detect HTTP/1.1\r\n$host${json}Content-Length: 16\r\n\r\n${body}POST /detect HTTP/1.1\r\n$host${json}Content-Length: 16\r\nConnection: close\r\n\r\n$body"
expect "two requests behind each other" "200 200 "
raw "POST /detect HTTP/1.1\r\n$host${json}Content-Length: 16\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /info HTTP/1.1\r\n$host\r\n"
expect "Content-Length and Transfer-Encoding" "400 "
raw "POST /detect HTTP/1.1\r\n$host${json}Content-Length: 16\r\nContent-Length: 4\r\n\r\n${body}GET /info HTTP/1.1\r\n$host\r\n"
expect "two lengths" "400 "
raw "GET /info HTTP/1.1\r\n${host}Host: elsewhere\r\nConnection: close\r\n\r\n"
expect "two hosts" "400 "
for spelt in 'Content-Length : 30' 'Content-Length\t: 30' 'Content-Length:\r\n 30' 'Content-Length: 3\r\n 0' 'Transfer-Encoding : chunked' 'Transfer-Encoding:\r\n chunked'; do
    raw "POST /detect HTTP/1.1\r\n$host$json$spelt\r\n\r\nGET /info HTTP/1.1\r\n$host\r\n"
    expect "$spelt" "400 "
done
for spelt in ' Content-Length: 30' ' Transfer-Encoding: chunked' 'X: y\r\n Content-Length: 30' '\rContent-Length: 30'; do
    raw "POST /detect HTTP/1.1\r\n$spelt\r\n$host$json\r\nGET /info HTTP/1.1\r\n$host\r\n"
    expect "$spelt" "400 "
done
raw "GET /info HTTP/1.1\r\n${host}X-Decoded-Content-Length: 30\r\nConnection: close\r\n\r\n"
expect "a header with such a word" "200 "
raw "POST /detect HTTP/1.1\r\n$host${json}Content-Length: 99999999999\r\n\r\n"
expect "a length of 99 GB" "413 "
raw "POST /detect HTTP/1.1\r\n$host${json}Content-Length: -1\r\nConnection: close\r\n\r\n"
case $(codes) in 200*) fail "a negative length: $(cat raw)" ;; esac
raw "GET /info HTTP/1.1\r\n\r\n"
case $(codes) in 400*) ;; *) fail "no Host: $(cat raw)" ;; esac # libmicrohttpd 0.9.75 tells it twice
raw "POST /detect HTTP/1.1\r\n$host${json}Transfer-Encoding: gzip\r\n\r\n$body"
expect "a Transfer-Encoding that is not chunked" "400 "
raw "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\r\n\r\n"
case $(codes) in 200*) fail "TLS is answered: $(cat raw)" ;; esac
for target in http://localhost:80/info HTTP://LOCALHOST/info https://127.0.0.1/info http://localhost/info?model=run http://localhost; do
    raw "GET $target HTTP/1.1\r\nHost: elsewhere\r\nConnection: close\r\n\r\n"
    expect "$target" "200 "
done
for target in http://elsewhere/info http:///info "http://$(printf '%300s' | tr ' ' a)/info"; do
    raw "GET $target HTTP/1.1\r\n${host}Connection: close\r\n\r\n"
    expect "$target" "421 "
done
raw "GET /info HTTP/1.1\r\nHost: \r\nConnection: close\r\n\r\n"
expect "an empty host" "421 "
raw "GET http://localhost/nothing HTTP/1.1\r\n${host}Connection: close\r\n\r\n"
expect "no such address in another form" "404 "
raw "GET /$(printf '%20000s' | tr ' ' a) HTTP/1.1\r\n$host\r\n"
expect "a long address" "404 "
raw "GET /$(printf '%70000s' | tr ' ' a) HTTP/1.1\r\n$host\r\n"
case $(codes) in 4*) ;; *) fail "an address without end: $(head -c 300 raw)" ;; esac

# ---- slow ----
# Each holds its connection for less than four seconds although it sends a byte every 0.2 seconds; meanwhile others are answered.
trickle() { # HEAD NAME
    local began=$SECONDS i
    exec 8<> "/dev/tcp/127.0.0.1/$port" || fail "no connection"
    printf "$1" >&8
    for i in $(seq 40); do
        printf 'a' >&8 2> /dev/null || break
        sleep 0.2
    done
    exec 8>&- 8<&-
    [ $((SECONDS - began)) -lt 5 ] || echo "$2 was held for $((SECONDS - began)) seconds" >> held
}
trickle "POST /detect HTTP/1.1\r\n${host}X-Slow: " "a trickled header" &
one=$!
trickle "POST /detect HTTP/1.1\r\n$host${json}Content-Length: 900\r\n\r\n{" "a trickled body" &
two=$!
trickle "" "a trickled first line" &
three=$!
exec 7<> "/dev/tcp/127.0.0.1/$port" # one that says nothing, and one that leaves in the middle
exec 6<> "/dev/tcp/127.0.0.1/$port"
printf "POST /detect HTTP/1.1\r\n$host${json}Content-Length: 900\r\n\r\n{\"inp" >&6
exec 6>&- 6<&-
for i in 1 2 3 4 5; do
    began=$(date +%s%N)
    answers /detect '{"inputs": "ab"}' piece
    [ $((($(date +%s%N) - began) / 1000000)) -lt 1000 ] || fail "slow clients hold up others"
    sleep 0.3
done
wait $one $two $three
[ ! -e held ] || fail "$(cat held)"
timeout 2 cat <&7 > raw
exec 7>&- 7<&-
get /metrics > code
grep -qE '^electra_connections [0-2]$' out || fail "connections are left: $(grep connections out)"
stops

# ---- many, each with its own text ----
serve --model run --max-inputs 8
word() { printf '%d' "$1" | tr '0-9' 'a-j'; }
client() { # NUMBER: asks for its own words, and looks whether the answer is theirs
    local i n mine="" config=client.$1
    for i in $(seq 60); do
        n=$(($1 * 1000 + i))
        printf 'next\nurl = "%s/tokenize"\nsilent\nheader = "Content-Type: application/json"\ndata = "{\\"inputs\\": \\"%s\\"}"\noutput = "%s.%d.t"\n' "$url" "$(word $n)" "$config" "$i"
        printf 'next\nurl = "%s/detect"\nsilent\nfail\nheader = "Content-Type: application/json"\ndata = "{\\"inputs\\": [\\"a\\", \\"%s\\", \\"b c %s\\"]}"\noutput = "%s.%d.d"\n' "$url" "$(word $n)" "$(word $n)" "$config" "$i"
    done | sed 1d > "$config"
    curl -K "$config" > "$config.said" 2>&1 || { echo "client $1: $(cat "$config.said")" >> wrong; return; }
    for i in $(seq 60); do
        ids() { grep -oE '"id":[0-9]+,"' "$1" | tr '\n' ' '; }
        mine=$(grep -oE '"id":[0-9]+,"text":"[^"]*","special":false' "$config.$i.t" | grep -oE '"id":[0-9]+' | tr '\n' ' ')
        got=$(sed 's/^\[\[[^]]*\],\[\([^]]*\)\].*/\1/' "$config.$i.d" | grep -oE '"id":[0-9]+' | tr '\n' ' ')
        [ -n "$mine" ] && [ "$mine" = "$got" ] || echo "client $1, request $i: $got, not $mine" >> wrong
    done
}
clients=()
for n in 1 2 3 4; do client $n & clients+=($!); done
for i in 1 2 3 4 5; do
    sleep 0.1
    kill -HUP $server
done
wait "${clients[@]}"
[ ! -e wrong ] || fail "$(head -n 5 wrong)"
mv run/discriminator/model.safetensors kept
kill -HUP $server
for i in $(seq 200); do grep -q 'is kept' served && break; sleep 0.05; done
grep -q 'loaded anew' served || fail "nothing was loaded anew: $(cat served)"
grep -qE '^electra serve: warning: .*model.safetensors.*what was loaded before is kept$' served || fail "a missing file is not told: $(cat served)"
answers /detect '{"inputs": "ab"}' piece
mv kept run/discriminator/model.safetensors
stops

# ---- what SIGHUP loads anew, and what it keeps ----
for name in one two three; do cp -r run $name; done
echo secret > keys
serve --model one --model two --model three --api-key-file keys
rm -r one two keys
kill -HUP $server
for i in $(seq 200); do grep -q '^electra serve: three: loaded anew$' served && break; sleep 0.05; done
for line in 'warning: keys: .*' 'warning: one: .*' 'warning: two: .*' 'three: loaded anew'; do
    [ "$(grep -cE "^electra serve: $line$" served)" = 1 ] || fail "not one line \"$line\": $(cat served)"
done
[ "$(grep -c 'is kept$' served)" = 3 ] || fail "three were lost: $(cat served)"
[ "$(post '/detect?model=one' '{"inputs": "ab"}' -H 'Authorization: Bearer secret')" = 200 ] || fail "what is kept does not answer: $(cat out)"
stops

# ---- more than there is room for ----
serve --model run --max-queue-requests 2 --max-batch-tokens 32
text=$(printf 'ab c %.0s' $(seq 300))
flood=()
for n in $(seq 12); do
    curl -s -o "flood.$n" -D "flood.$n.h" -w '%{http_code}\n' -H 'Content-Type: application/json' -d "{\"inputs\": [\"$text\", \"$text\", \"$text\"]}" "$url/detect" > "flood.$n.c" &
    flood+=($!)
done
sleep 0.15
kill -TERM $server # while some wait
wait "${flood[@]}"
code=0
wait $server || code=$?
[ $code = 0 ] || fail "exit code $code under load: $(cat served)"
sort flood.*.c | uniq -c > flood.codes
grep -q ' 200$' flood.codes || fail "nobody is answered: $(cat flood.codes)"
! grep -qvE ' (200|429|503|000)$' flood.codes || fail "other codes: $(cat flood.codes)"
for n in $(seq 12); do
    case $(cat "flood.$n.c") in
    200) [ "$(tail -c 2 "flood.$n")" = "]]" ] || fail "half an answer: $(tail -c 100 "flood.$n")" ;;
    429) grep -qiE '^retry-after: [1-9]' "flood.$n.h" && grep -q '"error_type":"Overloaded"' "flood.$n" || fail "429 without Retry-After: $(cat "flood.$n.h")" ;;
    esac
done
