#!/bin/bash
# Documents and help pages agree: each command has a help page that begins with examples, uses only flags that it has, and
# is in the README; each flag that README and docs/ give to a command, or mention in backquotes, exists; links lead somewhere.
set -euo pipefail
program=$(realpath "$1")
root=$(realpath "$(dirname "$0")/../..")
status=0
wrong() { echo "$*" >&2; status=1; }

declare -A help
everywhere=""
commands=$("$program" --help | sed -n '/^commands:/,/^$/s/^  \([a-z]\+\) .*/\1/p')
[[ -n $commands ]] || wrong "electra --help lists no commands"
for command in $commands; do
    help[$command]=$("$program" "$command" --help)
    everywhere+=${help[$command]}
    sed -n '1,3p' <<<"${help[$command]}" | grep -q '^Examples:' || wrong "$command --help does not begin with examples"
    grep -q "^  electra $command " <<<"${help[$command]}" || wrong "$command --help has no example of itself"
    grep -q "^| \`$command\` |" "$root/README.md" || wrong "README.md: $command is not in the table of commands"
done

# has PAGE FLAG: whether a help page lists the flag, as itself or as its --[no-] form
has() {
    local name=${2#--} page=$1
    name=${name//_/-}
    grep -qE -- "(^|[ ,])--(\[no-\])?$name([ ,]|\$)" <<<"$page" && return 0
    [[ $name == no-* ]] && grep -qE -- "--\[no-\]${name#no-}([ ,]|\$)" <<<"$page"
}

# Commands in documents and in help pages: "electra COMMAND ... --flag", lines that end in a backslash joined.
check_commands() { # NAME < text
    local line command flag
    while IFS= read -r line; do
        while [[ $line == *\\ ]] && IFS= read -r more; do line=${line%\\}$more; done
        [[ $line =~ (^|[^a-z/_-])(build/release/)?electra\ ([a-z]+)(\ .*|$) ]] || continue
        command=${BASH_REMATCH[3]}
        local rest=${BASH_REMATCH[4]%%\`*}
        [[ -n ${help[$command]-} ]] || continue
        for flag in $(grep -oE -- '--[a-z][a-z_-]*' <<<"$rest"); do
            has "${help[$command]}" "$flag" || wrong "$1: electra $command has no $flag"
        done
    done
}
mapfile -t documents < <(echo "$root/README.md" && find "$root/docs" -name '*.md' | sort)
for document in "${documents[@]}"; do check_commands "${document#"$root"/}" <"$document"; done
for command in $commands; do check_commands "$command --help" <<<"${help[$command]}"; done

# Flags in backquotes belong to some command, to ./demo or to a tool that is named with them.
for document in "${documents[@]}"; do
    for flag in $(grep -oE '`[^`]*`' "$document" | grep -vE '^`(\./|tools/|bench/|cmake|ctest|pkg-config|mpirun)' |
        grep -oE -- '--[a-z][a-z_-]+' | sort -u); do
        [[ $flag == --version ]] || has "$everywhere" "$flag" || wrong "${document#"$root"/}: no command has $flag"
    done
    for target in $(grep -oE '\]\([^)#]+' "$document" | sed 's/^](//' | grep -v '^http'); do
        [[ -e $(dirname "$document")/$target ]] || wrong "${document#"$root"/}: $target is not there"
    done
done
exit $status
