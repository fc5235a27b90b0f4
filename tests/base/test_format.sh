#!/bin/bash
# format - `clang-format -i` changes nothing in any source, and no line, comments among them, has more than 130 columns
#
#   test_format.sh        skipped without clang-format 14, which is Debian 12's: others put some lines elsewhere
set -euo pipefail

root=$(cd "$(dirname "$0")/../.." && pwd)
command -v clang-format >/dev/null || { echo "skipped: clang-format is not installed"; exit 77; }
clang-format --version | grep -q 'version 14\.' || { echo "skipped: $(clang-format --version), not 14"; exit 77; }
cd "$root"
sources() { find bench examples include src tests tools -type f -regex '.*\.\(c\|h\|cu\|cpp\)' -print0; }
count=$(sources | tr -dc '\0' | wc -c)
[[ $count -gt 0 ]] || { echo "no sources below $root"; exit 1; }
sources | xargs -0 clang-format --dry-run -Werror
long=$(sources | LC_ALL=C.UTF-8 xargs -0 grep -nHE '.{131}' | cut -c1-100 || true)
[[ -z $long ]] || { echo "more than 130 columns:"; echo "$long"; exit 1; }
echo "format: $count files are as clang-format has them"
