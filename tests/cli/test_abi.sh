#!/bin/bash
# The shared library's interface is the one in tools/libelectra.abi: nothing that linked programs rely on has changed, and
# what was added stands in the file, on every kind of processor.  A changed header is noticed.
set -euo pipefail
build=$(dirname "$(realpath "$1")")
root=$(realpath "$(dirname "$0")/../..")
command -v abidw >/dev/null && command -v abidiff >/dev/null ||
    { echo "skipped: abidw and abidiff are not installed (abigail-tools)"; exit 77; }
grep -q 'CMAKE_C_FLAGS:STRING=.*-fsanitize' "$build/CMakeCache.txt" &&
    { echo "skipped: a library built with sanitizers has another interface"; exit 77; }
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

# compare NEW FILE: 0 the same, 1 more than before, 2 something is broken
compare() {
    local code=0
    abidiff --no-architecture "$root/tools/libelectra.abi" "$1" >"$2" 2>&1 || code=$?
    if ((code & 3)); then cat "$2" >&2; exit 1; fi # abidiff itself failed
    if ((code & 8)); then return 2; fi
    if ((code & 4)); then return 1; fi
    return 0
}

"$root/tools/abi" "$build/libelectra.so" >"$dir/now.abi"
code=0
compare "$dir/now.abi" "$dir/said" || code=$?
case $code in
1) echo "tools/libelectra.abi lags behind: tools/abi $build/libelectra.so > tools/libelectra.abi" >&2 ;;
2) echo "programs that are linked with the library would break" >&2 ;;
esac
[[ $code -eq 0 ]] || { cat "$dir/said" >&2; exit 1; }

# A function that is gone is seen, and a field of another size.
sed 's/electra_fill_batch/electra_other/g' "$dir/now.abi" >"$dir/less.abi"
code=0; compare "$dir/less.abi" "$dir/said" || code=$?
[[ $code -eq 2 ]] || { echo "a missing function is not noticed" >&2; exit 1; }
sed -i "s/name='electra_guess' size-in-bits='128'/name='electra_guess' size-in-bits='192'/" "$dir/now.abi"
code=0; compare "$dir/now.abi" "$dir/said" || code=$?
[[ $code -ne 0 ]] || { echo "a larger struct is not noticed" >&2; exit 1; }
