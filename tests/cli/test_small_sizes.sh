# pretrain with networks as narrow as can be: they train, or are refused by one sentence; none aborts.
electra=$(realpath "$1")
source "$(dirname "$(realpath "$0")")/run.bash"
text 60 1 > train.txt
"$electra" vocab --vocab-size 40 --output vocab.txt train.txt 2> log || fail "vocab: $(cat log)"
"$electra" prepare --vocab vocab.txt --max-seq-length 8 --output shards train.txt > log 2>&1 || fail "prepare: $(cat log)"

# try CODES SETTING...: a step with these settings ends with one of the codes.
try() {
    local codes=$1
    shift
    "$electra" pretrain --data shards --output run --overwrite --model-size tiny --hidden-size 8 --num-attention-heads 2 \
        --intermediate-size 16 --num-hidden-layers 2 --train-batch-size 2 --num-train-steps 1 --threads 1 "$@" > out 2> log
    local got=$?
    case " $codes " in *" $got "*) ;; *) fail "$*: exit code $got, not one of $codes: $(cat log)" ;; esac
    [ $got = 0 ] || [ "$(wc -l < log)" = 1 ] || fail "$*: more than a sentence: $(cat log)"
}

for n in 1 2 3 4 5 6 7 8 9; do
    try 0 --hidden-size $n --num-attention-heads 1
    try 0 --hidden-size $n --num-attention-heads $n --embedding-size $((10 - n))
    try 0 --intermediate-size $n
    try 0 --generator-intermediate-size $n --precision bf16
    try 0 --embedding-size $n
    try "0 2" --num-attention-heads $n
    try "0 2" --max-position-embeddings $n
done
case $("$electra" info --devices 2> log) in *neon*) lowest=neon ;; *) lowest=baseline ;; esac
for n in 1 2 3; do
    try 0 --hidden-size $n --num-attention-heads 1 --intermediate-size 1 --embedding-size 1 --precision bf16
    try 0 --hidden-size $n --num-attention-heads 1 --intermediate-size 1 --instruction-set $lowest
    try 0 --hidden-size $n --num-attention-heads 1 --intermediate-size $n --num-hidden-groups 1
    try "0 2" --hidden-size $n --num-attention-heads 1 --intermediate-size $n --objective permutation
done
try 0 --generator-hidden-size 0.01 --generator-layers 0.01
try 0 --hidden-size 1 --num-attention-heads 1 --intermediate-size 1
"$electra" evaluate --model run --data shards --max-batches 1 > out 2> log || fail "evaluate: $(cat log)"

# A vocabulary of the fewest pieces, and shards of the shortest examples.
printf '[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\na\n' > vocab.txt
yes "a a a a" | head -30 > train.txt
"$electra" prepare --vocab vocab.txt --max-seq-length 8 --output shards --overwrite train.txt > log 2>&1 || fail "prepare: $(cat log)"
try 0 --hidden-size 1 --num-attention-heads 1
