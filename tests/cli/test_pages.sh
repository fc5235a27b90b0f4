#!/bin/bash
# Pages for man(1) have every flag of --help, no mistake in their roff, and nothing of the machine that wrote them;
# completions are scripts that each shell reads, and bash offers commands, flags and values.  Shells and man are left out,
# and named, where they are not installed.
electra=$(realpath "$1")
root=$(realpath "$(dirname "$0")/../..")
source "$(dirname "$0")/run.bash"
"$root/tools/pages" pages "$electra" 2> log || fail "tools/pages: $(cat log)"
commands=$("$electra" --help | sed -n '/^commands:/,/^$/s/^  \([a-z]\+\) .*/\1/p')

for command in $commands; do
    page=pages/man1/electra-$command.1
    grep -q "electra\\\\-$command(1)\|BR electra\\\\-$command\|electra-$command (1)" pages/man1/electra.1 || fail "electra(1) does not name $command"
    for flag in $("$electra" "$command" --help | sed -nE 's/^  --(\[no-\])?([a-z0-9-]+).*/\2/p'); do
        grep -q -- "${flag//-/\\\\-}" "$page" || fail "$page has no --$flag"
    done
done
one=$(taskset -cp $$ | sed 's/.*: *\([0-9]*\).*/\1/')
for command in $commands; do
    taskset -c "$one" "$electra" --man "$command" | cmp -s - "pages/man1/electra-$command.1" ||
        fail "electra --man $command is another page on one processor"
done
if command -v groff > /dev/null; then
    for page in pages/man1/*; do
        groff -man -Tutf8 -ww -z "$page" 2> log; [ ! -s log ] || fail "$page: $(cat log)"
    done
else
    echo "groff is not installed: the pages are not formatted"
fi

for shell in bash:electra zsh:_electra fish:electra.fish; do
    if command -v "${shell%:*}" > /dev/null; then
        "${shell%:*}" -n "pages/completions/${shell#*:}" 2> log || fail "${shell%:*}: $(cat log)"
    else
        echo "${shell%:*} is not installed: its completions are not read"
    fi
done

# offered WORD... : what bash offers for the last word
offered() {
    bash -c '. pages/completions/electra
        COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _electra; printf "%s\n" "${COMPREPLY[@]}"' - "$@"
}
[ "$(offered electra pretr)" = pretrain ] || fail "bash offers for pretr: $(offered electra pretr)"
offered electra prepare --max | grep -qx -- --max-seq-length || fail "bash offers no --max-seq-length"
[ "$(offered electra prepare --packing '' | tr '\n' ' ')" = "segments full " ] || fail "bash offers for --packing: $(offered electra prepare --packing '')"

refused 2 "which shell" "$electra" --completion tcsh
refused 2 "which command" "$electra" --man nothing
