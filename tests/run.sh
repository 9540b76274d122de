#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Runs every test that is built in BUILD, and sums up. Each test program speaks TAP; a line of what
# has failed, with the program's name, comes once more at the end, before the one line that counts:
# "N passed, N failed[, N skipped]". Fails if anything did, or if a program broke off.
#   run.sh [NAME...]   all programs, or only these: unit/test_row asan/test_row lint e2e/tcp
# VM=all (or names of kernels): then the end-to-end tests in virtual machines, counted with the others.
# What the end-to-end tests say goes to BUILD/matrix, too, for `make matrix`.

set -u
cd "$(dirname "$0")/.." || exit 1
shopt -s nullglob
BUILD=$(realpath -m "${BUILD:-build}")
export BUILD CMOCKA_MESSAGE_OUTPUT=TAP
LIMIT=600 # seconds that a program may take
PASSED=0 FAILED=0 SKIPPED=0
T=$(mktemp -d) || exit 1
LINT=
trap '[ -z "$LINT" ] || kill "$LINT" 2>/dev/null; rm -rf "$T"' EXIT

# count FILE STATUS: reads TAP: "passed failed skipped", then a line for each failure
count() {
	awk -v status="$2" '
	function fails(line) { failed++; failures[failed] = line }
	/^1\.\.[0-9]+/ && plan == "" {
		plan = substr($1, 4) + 0
		if (plan == 0 && /# *SKIP/)
			skipped++
	}
	/^Bail out!/ { bailed = $0 }
	/^(not )?ok( |$)/ {
		n++
		if (/# *SKIP/) # cmocka calls it "not ok"
			skipped++
		else if (/^ok/)
			passed++
		else
			fails($0)
	}
	END {
		if (bailed != "")
			fails(bailed)
		else if (status == 124 || status == 137)
			fails("killed: it took too long")
		else if (plan == "")
			fails("no plan: broke off with status " status)
		else if (plan != n + 0)
			fails("planned " plan " tests, made " n + 0 ", status " status)
		else if (status != 0 && !failed)
			fails("all tests passed, yet the status is " status)
		print passed + 0, failed + 0, skipped + 0
		for (i = 1; i <= failed; i++)
			print failures[i]
	}' "$1"
}

# sum NAME STATUS: of a program whose output is $T/out, and which began at $begin
sum() {
	local name=$1 passed failed skipped tenths
	count "$T/out" "$2" >"$T/count"
	read -r passed failed skipped <"$T/count"
	sed "1d; s|^|$name: |" "$T/count" >>"$T/failures"
	PASSED=$((PASSED + passed)) FAILED=$((FAILED + failed)) SKIPPED=$((SKIPPED + skipped))
	tenths=$(((${EPOCHREALTIME/[.,]/} - begin) / 100000))
	printf '# %s took %d.%d s\n\n' "$name" $((tenths / 10)) $((tenths % 10))
}

# run NAME COMMAND...: one program: its output as it is, then what it took
run() {
	local name=$1 begin=${EPOCHREALTIME/[.,]/} status
	shift
	echo "# $name"
	timeout -k 10 "$LIMIT" "$@" >"$T/out" 2>&1 </dev/null
	status=$?
	cat "$T/out"
	sum "$name" $status
}

# Reads the sources while the end-to-end tests wait for one another; finish_lint says what it found.
start_lint() {
	nice -n 19 timeout -k 10 "$LIMIT" bash tests/lint.sh >"$T/lint" 2>&1 </dev/null &
	LINT=$!
}

finish_lint() {
	local begin=${EPOCHREALTIME/[.,]/} # what it took beyond the tests, that is
	echo "# lint"
	if wait "$LINT"; then
		echo "ok 1 - lint"
	else
		echo "not ok 1 - lint"
	fi >>"$T/lint"
	LINT=
	echo 1..1 >>"$T/lint"
	tee "$T/out" <"$T/lint"
	sum lint 0
}

# machines KERNEL...: takes minutes, hence its output as it comes
machines() {
	local begin=${EPOCHREALTIME/[.,]/}
	echo "# vm"
	bash tests/vm/matrix.sh "$@" 2>&1 </dev/null | tee "$T/out"
	sum vm "${PIPESTATUS[0]}"
}

# wanted NAME: of those named on the command line
WANTED=("$@")
wanted() {
	local name
	[ ${#WANTED[@]} -gt 0 ] || return 0
	for name in "${WANTED[@]}"; do
		[ "$name" != "$1" ] || return 0
	done
	return 1
}

: >"$T/failures"
started=$SECONDS
for test in tests/unit/test_*.c; do
	test=$(basename "$test" .c)
	wanted "unit/$test" && run "unit/$test" "$BUILD/tests/$test"
	wanted "asan/$test" && run "asan/$test" "$BUILD/tests/asan/$test"
done
wanted lint && start_lint
for test in tests/e2e/*.sh; do
	name=$(basename "$test" .sh)
	[ "$name" != lib ] || continue
	wanted "e2e/$name" || continue
	if [ "$(id -u)" -eq 0 ]; then
		run "e2e/$name" bash "$test"
	else
		run "e2e/$name" echo "1..0 # SKIP needs root"
	fi
	{ echo "# e2e/$name" && cat "$T/out"; } >>"$T/e2e"
done
[ -z "$LINT" ] || finish_lint
if [ -z "${KERNEL:-}" ] && [ ${#WANTED[@]} -eq 0 ] && [ -s "$T/e2e" ]; then
	mkdir -p "$BUILD/matrix" && cp "$T/e2e" "$BUILD/matrix/own"
fi
# shellcheck disable=SC2086 # words
[ -z "${VM:-}" ] || machines $VM
if [ -s "$T/failures" ]; then
	echo "# failed:"
	sed 's/^/# /' "$T/failures"
fi
echo "# all took $((SECONDS - started)) s"
summary="$PASSED passed, $FAILED failed"
[ "$SKIPPED" -eq 0 ] || summary+=", $SKIPPED skipped"
echo "$summary"
[ "$FAILED" -eq 0 ] && [ $((PASSED + SKIPPED)) -gt 0 ]
