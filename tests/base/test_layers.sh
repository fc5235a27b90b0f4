#!/bin/bash
# layers - dependencies point down the list of folders, and only the outermost code talks to the outside
#
#   test_layers.sh        checks src/, after showing on a made-up tree that each rule can fail
#
# Comments and strings do not count: the compiler's preprocessor takes the comments out.
set -euo pipefail

root=$(cd "$(dirname "$0")/../.." && pwd)
order="base text data ops model format dist train objective task engine serve cli"
cc=${CC:-cc}
# Calls that fail with the world's troubles; read and write, which are names of other things too, where their header is.
system='open|openat|creat|fopen|fopen64|freopen|pread|pwrite|fsync|fdatasync|rename|renameat|renameat2|mkdir|mkdtemp|mkstemp'
system+='|unlink|unlinkat|rmdir|remove|opendir|fdopendir|readdir|scandir|nftw|ftw|stat|lstat|fstat|fstatat|mmap|ftruncate|truncate|flock'
system+='|lseek|realpath|readlink|symlink|poll|select|getline|fgets|fread'

declare -A place=()
for name in $order; do
    place[$name]=${#place[@]}
done

# A call of printf or scanf that has a number with a decimal sign in its format, at any line of it; one of printf whose
# format is no literal, which counts in a file with such formats; and what else reads numbers as the locale has them.
real='%[-+ #0]*[0-9*]*(\.[0-9*]*)?[lL]?[aAeEfFgG]'
rest="([^\"';]|\"([^\"\\\\]|\\\\.)*\"|'([^'\\\\]|\\\\.)*')*"
reads='\<(strto(d|f|ld)|atof)[[:space:]]*\('
literal="\<(([fs]|sn|as|d)printf|[fs]?scanf)[[:space:]]*\($rest\"([^\"\\\\]|\\\\.)*$real"
handed="\<((f|as|d)printf[[:space:]]*\([^,]*|sn?printf[[:space:]]*\([^,]*,[^,]*),[[:space:]]*[^[:space:]\"]"

# Names of the calls in $1 that print or read numbers as the locale has it.
local_numbers() {
    grep -qE "$real|$reads" "$1" || return 0
    "$cc" -x c -fpreprocessed -E -w -P -nostdinc - <"$1" 2>/dev/null | tr '\n' ' ' | sed 's/%%//g' |
        grep -oE "$literal|$handed|$reads" | sed 's/[[:space:]]*(.*//' | sort -u || true
}

# "line:text" of every line with code, without comments and contents of strings (but those of #include).
code() {
    sed -E '/^[[:space:]]*#[[:space:]]*include/! s/"([^"\\]|\\.)*"/""/g' < <(
        "$cc" -x c -fpreprocessed -E -w -P -nostdinc - <"$1" 2>/dev/null || cat "$1")
}

# Prints one sentence for every breach below the folder $1.
breaches() {
    local src=$1 file folder mine include target theirs calls
    while IFS= read -r file; do
        folder=${file#"$src"/}
        folder=${folder%%/*}
        mine=${place[$folder]:--1}
        if [[ $mine -lt 0 ]]; then
            echo "${file#"$src"/}: folder $folder is not in the list ($order)"
            continue
        fi
        while IFS= read -r include; do
            target=${include%%/*}
            theirs=${place[$target]:--1}
            if [[ $include == ../* ]]; then
                echo "${file#"$src"/}: includes \"$include\": write the path from src/"
            elif [[ $include == */* && $theirs -gt $mine ]]; then
                echo "${file#"$src"/}: includes \"$include\", but $folder may only use: ${order%% "$folder"*}"
            fi
        done < <(sed -nE 's/^[[:space:]]*#[[:space:]]*include[[:space:]]*"([^"]+)".*/\1/p' "$file")
        if [[ $file != "$src"/base/pool.c && $file != "$src"/base/helper.c && $file != "$src"/base/thread.c ]] && grep -qE '^[[:space:]]*#[[:space:]]*(pragma[[:space:]]+omp[[:space:]]+(parallel|for|task|sections|single|master|barrier|critical)|include[[:space:]]*<(omp|pthread|threads)\.h>)' "$file"; then
            echo "${file#"$src"/}: starts threads; they are those of base/pool.c, base/helper.c and base/thread.c alone"
        fi
        case ${file#"$src"/} in base/io.c) ;; *)
            grep -q '<unistd.h>' "$file" && calls="$system|read|write" || calls=$system
            grep -qE "\<($calls)[[:space:]]*\(" "$file" && while IFS= read -r word; do
                echo "${file#"$src"/}: calls $word; the system is called by base/io.c alone"
            done < <(code "$file" | grep -oE "(^|[^A-Za-z0-9_.>])($calls)[[:space:]]*\(" |
                sed -E 's/^[^A-Za-z_]*//; s/[[:space:]]*\($//' | sort -u) ;;
        esac
        case ${file#"$src"/} in cli/* | base/number.c) ;; *)
            while IFS= read -r word; do
                echo "${file#"$src"/}: $word has the locale's decimal sign; base/number.h prints and reads without"
            done < <(local_numbers "$file") ;;
        esac
        grep -qE '\<(printf|vprintf|puts|putchar|perror|_?exit|_Exit|quick_exit|abort|getenv|secure_getenv|setlocale|stderr|stdout)\>' "$file" || continue
        case ${file#"$src"/} in cli/* | serve/http*) continue ;; esac
        while IFS= read -r word; do
            echo "${file#"$src"/}: calls $word; only cli/ and serve/http print, exit or read the environment"
        done < <(code "$file" | grep -oE '(^|[^A-Za-z0-9_.>])(printf|vprintf|puts|putchar|perror|exit|_exit|_Exit|quick_exit|abort|getenv|secure_getenv|setlocale)[[:space:]]*\(|(fprintf|vfprintf|fputs|fputc|putc|fwrite|fflush)[[:space:]]*\([^;]*\<(stderr|stdout)\>' |
            sed -E 's/^[^A-Za-z_]*//; s/[[:space:]]*\(.*(stderr|stdout)$/ on \1/; s/[[:space:]]*\($//' | sort -u)
    done < <(find "$src" -type f \( -name '*.c' -o -name '*.h' -o -name '*.cu' \) | sort)
}

# Each rule, broken on purpose, is seen; code that keeps them is not.
demonstrate() {
    local tree
    tree=$(mktemp -d)
    trap 'rm -rf "$tree"' RETURN
    mkdir -p "$tree"/{base,text,cli,serve,elsewhere,ops/cpu/kernels}
    echo '#include "text/vocab.h"' >"$tree/base/up.c"
    echo '#include "../base/error.h"' >"$tree/text/dots.c"
    echo 'void f(void) { printf("x"); }' >"$tree/text/prints.c"
    echo 'void f(void) { fprintf(stderr, "x"); }' >"$tree/text/complains.c"
    echo 'void f(void) { if (1) exit(1); }' >"$tree/text/ends.c"
    echo 'const char *f(void) { return getenv("HOME"); }' >"$tree/serve/reads.c"
    echo '#include <pthread.h>' >"$tree/ops/cpu/kernels/threads.c"
    echo 'int x;' >"$tree/elsewhere/lost.c"
    echo 'int f(const char *s) { return open(s, 0); }' | tee "$tree/base/io.c" >"$tree/base/opens.c"
    echo 'int f(void) { return q->read(1) + el_io_read(2) + thread(3); }' >"$tree/base/fine.c"
    echo 'void f(char *s, double x) { snprintf(s, 9, "%d;%s" "%.3g", 1, "", x); }' >"$tree/text/writes.c"
    echo 'void f(char *s, double x) { g(s, "%.3g"); snprintf(s, 9, x < 0 ? s : "-", x); }' >"$tree/text/hands.c"
    echo 'double f(const char *s) { return strtod(s, 0); }' >"$tree/text/parses.c"
    echo 'void f(char *s) { snprintf(s, 9, "%d %% of", 1); el_number_print(s, 9, "%g", 0.5); strtod_l(s); }' >"$tree/text/plain.c"
    printf '%s\n' '#include "base/error.h"' '/* printf("x") and exit(1) */ // abort()' \
        'void f(char *s, void *p) { snprintf(s, 1, "exit(1)"); el_exit(); fprintf(p, "getenv("); }' >"$tree/text/fine.c"
    echo 'void f(void) { exit(1); printf("x"); }' | tee "$tree/cli/main.c" >"$tree/serve/http_server.c"
    local found wanted
    found=$(breaches "$tree" | cut -d: -f1 | tr '\n' ' ')
    wanted="base/opens.c base/up.c elsewhere/lost.c ops/cpu/kernels/threads.c serve/reads.c text/complains.c text/dots.c text/ends.c text/hands.c text/parses.c text/prints.c text/writes.c "
    if [[ $found != "$wanted" ]]; then
        echo "layers: the script itself is wrong: in a tree with breaches it found"
        echo "    $found"
        echo "and not"
        echo "    $wanted"
        exit 1
    fi
}

demonstrate
result=$(breaches "$root/src")
if [[ -n $result ]]; then
    echo "$result"
    exit 1
fi
echo "layers: $(find "$root/src" -name '*.[ch]' | wc -l) files keep the order: $order"
