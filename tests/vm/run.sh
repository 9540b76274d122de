#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Boots a kernel in a virtual machine that holds the project's binaries, its tests and what they
# need, runs a command there as root in a copy of the project's folder, and hands through what it
# prints and its exit status.
#   run.sh KERNEL COMMAND [ARG...]        KERNEL: a name from the table `kernels`
# From the environment:
#   BUILD=build   CPUS=(as in the table)   MEMORY=1024 (MiB)   LIMIT=600 (seconds, with the boot)
#   APPEND=...    more for the kernel's command line
#   LOG=FILE      keep the kernel's log (warnings and worse) there
#   KVM=1         use it; never by itself, for /dev/kvm proves nothing
# Exit status besides the command's own: 124 out of time; 125 the machine failed, or there is BUG:,
# WARNING: or Oops in its log, or no status came back; 77 the kernel is not to be had; 2 usage.

set -euo pipefail
HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
BUILD=$(realpath -m "${BUILD:-$HERE/../../build}")
LIMIT=${LIMIT:-600}

fail() {
	local status=$1
	shift
	echo "kernel $kernel: $*" >&2
	exit "$status"
}

# machine IMAGE: to the end, in the background. Emulation before QEMU 10 has two faults: cmpxchg16b
# corrupts flags, and with a thread per CPU the patching of code (static keys, attaching BPF programs)
# ends in `Oops: int3`. Kernels from 6.18 on give socket storage out of kmalloc_nolock(), which needs
# that instruction or slabs in debug mode. An old CPU is emulated twice as fast as one with everything,
# and a program whose code lies where it lay last time starts four times as fast (norandmaps). To let go
# of a BPF program's hook takes a grace period of RCU: up to seconds where a CPU is emulated in turns,
# unless they are expedited.
machine() {
	local console=ttyS0 accel=(-accel 'tcg,thread=single' -cpu 'Nehalem,+rdrand,-cx16')
	[ "${KVM:-}" != 1 ] || accel=(-accel kvm -cpu host)
	[ "$kernel" != arm64 ] ||
		console=ttyAMA0 accel=(-M virt -accel 'tcg,thread=single' -cpu cortex-a72)
	local append="console=$console loglevel=5 panic=-1 oops=panic mitigations=off nokaslr norandmaps"
	append+=" rcupdate.rcu_expedited=1"
	exec timeout -k 5 "$LIMIT" "qemu-system-$architecture" -nodefaults -no-user-config -display none \
		-no-reboot "${accel[@]}" -smp "$cpus" -m "${MEMORY:-1024}" \
		-kernel "$1/vmlinuz" -initrd "$W/initrd" \
		-append "$append slab_debug=F,kmalloc-* ${APPEND:-}" \
		-chardev file,id=log,path="$W/log" -serial chardev:log -device virtio-serial-pci \
		-chardev file,id=out,path=/dev/fd/3 -device virtserialport,chardev=out,nr=1 \
		-chardev file,id=err,path=/dev/fd/4 -device virtserialport,chardev=err,nr=2 \
		-chardev file,id=status,path="$W/status" \
		-device virtserialport,chardev=status,nr=3 </dev/null >"$W/qemu" 2>&1
}

main() {
	local image cpus status qemu qemu_status=0 architecture=x86_64
	[ $# -ge 2 ] || {
		echo "usage: run.sh KERNEL COMMAND [ARG...]" >&2
		exit 2
	}
	kernel=$1
	shift
	[ "$kernel" != arm64 ] || architecture=aarch64
	command -v "qemu-system-$architecture" >/dev/null ||
		fail 125 "no qemu-system-$architecture: install qemu-system-x86, or -arm"
	image=$("$HERE/fetch.sh" "$kernel")
	cpus=${CPUS:-$(awk -v kernel="$kernel" '$1 == kernel { print $2 }' "$HERE/kernels")}
	W=$(mktemp -d)
	trap 'rm -rf "$W"' EXIT
	trap 'exit 125' INT TERM HUP
	KERNEL=$kernel "$HERE/initramfs.sh" "$image" "$BUILD" "$W/initrd" "$@"
	touch "$W/log" "$W/status"

	exec 3> >(exec cat) 4> >(exec cat >&2) # a file would be truncated by QEMU
	machine "$image" &
	qemu=$!
	trap 'kill "$qemu"; wait "$qemu"; exit 125' INT TERM HUP
	wait "$qemu" || qemu_status=$?
	trap 'exit 125' INT TERM HUP
	exec 3>&- 4>&-
	wait # for the last of the output
	[ -z "${LOG:-}" ] || cp "$W/log" "$LOG"
	if grep -qE 'BUG:|WARNING:|Oops|Kernel panic' "$W/log"; then
		tail -n 60 "$W/log" >&2
		fail 125 "its log complains"
	fi
	case $qemu_status in
	124 | 137) fail 124 "not done after $LIMIT seconds" ;;
	esac
	status=$(sed -n 's/^status \([0-9]\{1,3\}\)$/\1/p' "$W/status")
	if [ -z "$status" ]; then
		cat "$W/qemu" >&2
		tail -n 40 "$W/log" >&2
		fail 125 "the machine ended without the command's status"
	fi
	exit "$status"
}

main "$@" # all of this file has been read by now: it may change while the machine runs
