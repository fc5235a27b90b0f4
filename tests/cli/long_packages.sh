#!/bin/bash
# The packages: lintian finds no error, they are the same bytes when made again, they install in a bare Debian 12, detect, and
# are gone when purged; the static program runs in an empty root; kernels are compiled with -O3 whatever a packager asks for.
# Skipped where debhelper, root, debootstrap or a mirror is missing.
electra=$(realpath "$1")
root=$(realpath "$(dirname "$0")/../..")
here=$(realpath "$(dirname "$0")")
source "$here/run.bash"
build=$(dirname "$electra")
skip() { echo "skipped: $*"; exit 77; }
for tool in dh dpkg-buildpackage lintian debootstrap chroot; do
    command -v $tool > /dev/null || skip "$tool is not installed"
done
[ "$(id -u)" = 0 ] || skip "a bare system needs root"
mirror=$(sed -nE 's/^(deb|URIs:) +(https?:[^ ]*debian).*/\2/p' /etc/apt/sources.list /etc/apt/sources.list.d/*.sources 2> /dev/null | head -1)

# Flags of a packager.
mkdir flags && cmake -G Ninja -S "$root" -B flags -DCMAKE_BUILD_TYPE=None -DCMAKE_C_FLAGS="-O2 -g" -DBUILD_TESTING=OFF > log 2>&1 ||
    fail "configuring: $(tail -3 log)"
grep '"command"' flags/compile_commands.json | grep 'ops/cpu/kernels/' > kernels
[ -s kernels ] && ! grep -vq -- '-O2 .* -O3 ' kernels || fail "kernels lose -O3: $(grep -v -- '-O2 .* -O3 ' kernels | head -1)"

made=$build/packages
cmake --build "$build" --target package > log 2>&1 || fail "package: $(tail -5 log)"
cp "$made/SHA256SUMS" first
cmake --build "$build" --target package > log 2>&1 || fail "package again: $(tail -5 log)"
diff first "$made/SHA256SUMS" >&2 || fail "made again they are other bytes"
(cd "$made" && sha256sum --quiet -c SHA256SUMS) || fail "checksums"
lintian --fail-on error "$made"/*.deb > log 2>&1 || fail "lintian: $(cat log)"

make_data
"$electra" pretrain --data shards --model-size tiny --hidden-size 64 --embedding-size 64 --num-train-steps 3 --threads 1 \
    --output run 2> log || fail "pretrain: $(cat log)"
"$electra" detect --model run --precision fp32 --json "the cat sees" > want 2> log || fail "detect: $(cat log)"

# An empty root, and the static program.
mkdir empty && tar -C empty --strip-components=1 -xf "$made"/electra-*-linux-x86_64.tar.xz && cp -r run empty
chroot empty /bin/electra detect --model /run --precision fp32 --json "the cat sees" > have 2> log || fail "in an empty root: $(cat log)"
cmp want have || fail "the static program has other numbers"
source "$here/serve.bash"
packaged=$electra
electra=$work/in_empty
printf '#!/bin/bash\nexec chroot "%s/empty" /bin/electra "$@"\n' "$work" > "$electra" && chmod +x "$electra"
serve --model /run
answers /detect '{"inputs": "the cat sees"}' '"probability":'
stops
electra=$packaged

# A bare Debian 12.
debootstrap --variant=minbase bookworm bare "${mirror:-http://deb.debian.org/debian}" > log 2>&1 || skip "debootstrap: $(tail -1 log)"
rm -rf bare/run/* && mkdir bare/packages && cp "$made"/*.deb bare/packages && cp -r run bare/model
in_bare() { DEBIAN_FRONTEND=noninteractive chroot bare /usr/bin/env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8 "$@"; }
in_bare sh -c 'apt-get -q update && apt-get -q -y --no-install-recommends install /packages/*.deb' > log 2>&1 || fail "install: $(tail -5 log)"
in_bare electra detect --model /model --precision fp32 --json "the cat sees" > have 2> log || fail "detect: $(cat log)"
cmp want have || fail "the packaged program has other numbers"
[ -e bare/usr/share/man/man1/electra-pretrain.1.gz ] && [ -e bare/usr/share/bash-completion/completions/electra ] || fail "pages are missing"
in_bare apt-get -q -y purge electra libelectra-dev libelectra0.1 > log 2>&1 || fail "purge: $(cat log)"
left=$(find bare/usr bare/etc -iname '*electra*')
[ -z "$left" ] || fail "what is left: $left"
