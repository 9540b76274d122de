#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# Makes vmlinux.h anew from a kernel's type information: of the running kernel, or of the file given,
# which may be another machine's (/sys/kernel/btf/vmlinux there). The types are relocated at load
# (CO-RE), so that any recent kernel will do.
#   vmlinux/update.sh [BTF-FILE]          for this machine's architecture
#   vmlinux/update.sh arm64 BTF-FILE
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
if [ "${1-}" = arm64 ]; then
	here+=/arm64
	shift
	: "${1:?which BTF file?}"
fi
btf=${1:-/sys/kernel/btf/vmlinux}
PATH=$PATH:/usr/sbin

command -v bpftool >/dev/null || {
	echo "bpftool is missing: apt-get install bpftool" >&2
	exit 1
}
bpftool btf dump file "$btf" format c >"$here/vmlinux.h.new"
mv "$here/vmlinux.h.new" "$here/vmlinux.h"
echo "vmlinux.h: $(wc -l <"$here/vmlinux.h") lines from $btf"
