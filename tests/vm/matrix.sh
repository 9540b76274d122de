#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Runs the end-to-end tests inside of virtual machines, on one kernel after another, as many at once
# as there are CPUs, and sums up: TAP, each test with its kernel's name in front, and in the end
# "N passed, N failed[, N skipped]". What a kernel did counts only if its closing line came.
#   matrix.sh KERNEL...       names from the table `kernels`, or all
# From the environment: BUILD=build   TESTS="e2e/tcp e2e/names..." (default: all)   JOBS=(nproc)
#   LIMIT=1200 (seconds, for one kernel)   COUNT, FLOOD: how much the tests do; emulation is slow

set -u
HERE=$(cd "$(dirname "$0")" && pwd)
export BUILD=${BUILD:-$HERE/../../build} LIMIT=${LIMIT:-1200}
COUNT=${COUNT:-300} FLOOD=${FLOOD:-10000}
JOBS=${JOBS:-$(nproc)}
N=0 PASSED=0 FAILED=0 SKIPPED=0 RAN=0

all_kernels() {
	awk '!/^#/ && $1 != "arm64" { print $1 }' "$HERE/kernels"
}

all_tests() {
	local test
	for test in "$HERE"/../e2e/*.sh; do
		test=$(basename "$test" .sh)
		[ "$test" = lib ] || echo "e2e/$test"
	done
}

# result STATUS TEXT: a test of our own
result() {
	N=$((N + 1))
	if [ "$1" -eq 0 ]; then
		PASSED=$((PASSED + 1))
		echo "ok $N - $2"
	else
		FAILED=$((FAILED + 1))
		echo "not ok $N - $2" | tee -a "$T/failures"
	fi
}

# start KERNEL: in the background; its output, messages, exit status go to files
start() {
	{
		# shellcheck disable=SC2086 # words
		"$HERE/run.sh" "$1" sh -c 'sha256sum build/connsnoop && exec "$@"' sh \
			env COUNT="$COUNT" FLOOD="$FLOOD" bash tests/run.sh $TESTS \
			>"$T/$1.out" 2>"$T/$1.err"
		echo $? >"$T/$1.status"
	} &
}

# translate KERNEL: what came from it: numbered on, with its name and the test's in front
translate() {
	awk -v kernel="$1" -v n="$N" '
	/^# e2e\// && NF == 2 { program = $2 ": " }
	/^1\.\./ { next }
	/^# failed:$/ { failures = 1; next }
	failures && /^# e2e\// {
		sub(/^# /, "")
		if ($0 !~ /^[^ ]+ not ok/) # what has no line yet: broke off, killed
			printf "not ok %d - %s: %s\n", ++n, kernel, $0
		next
	}
	match($0, /^(not )?ok [0-9]+ - /) {
		printf "%s %d - %s: %s%s\n", /^not/ ? "not ok" : "ok", ++n, kernel, program,
			substr($0, RLENGTH + 1)
		next
	}
	{ print (/^#/ ? "" : "# ") $0 }' "$T/$1.out" | cut -c 1-400 # a verifier can talk
}

# finish KERNEL: what it did
finish() {
	local status closing checksum
	status=$(cat "$T/$1.status")
	echo "# kernel $1"
	if [ "$status" -eq 77 ]; then
		N=$((N + 1)) SKIPPED=$((SKIPPED + 1))
		echo "ok $N - $1 # SKIP $(tail -n 1 "$T/$1.err")"
		return
	fi
	translate "$1" >"$T/translated"
	cat "$T/translated"
	grep '^not ok' "$T/translated" >>"$T/failures"
	sed 's/^/# /' "$T/$1.err"
	N=$((N + $(grep -cE '^(not )?ok ' "$T/translated")))
	read -r checksum _ <"$T/$1.out"
	[ "$checksum" = "$CHECKSUM" ]
	result $? "$1: the same binary"
	closing=$(tail -n 1 "$T/$1.out")
	if [[ $closing =~ ^([0-9]+)\ passed,\ ([0-9]+)\ failed(,\ ([0-9]+)\ skipped)?$ ]]; then
		RAN=$((RAN + 1))
		PASSED=$((PASSED + BASH_REMATCH[1]))
		FAILED=$((FAILED + BASH_REMATCH[2]))
		SKIPPED=$((SKIPPED + ${BASH_REMATCH[4]:-0}))
		result $((status > 1 || (status == 1 && BASH_REMATCH[2] == 0))) \
			"$1: the machine ends in peace (status $status)"
	else
		result 1 "$1: no closing line (status $status)"
	fi
}

main() {
	local kernel kernels=("$@")
	[ $# -gt 0 ] || {
		echo "usage: matrix.sh KERNEL...|all" >&2
		exit 2
	}
	[ "$1" != all ] || mapfile -t kernels < <(all_kernels)
	TESTS=${TESTS:-$(all_tests)}
	T=$(mktemp -d) || exit 1
	trap 'kill $(jobs -p) 2>/dev/null; wait; rm -rf "$T"' EXIT
	trap 'exit 1' INT TERM HUP
	: >"$T/failures"
	read -r CHECKSUM _ < <(sha256sum "$BUILD/connsnoop")
	for kernel in "${kernels[@]}"; do
		while [ "$(jobs -rp | wc -l)" -ge "$JOBS" ]; do
			wait -n
		done
		start "$kernel"
	done
	wait
	for kernel in "${kernels[@]}"; do
		finish "$kernel"
	done
	[ ${#kernels[@]} -eq 1 ] || result $((RAN < 2)) "at least two kernels ran: $RAN"
	echo "1..$N"
	if [ -s "$T/failures" ]; then
		echo "# failed:"
		sed 's/^not ok [0-9]* - /# /' "$T/failures"
	fi
	echo "# all took $SECONDS s"
	echo "$PASSED passed, $FAILED failed, $SKIPPED skipped"
	[ "$FAILED" -eq 0 ] && [ "$RAN" -gt 0 ]
}

main "$@"
