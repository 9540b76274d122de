#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Runs the end-to-end tests inside of virtual machines, as many at once as there are CPUs, and sums up:
# TAP, each test with its kernel's name in front, and in the end "N passed, N failed[, N skipped]".
# What a kernel did counts only if its closing line came. Each kernel boots a second time, locked down.
# What came from the machines is kept in BUILD/matrix (report.sh).
#   matrix.sh KERNEL...       names from the table `kernels`, or all
# From the environment: BUILD=build   TESTS="e2e/tcp e2e/names..." (default: all)   JOBS=(nproc)
#   LIMIT=1500 (seconds, for one kernel)   COUNT, FLOOD: how much the tests do; emulation is slow

set -u
HERE=$(cd "$(dirname "$0")" && pwd)
export BUILD=${BUILD:-$HERE/../../build} LIMIT=${LIMIT:-1500}
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
		case $test in
		lib | lockdown) ;;
		ends | formats | *_formats | proctop_view) ;; # the same on every kernel: not in here
		*) echo "e2e/$test" ;;
		esac
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

# machine KERNEL NAME TEST...: its output, messages, exit status go to files called NAME
machine() {
	local kernel=$1 name=$2 run
	shift 2
	"$HERE/run.sh" "$kernel" sh -c '(cd build && sha256sum -- * 2>/dev/null); exec "$@"' sh \
		env COUNT="$COUNT" FLOOD="$FLOOD" bash tests/run.sh "$@" \
		>"$T/$name.out" 2>"$T/$name.err" &
	run=$!
	trap 'kill "$run"; wait; exit 1' TERM
	wait "$run"
	echo $? >"$T/$name.status"
}

# start KERNEL: in the background
start() {
	{
		# shellcheck disable=SC2086 # words
		machine "$1" "$1" $TESTS
		[ -z "$LOCKED" ] || APPEND=lockdown=confidentiality machine "$1" "$1.$LOCKED" e2e/lockdown
	} &
}

# translate KERNEL NAME: what came from it: numbered on, with its name and the test's in front
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
	{ print (/^#/ ? "" : "# ") $0 }' "$T/$2.out" | cut -c 1-400 # a verifier can talk
}

# same_binaries NAME: what ran there is what was built here
same_binaries() {
	local there
	there=$(grep -E '^[0-9a-f]{64}  ' "$T/$1.out")
	[ -n "$there" ] && (cd "$BUILD" && sha256sum --quiet -c) <<<"$there"
}

# finish KERNEL NAME: what it did
finish() {
	local kernel=$1 name=$2 status closing
	status=$(cat "$T/$name.status")
	echo "# kernel $name"
	if [ "$status" -eq 77 ]; then
		N=$((N + 1)) SKIPPED=$((SKIPPED + 1))
		echo "ok $N - $kernel # SKIP $(tail -n 1 "$T/$name.err")"
		return
	fi
	translate "$kernel" "$name" >"$T/translated"
	cat "$T/translated"
	grep '^not ok' "$T/translated" >>"$T/failures"
	sed 's/^/# /' "$T/$name.err"
	N=$((N + $(grep -cE '^(not )?ok ' "$T/translated")))
	same_binaries "$name"
	result $? "$name: the same binaries as built"
	closing=$(tail -n 1 "$T/$name.out")
	if [[ $closing =~ ^([0-9]+)\ passed,\ ([0-9]+)\ failed(,\ ([0-9]+)\ skipped)?$ ]]; then
		[ "$kernel" != "$name" ] || RAN=$((RAN + 1))
		PASSED=$((PASSED + BASH_REMATCH[1]))
		FAILED=$((FAILED + BASH_REMATCH[2]))
		SKIPPED=$((SKIPPED + ${BASH_REMATCH[4]:-0}))
		result $((status > 1 || (status == 1 && BASH_REMATCH[2] == 0))) \
			"$name: the machine ends in peace (status $status)"
		cp "$T/$name.out" "$BUILD/matrix/$name"
	else
		result 1 "$name: no closing line (status $status)"
	fi
}

main() {
	local i kernel kernels=("$@")
	[ $# -gt 0 ] || {
		echo "usage: matrix.sh KERNEL...|all" >&2
		exit 2
	}
	[ "$1" != all ] || mapfile -t kernels < <(all_kernels)
	[ -n "${TESTS:-}" ] && LOCKED='' || LOCKED=lockdown
	TESTS=${TESTS:-$(all_tests)}
	T=$(mktemp -d) || exit 1
	trap 'kill $(jobs -p) 2>/dev/null; wait; rm -rf "$T"' EXIT
	trap 'exit 1' INT TERM HUP
	: >"$T/failures"
	mkdir -p "$BUILD/matrix"
	for ((i = ${#kernels[@]} - 1; i >= 0; i--)); do # the newest takes longest
		while [ "$(jobs -rp | wc -l)" -ge "$JOBS" ]; do
			wait -n
		done
		start "${kernels[i]}"
	done
	wait
	for kernel in "${kernels[@]}"; do
		rm -f "$BUILD/matrix/$kernel" "$BUILD/matrix/$kernel".*
		finish "$kernel" "$kernel"
		[ -z "$LOCKED" ] || finish "$kernel" "$kernel.$LOCKED"
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
