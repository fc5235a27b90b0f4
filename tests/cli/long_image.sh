#!/bin/bash
# The steps of the Dockerfile, each RUN in turn, make a program in a bare Debian 12 that detects in an empty root.
# Skipped where root, debootstrap or a mirror is missing.
electra=$(realpath "$1")
root=$(realpath "$(dirname "$0")/../..")
here=$(realpath "$(dirname "$0")")
source "$here/run.bash"
skip() { echo "skipped: $*"; exit 77; }
command -v debootstrap > /dev/null || skip "debootstrap is not installed"
[ "$(id -u)" = 0 ] || skip "a bare system needs root"
mirror=$(sed -nE 's/^(deb|URIs:) +(https?:[^ ]*debian).*/\2/p' /etc/apt/sources.list /etc/apt/sources.list.d/*.sources 2> /dev/null | head -1)
debootstrap --variant=minbase bookworm bare "${mirror:-http://deb.debian.org/debian}" > log 2>&1 || skip "debootstrap: $(tail -1 log)"
mkdir bare/electra && (cd "$root" && tar $(sed 's|^|--exclude=./|' .dockerignore) -cf - .) | tar -C bare/electra -xf -
mount --bind /proc bare/proc 2> /dev/null; trap 'umount bare/proc 2> /dev/null; rm -rf "$work"' EXIT
while read -r step; do
    chroot bare /usr/bin/env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8 sh -c "cd /electra && $step" > log 2>&1 || fail "$step: $(tail -5 log)"
done < <(sed -n 's/^RUN //p' "$root/Dockerfile")
umount bare/proc 2> /dev/null
from=$(sed -nE 's|^COPY --from=build ([^ ]+) .*|\1|p' "$root/Dockerfile")
make_data
"$electra" pretrain --data shards --model-size tiny --hidden-size 64 --embedding-size 64 --num-train-steps 3 --threads 1 \
    --output run 2> log || fail "pretrain: $(cat log)"
mkdir image && cp "bare$from" image/electra && cp -r run image/model
"$electra" detect --model run --precision fp32 --json "the cat sees" > want 2> log
chroot image /electra detect --model /model --precision fp32 --json "the cat sees" > have 2> log || fail "in the image: $(cat log)"
cmp want have || fail "the image has other numbers"
source "$here/serve.bash"
electra=$work/in_image
printf '#!/bin/bash\nexec chroot "%s/image" /electra "$@"\n' "$work" > "$electra" && chmod +x "$electra"
serve --model /model
answers /detect '{"inputs": "the cat sees"}' '"probability":'
stops
