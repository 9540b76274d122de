#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# The tools, made for arm64 by `make CROSS_COMPILE=aarch64-linux-gnu-`, on Debian's arm64 kernel in an
# emulated machine: what they say of the kernel, and connections against the generator's own log.
# The guest has busybox and the tools; what is compared is compared out here. TAP.
# From the environment: BUILD=build-aarch64   LIMIT=300 (seconds)   LOG=FILE: keep the kernel's log

set -euo pipefail
HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
BUILD=$(realpath -m "${BUILD:-$HERE/../../build-aarch64}")
LIBRARIES=/usr/lib/aarch64-linux-gnu
SCENARIOS="connect nonblock server-first refused reset half-close fork-server prefork reuseport
	threads accept-threads exit"
N=0 FAILED=0

fail() {
	echo "Bail out! $*"
	exit 1
}

# result STATUS TEXT
result() {
	N=$((N + 1))
	if [ "$1" -eq 0 ]; then
		echo "ok $N - arm64: $2"
	else
		FAILED=$((FAILED + 1))
		echo "not ok $N - arm64: $2"
	fi
}

# needed FILE...: the libraries of it, and of those
needed() {
	local file library
	for file in "$@"; do
		for library in $(aarch64-linux-gnu-readelf -d "$file" |
			sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p'); do
			[ ! -e "$R/lib/$library" ] || continue
			cp -L "$LIBRARIES/$library" "$R/lib/"
			needed "$R/lib/$library"
		done
	done
}

make_root() {
	R=$T/root
	mkdir -p "$R"/{bin,lib,dev,proc,sys,tmp,run}
	(cd "$T" && apt-get -q download busybox-static:arm64 >"$T/apt" 2>&1) ||
		fail "no busybox-static:arm64: $(tail -n 1 "$T/apt")"
	dpkg-deb -x "$T"/busybox-static*.deb "$T/busybox"
	cp "$T/busybox/bin/busybox" "$R/bin/"
	cp "$BUILD/connsnoop" "$BUILD/proctop" "$BUILD/flowattr" "$BUILD/tests/traffic" "$R/bin/"
	cp "$LIBRARIES/ld-linux-aarch64.so.1" "$R/lib/"
	needed "$BUILD/connsnoop" "$BUILD/proctop" "$BUILD/flowattr" "$BUILD/tests/traffic"
	echo "SCENARIOS='$SCENARIOS'" | cat - "$HERE/arm64.init" >"$R/script"
	printf '#!/bin/busybox sh\nexec /bin/busybox sh /script\n' >"$R/init"
	chmod +x "$R/init"
	(cd "$R" && find . -print0 | busybox cpio -0 -o -H newc 2>/dev/null) >"$T/initrd"
}

machine() {
	timeout -k 5 "${LIMIT:-300}" qemu-system-aarch64 -M virt -cpu cortex-a72 -smp 2 -m 1024 \
		-accel tcg,thread=single -nodefaults -no-user-config -display none -no-reboot \
		-kernel "$1/vmlinuz" -initrd "$T/initrd" \
		-append "console=ttyAMA0 loglevel=5 panic=-1 oops=panic nokaslr" \
		-serial "file:$T/log" -device virtio-serial-pci \
		-chardev file,id=out,path="$T/out" -device virtserialport,chardev=out,nr=1 \
		</dev/null >"$T/qemu" 2>&1
}

# part NAME: of the guest's output
part() {
	sed -n "/^== $1\$/,/^== /p" "$T/out" | grep -v '^== '
}

check() {
	local scenario types="connect accept listen close open lost"
	part features | jq -es 'any(.[]; .name == "cookies" and .available)' >/dev/null
	result $? "connsnoop --features"
	part features | jq -r '"# \(.name): \(.available), used: \(.used)"'
	for scenario in $SCENARIOS; do
		part "$scenario expected" >"$T/expected"
		part "$scenario actual" >"$T/actual"
		[ -s "$T/expected" ] && jq -rn --arg types "$types" --argjson cookies true \
			--slurpfile expected "$T/expected" --slurpfile actual "$T/actual" \
			-f "$HERE/../e2e/match.jq" >"$T/problems" 2>&1 && [ ! -s "$T/problems" ]
		result $? "connsnoop: $scenario" || true
		head -n 10 "$T/problems" | sed 's/^/# /'
	done
	part proctop | jq -es 'any(.[]; .type == "exit" and .name == "busybox" and .cpu_final)' \
		>/dev/null
	result $? "proctop: a process to its end"
	part "flowattr expected" >"$T/expected"
	part "flowattr actual" >"$T/actual"
	jq -rn --argjson totals false --slurpfile expected "$T/expected" --slurpfile actual "$T/actual" \
		-f "$HERE/../e2e/flowattr.jq" >"$T/problems" 2>&1 && [ -s "$T/actual" ] && [ ! -s "$T/problems" ]
	result $? "flowattr: flows, to the byte"
	head -n 10 "$T/problems" | sed 's/^/# /'
	part packets | jq -es 'length > 5 and all(.[]; .name == "traffic")' >/dev/null
	result $? "flowattr: packets with their process"
	result "$(grep -cE 'BUG:|WARNING:|Oops|Kernel panic' "$T/log")" "the kernel's log is quiet"
	grep -qx '== end' "$T/out"
	result $? "the machine came to its end"
}

command -v qemu-system-aarch64 >/dev/null || fail "no qemu-system-aarch64: install qemu-system-arm"
[ -x "$BUILD/connsnoop" ] || fail "no $BUILD/connsnoop: make CROSS_COMPILE=aarch64-linux-gnu-"
image=$("$HERE/fetch.sh" arm64)
T=$(mktemp -d)
trap 'rm -rf "$T"' EXIT
trap 'exit 1' INT TERM HUP
make_root
: >"$T/out"
: >"$T/log"
machine "$image" || echo "# the machine ended with $?"
[ -z "${LOG:-}" ] || cp "$T/log" "$LOG"
set +e
check
echo "1..$N"
echo "$((N - FAILED)) passed, $FAILED failed"
[ "$FAILED" -eq 0 ]
