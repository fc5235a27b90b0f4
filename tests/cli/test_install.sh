#!/bin/bash
# The installed package: a program outside the tree builds with pkg-config and with CMake, in C and as C++, links what is
# installed, and runs; only electra.h is a header of it, and only its functions are exported.
set -euo pipefail
program=$(realpath "$1")
build=$(dirname "$program")
here=$(realpath "$(dirname "$0")")
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
fail() { echo "$*" >&2; exit 1; }

cc=$(sed -n 's/^CMAKE_C_COMPILER:[A-Z]*=//p' "$build/CMakeCache.txt")
if grep -q 'CMAKE_C_FLAGS:STRING=.*-fsanitize' "$build/CMakeCache.txt"; then
    echo "skipped: a library built with sanitizers needs them in whoever links it"
    exit 0
fi
cmake --install "$build" --prefix "$dir/prefix" >/dev/null
[[ $(ls "$dir/prefix/include") == electra.h ]] || fail "installed headers: $(ls "$dir/prefix/include")"
"$dir/prefix/bin/electra" --version | grep -q '^electra [0-9]' || fail "the installed program does not say its version"

pc=$(find "$dir/prefix" -name electra.pc)
lib=$(realpath "$(dirname "$pc")/..")
export PKG_CONFIG_PATH=$lib/pkgconfig LD_LIBRARY_PATH=$lib
version=$("$program" --version | sed 's/^electra //')
[[ $(pkg-config --modversion electra) == "$version" ]] || fail "electra.pc has another version than $version"

read -ra flags < <(pkg-config --cflags --libs electra)
"$cc" -Wall -Wextra -Werror "$here/../../examples/detect.c" "${flags[@]}" -o "$dir/shared"
mkdir "$dir/only" && cp "$lib/libelectra.a" "$dir/only"
read -ra private < <(pkg-config --static --libs electra)
"$cc" "$here/../../examples/detect.c" -I"$dir/prefix/include" -L"$dir/only" "${private[@]}" -o "$dir/static"
("$dir/static" 2>&1 || true) | grep -qF "libelectra $version" || fail "the example does not run with the static library"
("$dir/shared" 2>&1 || true) | grep -qF "libelectra $version" || fail "the example does not run with the shared library"
status=0
"$dir/shared" /nowhere text 2>"$dir/said" || status=$?
[[ $status -eq 3 ]] && grep -q /nowhere "$dir/said" || fail "a missing model is status $status: $(cat "$dir/said")"
if command -v c++ >/dev/null; then
    c++ -fsyntax-only -Wall -Werror -x c++ -I"$dir/prefix/include" "$dir/prefix/include/electra.h" 2>"$dir/said" ||
        grep -q 'pragma once' "$dir/said" || fail "electra.h is not C++: $(cat "$dir/said")"
fi

exported=$(nm -D --defined-only "$lib/libelectra.so" | awk '$2 != "A" { print $3 }')
unversioned=$(grep -v '@@ELECTRA_[0-9.]*$' <<<"$exported" || true)
[[ -z $unversioned ]] || fail "the shared library exports without a version: $unversioned"
exported=${exported//@@ELECTRA_0.1/}
[[ $(readelf -d "$lib/libelectra.so") == *"Library soname: [libelectra.so.0.1]"* ]] || fail "its soname is another"
foreign=$(grep -v '^electra_' <<<"$exported" || true)
[[ -z $foreign ]] || fail "the shared library exports more than its API: $foreign"
for name in $(grep '^ELECTRA_API' "$here/../../include/electra.h" | grep -oE '\belectra_[a-z_]+\(' | tr -d '(' | sort -u); do
    grep -qx "$name" <<<"$exported" || fail "$name is in electra.h and not in the library"
done

mkdir "$dir/user"
cat >"$dir/user/CMakeLists.txt" <<CMAKE
cmake_minimum_required(VERSION 3.25)
project(user C)
find_package(electra ${version%.*} REQUIRED)
add_executable(user $here/../../examples/detect.c)
target_link_libraries(user electra::electra)
CMAKE
cmake -G Ninja -S "$dir/user" -B "$dir/user/build" -DCMAKE_C_COMPILER="$cc" -DCMAKE_PREFIX_PATH="$dir/prefix" >"$dir/said" 2>&1 &&
    cmake --build "$dir/user/build" >>"$dir/said" 2>&1 || fail "the CMake package does not build a program: $(cat "$dir/said")"
("$dir/user/build/user" 2>&1 || true) | grep -qF "libelectra $version" || fail "the program built with CMake does not run"
! grep -q 'bin/electra-mpi' "$build/cmake_install.cmake" || [[ -x $dir/prefix/bin/electra-mpi ]] || fail "electra-mpi is built, and not installed"

# Inside another project; with absolute folders; without the server in a folder that was configured with it.
sed -i "s|^find_package.*|add_subdirectory($(realpath "$here/../..") electra)|" "$dir/user/CMakeLists.txt"
inside() { cmake -G Ninja -S "$dir/user" -B "$dir/inside" -DCMAKE_C_COMPILER="$cc" -DELECTRA_CUDA=OFF -DELECTRA_MPI=OFF "$@" >"$dir/said" 2>&1; }
inside -DCMAKE_INSTALL_PREFIX=/usr -DCMAKE_INSTALL_LIBDIR=/usr/lib || fail "electra inside another project: $(tail -5 "$dir/said")"
[[ $(PKG_CONFIG_PATH=$dir/inside/electra PKG_CONFIG_ALLOW_SYSTEM_CFLAGS=1 pkg-config --cflags electra) == "-I/usr/include"* ]] ||
    fail "an absolute folder of libraries moves the header's: $(cat "$dir/inside/electra/electra.pc")"
inside -DELECTRA_SERVE=OFF || fail "without the server, where it was before: $(tail -5 "$dir/said")"
