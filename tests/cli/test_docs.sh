#!/bin/bash
# Documents and help pages agree:
# - each command has a help page that begins with examples, uses only flags that it has, and is in both READMEs;
# - each flag that a document gives to a command or to ./demo, or mentions in backquotes, exists; links lead somewhere;
# - where a flag takes one of a few words, a command gives it one of them, and finetune's tasks are those of its page;
# - rows of a table have as many cells as its head;
# - lines have 120 columns at most, but for tables and what ./demo prints;
# - README.ko.md has the commands of README.md, in order, with their flags (and more of them where Korean needs it);
# - docs/demo.md shows what ./demo prints, and what documents name in demo-run is there;
# - docs/formats.md has every figure of an objective and every metric of a task;
# - every file that has the version has the program's;
# - the sources that documents name are there, and the functions and lines of code that CONTRIBUTING.md shows too.
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
    silent=$(sed -nE 's/^  (--[^ ]+)( [^ ]+)? +\(.*/\1/p' <<<"${help[$command]}")
    [[ -z $silent ]] || wrong "$command --help says nothing about $silent"
    for readme in README.md README.ko.md; do
        grep -q "^| \`$command\` |" "$root/$readme" || wrong "$readme: $command is not in the table of commands"
    done
done

# has PAGE FLAG: whether a help page lists the flag, as itself or as its --[no-] form
has() {
    local name=${2#--} page=$1
    name=${name//_/-}
    grep -qE -- "(^|[ ,])--(\[no-\])?$name([ ,]|\$)" <<<"$page" && return 0
    [[ $name == no-* ]] && grep -qE -- "--\[no-\]${name#no-}([ ,]|\$)" <<<"$page"
}

# Words that a flag takes, one a line: of "--objective electra|mlm", and of finetune's --task those of its list.
words_of() { # COMMAND FLAG
    if [[ "$1 $2" == "finetune --task" ]]; then
        sed -nE '/^  tasks:$/,/^$/s/^  ([a-z0-9_]+) .*/\1/p' <<<"${help[$1]}"
    else
        sed -nE "s/^  $2 ([^ ]+\|[^ ]+).*/\1/p" <<<"${help[$1]}" | tr '|' '\n'
    fi
}

# Commands in documents and in help pages: "electra COMMAND ... --flag", lines that end in a backslash joined.
declare -A words
check_commands() { # NAME < text
    local line command flag word
    while IFS= read -r line; do
        while [[ $line == *\\ ]] && IFS= read -r more; do line=${line%\\}$more; done
        [[ $line =~ (^|[^a-z/_-])(build/release/)?electra\ ([a-z]+)(\ .*|$) ]] || continue
        command=${BASH_REMATCH[3]}
        local rest=${BASH_REMATCH[4]%%\`*}
        [[ -n ${help[$command]-} ]] || continue
        for flag in $(grep -oE -- '--[a-z][a-z0-9_-]*' <<<"$rest"); do
            has "${help[$command]}" "$flag" || wrong "$1: electra $command has no $flag"
        done
        while read -r flag word; do
            [[ -v words["$command $flag"] ]] || words["$command $flag"]=" $(words_of "$command" "$flag" | tr '\n' ' ')"
            [[ ${words["$command $flag"]} =~ ^\ $|\ $word\  ]] || wrong "$1: electra $command $flag takes no $word"
        done < <(grep -oE -- '--[a-z][a-z-]+ [a-z][a-z0-9_-]*( |$)' <<<"$rest")
    done
}
mapfile -t documents < <(find "$root" -maxdepth 1 -name '*.md' | sort && find "$root/docs" -name '*.md' | sort)
for document in "${documents[@]}"; do check_commands "${document#"$root"/}" <"$document"; done
for command in $commands; do check_commands "$command --help" <<<"${help[$command]}"; done

for task in $(words_of finetune --task); do
    grep -qE "^\|( \`[a-z0-9]+\`)* \`$task\`[ |]" "$root/docs/finetuning.md" || wrong "docs/finetuning.md: task $task is in no table"
done

# Headings of a page as links name them.
sections_of() {
    sed '/^```/,/^```/d' "$1" | sed -nE 's/^#+ //p' | LC_ALL=C.UTF-8 sed -E 's/[^[:alnum:] _-]//g; s/ /-/g; s/.*/\L&/'
}

# Flags in backquotes belong to some command, to ./demo or to a tool that is named with them.
for document in "${documents[@]}"; do
    for flag in $(grep -oE '`[^`]*`' "$document" | grep -vE '^`(\./|tools/|bench/|cmake|ctest|pkg-config|mpirun)' |
        grep -oE -- '--[a-z][a-z0-9_-]+' | sort -u); do
        [[ $flag =~ ^--(version|man|completion)$ ]] || has "$everywhere" "$flag" || wrong "${document#"$root"/}: no command has $flag"
    done
    for target in $(grep -oE '\]\([^)]+' "$document" | sed 's/^](//' | grep -v '^http'); do
        page=${target%%#*} section=${target#*#}
        page=${page:+$(dirname "$document")/$page}
        [[ -e ${page:=$document} ]] || { wrong "${document#"$root"/}: $target is not there"; continue; }
        [[ $target != *#* ]] || sections_of "$page" | grep -qx -- "$section" ||
            wrong "${document#"$root"/}: $target is no section"
    done
done

for document in "${documents[@]}"; do
    uneven=$(sed 's/\\|//g' "$document" | awk -F'|' '!/^ *\|/ { cells = 0; next } !cells { cells = NF } NF != cells { print NR ": " $0 }')
    [[ -z $uneven ]] || wrong "${document#"$root"/}: a row of a table has other cells than its head: $uneven"
done

# A Korean syllable counts as one column, as editors count characters.
for document in "${documents[@]}"; do
    long=$(LC_ALL=C.UTF-8 grep -nE '^.{121,}' "$document" | grep -vE '^[0-9]+:\|' || true)
    [[ $document != */demo.md ]] || long=$(grep -vE '^[0-9]+:    ' <<<"$long" || true)
    [[ -z $long ]] || wrong "${document#"$root"/}: more than 120 columns: $long"
done

# What follows ./demo in documents are options of ./demo.
demo=$("$root/demo" --help)
for document in "${documents[@]}"; do
    for flag in $(grep -oE '\./demo( --[a-z0-9-]+)+' "$document" | grep -oE -- '--[a-z0-9-]+' | sort -u); do
        [[ $flag == --help ]] || has "$demo" "$flag" || wrong "${document#"$root"/}: ./demo has no $flag"
    done
done

# Commands of a README, one a line: those of its blocks of code, without what is not a flag.
commands_of() {
    sed -n 's/^    \(electra [a-z]* .*\)/\1/p' "$1" | sed 's/"[^"]*"//g'
}
mapfile -t english < <(commands_of "$root/README.md")
mapfile -t korean < <(commands_of "$root/README.ko.md")
[[ ${#english[@]} -eq ${#korean[@]} ]] ||
    wrong "README.md has ${#english[@]} commands, README.ko.md has ${#korean[@]}"
for ((i = 0; i < ${#english[@]} && i < ${#korean[@]}; i++)); do
    read -r _ command _ <<<"${english[i]}"
    [[ ${korean[i]} == "electra $command "* ]] || wrong "README.ko.md: '${korean[i]}' stands where README.md has $command"
    for flag in $(grep -oE -- '--[a-z0-9-]+' <<<"${english[i]}"); do
        [[ " ${korean[i]} " == *" $flag "* ]] || wrong "README.ko.md: '${korean[i]}' lacks $flag of README.md"
    done
done

# Headings of ./demo are those of the transcripts: a variable stands for one word.
headings=$(sed -n 's/^say "\(.*\)"$/\1/p' "$root/demo" | sed 's/\$[A-Z_]*/[^ ]+/g')
transcribed=$(sed -n 's/^    == //p' "$root/docs/demo.md")
[[ -n $transcribed ]] || wrong "docs/demo.md has no transcript"
unknown=$(grep -vxE -- "$headings" <<<"$transcribed" || true)
[[ -z $unknown ]] || wrong "docs/demo.md: ./demo does not print '$unknown'"

for name in $(grep -ohE 'demo-run/[a-z]+' "${documents[@]}" | sed 's|.*/||' | sort -u); do
    grep -qE "\\\$out/$name\b" "$root/demo" || wrong "./demo makes no demo-run/$name"
done

for figure in $(cat "$root"/src/objective/*.c "$root"/src/task/learn/*.c | sed -n '/ \(FIGURES\|OF_[A-Z]*\)\[\] *=/,/};/p' |
    grep -oE '"[a-z0-9_]+"' | tr -d '"' | sort -u); do
    grep -q "\`$figure\`" "$root/docs/formats.md" || wrong "docs/formats.md: there is no $figure"
done

# What CONTRIBUTING.md names is there; capitals and stars stand for a name of one's own.
guide=$root/CONTRIBUTING.md
sources=$(cd "$root" && find src tests include tools docs bench -type f -printf '/%p\n')
for file in $(grep -oE '`[A-Za-z0-9_/.*<>-]+\.(c|h|def|sh|md|tsv)`' "$guide" | tr -d '`' | grep -v '[A-Z*<].*[a-z]*\.[a-z]*$' | sort -u); do
    [[ -e $root/$file ]] || grep -qE "/${file//./\\.}\$" <<<"$sources" || wrong "CONTRIBUTING.md: $file is not there"
done
for document in "${documents[@]}"; do
    for file in $(grep -oE '`[a-z0-9_/]+\.(c|h|cu|def|sh)`' "$document" | tr -d '`' | grep -v '^suspects.c$' | sort -u); do
        grep -qE "/${file//./\\.}\$" <<<"$sources" || wrong "${document#"$root"/}: there is no $file"
    done
done
for name in $(grep -oE '\bel_[a-z_]+' "$guide" | grep -vx 'el_module_verb\|el_ref_\|el_cpu_' | sort -u); do
    grep -rqw -- "$name" "$root/src" || wrong "CONTRIBUTING.md: there is no $name"
done
squeezed() { tr -s ' \n' ' '; }
shown=$(find "$root/src" \( -name "*.c" -o -name ops.def \) -exec cat {} + | squeezed)
while IFS= read -r line; do
    [[ $shown == *"$line"* ]] || wrong "CONTRIBUTING.md: no source has: $line"
done < <(sed -n '/^```c$/,/^```$/p' "$guide" | sed '/^```/d; s|  *//*\*.*\*/$||; s/^ *//; s/^\(.*[^ ]\) *$/\1/')
version=$("$program" --version | cut -d' ' -f2)
for place in "pyproject.toml:^version = \"$version\"" "CITATION.cff:^version: $version\$" "debian/changelog:^electra ($version)"; do
    grep -q "${place#*:}" "$root/${place%%:*}" || wrong "${place%%:*}: its version is not $version"
done

exit $status
