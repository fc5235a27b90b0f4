# The score of a sentence by Electric is minus the sum of its tokens' energies, which its discriminator gives as logits.
electra=$(realpath "$1")
source "$(dirname "$(realpath "$0")")/run.bash"
text 200 1 > train.txt
"$electra" vocab --vocab-size 150 --output vocab.txt train.txt > log 2>&1 || fail "vocab: $(cat log)"
"$electra" prepare --vocab vocab.txt --max-seq-length 32 --output shards train.txt > log 2>&1 || fail "prepare: $(cat log)"
"$electra" pretrain --data shards --output electric --model-size tiny --hidden-size 32 --embedding-size 32 --objective electric \
    --num-train-steps 8 --train-batch-size 4 --threads 1 --precision fp32 2> log || fail "pretrain: $(cat log)"

# Where nothing says that they are energies, detect takes them for log-odds.
cp -r electric/discriminator plain
sed -i 's/"electric"/"electra"/' plain/config.json
sentence="the small cat sees the old tree while a dog eats a bird ."
"$electra" detect --model plain --json "$sentence" > detect.json 2> log || fail "detect: $(cat log)"
wanted=$(grep -o '"probability":[^}]*' detect.json | sed 's/.*://' | awk '{ s -= log($1 / (1 - $1)) } END { print s }')
said=$("$electra" score --model electric --threads 1 "$sentence" 2> log | cut -f1) || fail "score: $(cat log)"
awk -v a="$said" -v b="$wanted" 'BEGIN { exit !(a != 0 && a - b < 1e-3 && b - a < 1e-3) }' || fail "$said, not minus the energies: $wanted"
echo "minus the sum of the energies"
