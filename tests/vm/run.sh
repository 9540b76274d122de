#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Boots a kernel in a virtual machine that holds the project's binaries, its tests and what they need,
# runs a command there as root in a copy of the project's folder, and hands through what it prints and
# its exit status.
#   run.sh KERNEL COMMAND [ARG...]        KERNEL: a name from the table `kernels`
# From the environment:
#   BUILD=build  CPUS=2  MEMORY=1024 (MiB)  SECONDS_MAX=600  APPEND=(for the kernel's command line)
#   KVM=1  use it: never by itself, for /dev/kvm proves nothing
#   LOG=FILE  keep the kernel's log
# Exit status besides the command's own: 124 out of time; 125 the machine or its kernel failed (no
# status came back, or BUG:, WARNING: or Oops in its log); 77 there is no such kernel to be had; 2 usage.

set -euo pipefail
HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
PROJECT=$(cd "$HERE/../.." && pwd)
BUILD=$(realpath -m "${BUILD:-$PROJECT/build}")
[ $# -ge 2 ] || {
	echo "usage: $0 KERNEL COMMAND [ARG...]" >&2
	exit 2
}
kernel=$1
shift

command -v qemu-system-x86_64 >/dev/null || {
	echo "no qemu-system-x86_64: install qemu-system-x86" >&2
	exit 125
}
image=$("$HERE/fetch.sh" "$kernel")

W=$(mktemp -d)
trap 'rm -rf "$W"' EXIT
trap 'exit 125' INT TERM HUP
"$HERE/initramfs.sh" "$image" "$BUILD" "$W/initrd" "$@"

ACCEL=(-accel 'tcg,thread=single' -cpu max,-cx16)
[ "${KVM:-}" != 1 ] || ACCEL=(-accel kvm -cpu host)
: >"$W/status"
exec 3> >(cat) 4> >(cat >&2)
qemu_status=0
timeout -k 5 "${SECONDS_MAX:-600}" qemu-system-x86_64 -nodefaults -no-user-config -display none \
	-no-reboot "${ACCEL[@]}" -smp "${CPUS:-2}" -m "${MEMORY:-1024}" \
	-kernel "$image/vmlinuz" -initrd "$W/initrd" \
	-append "console=ttyS0 loglevel=5 panic=-1 oops=panic mitigations=off nokaslr random.trust_cpu=on ${APPEND:-}" \
	-chardev file,id=console,path="$W/log" -serial chardev:console \
	-device virtio-serial-pci \
	-chardev file,id=out,path=/dev/fd/3 -device virtserialport,chardev=out,nr=1 \
	-chardev file,id=err,path=/dev/fd/4 -device virtserialport,chardev=err,nr=2 \
	-chardev file,id=status,path="$W/status" -device virtserialport,chardev=status,nr=3 \
	</dev/null >"$W/qemu" 2>&1 || qemu_status=$?
exec 3>&- 4>&-
wait # for the last of the output

[ -z "${LOG:-}" ] || cp "$W/log" "$LOG"
status=$(sed -n 's/^status \([0-9]\{1,3\}\)$/\1/p' "$W/status")
if grep -qE 'BUG:|WARNING:|Oops|Kernel panic' "$W/log"; then
	echo "kernel $kernel: its log complains:" >&2
	tail -n 60 "$W/log" >&2
	exit 125
elif [ $qemu_status = 124 ] || [ $qemu_status = 137 ]; then
	echo "kernel $kernel: not done after ${SECONDS_MAX:-600} seconds" >&2
	tail -n 20 "$W/log" >&2
	exit 124
elif [ -z "$status" ]; then
	echo "kernel $kernel: the machine ended without the command's status" >&2
	cat "$W/qemu" >&2
	tail -n 40 "$W/log" >&2
	exit 125
fi
exit "$status"
