#!/bin/sh
# Builds the stand-ins for the CUDA driver, NVRTC and cuBLAS into the folder $1, for the TornadoVM SDK at $2. Where they cannot be used, the
# folder's file "skipped" says why; TestDevice reads it.
set -e
here=$(cd "$(dirname "$0")" && pwd)
mkdir -p "$1"
cd "$1"
skip() { echo "$1" > skipped; exit 0; }
[ -f "$2/tornado-argfile" ] || skip "no TornadoVM SDK"
grep -q tornado.drivers.cuda "$2/tornado-argfile" || skip "the SDK at $2 has no CUDA backend"
[ ! -e /dev/nvidiactl ] || skip "there is a real device for CUDA here"
for tool in gcc g++; do command -v $tool >/dev/null || skip "the CPU stands in for CUDA by way of $tool, which is not installed"; done
rm -f skipped
[ "$(ls -td "$here"/* "$here"/include/* work_items.hpp.gch libcuda.so.1 libnvrtc.so.13 2>/dev/null | head -1)" = work_items.hpp.gch ] && exit 0
rm -f -- *.so *.so.13 *.gch
gcc -O2 -shared -fPIC -o libcuda.so.1 "$here/driver.c" -ldl
gcc -O2 -shared -fPIC -o libnvrtc.so.13 "$here/nvrtc.c"
for library in libcublas libcublasLt libcudart; do
    echo "$library.so.13 { *; };" > symbols    # the bridge asks for symbols of this version
    source=/dev/null
    [ $library = libcudart ] || source=$here/cublas.c
    gcc -O2 -shared -fPIC -Wl,--version-script=symbols -o $library.so.13 -x c "$source"
done
# shellcheck disable=SC2046
g++ $(cat "$here/flags") -x c++-header -o work_items.hpp.gch "$here/include/work_items.hpp"
