# aarch64 - builds for 64-bit Arm on another Debian machine, and runs the tests by an emulator
#
#   dpkg --add-architecture arm64 && apt-get update
#   apt-get install gcc-aarch64-linux-gnu qemu-user qemu-user-binfmt libutf8proc-dev:arm64 libjansson-dev:arm64 \
#       zlib1g-dev:arm64 libzstd-dev:arm64 liblzma-dev:arm64 libbz2-dev:arm64 libxxhash-dev:arm64 libcmocka-dev:arm64 \
#       libmicrohttpd-dev:arm64
#   cmake --preset aarch64 && cmake --build --preset aarch64 && ctest --preset aarch64
#
# Scripts among the tests, and ops_levels, start programs by their names.  The kernel gives those to the emulator where
# systemd has registered what qemu-user-binfmt brings: in a container, systemd of the host.
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR aarch64)
set(CMAKE_C_COMPILER aarch64-linux-gnu-gcc)
set(CMAKE_LIBRARY_ARCHITECTURE aarch64-linux-gnu)
set(CMAKE_FIND_ROOT_PATH /usr/aarch64-linux-gnu /usr/lib/aarch64-linux-gnu)
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
set(ENV{PKG_CONFIG_LIBDIR} /usr/lib/aarch64-linux-gnu/pkgconfig)
find_program(EMULATOR NAMES qemu-aarch64 qemu-aarch64-static)
if(EMULATOR)
  set(CMAKE_CROSSCOMPILING_EMULATOR ${EMULATOR};-cpu;max)
endif()
