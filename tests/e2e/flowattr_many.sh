#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# More flows than flowattr keeps in mind: what makes room is summed up in a line "(others)", and not a
# byte is missing in the sums; memory has a bound.

# shellcheck source-path=SCRIPTDIR source=lib.sh disable=SC2015,SC2317
. "$(dirname "$0")/lib.sh"
TOOL=$BUILD/flowattr
MEMORY_KB=400000
e2e_begin
cp "$BUILD/tests/datagram" "$T/$NAME-datagrams" || bail "no $BUILD/tests/datagram"
cp "$BUILD/tests/clients" "$T/$NAME-clients" || bail "no $BUILD/tests/clients"
# an end's port is soon used again
"${INSIDE[@]}" sysctl -qw net.ipv4.tcp_max_tw_buckets=1000 || bail "sysctl"

# sums DIRECTION: the bytes and packets of all lines, the bytes of all totals, what was lost
sums() {
	jq -rn --arg tx "tx_bytes" 'reduce (inputs | select(.type)) as $r ({};
		if $r.type == "total" then .total += $r.tx_bytes
		elif $r.type == "lost" then .lost += $r.count
		else .lines += $r.tx_bytes | .packets += $r.tx_packets end) |
		"\(.lines) \(.packets) \(.total) lost \(.lost // 0)"' "$T/out"
}

have_bytes() {
	[ "$(sums | cut -d' ' -f3)" -ge "$1" ] 2>/dev/null
}

# many INTERVAL PROGRAM ARG...: its flows, into $T/out; the most memory that it took in $MEMORY
many() {
	local interval=$1
	shift
	tool_start --stats --netns "/run/netns/$NS" -F type,flows,tx_bytes,tx_packets,count "$interval"
	"${INSIDE[@]}" timeout -k 2 110 "$@" >"$T/log" 2>"$T/traffic.err" </dev/null
	GENERATED=$?
	diag <"$T/traffic.err"
	[ "$interval" -gt 1 ] || wait_until 10 have_bytes "$BYTES"
	MEMORY=$(awk '$1 == "VmHWM:" { print $2 }' "/proc/$TOOL_PID/status")
	tool_wait INT
}

# scan INTERVAL COUNT [PORT]: a byte to each of as many. Up to three times, as scenario().
scan() {
	local try
	BYTES=$2
	for try in 1 2 3; do
		many "$1" "$T/$NAME-datagrams" -4 burst "${@:2}"
		[ "$(sums)" != "$2 $2 $2 lost 0" ] && [ "$try" -lt 3 ] || break
		echo "# once more, datagrams may have been kept from the tool: $(sums)"
	done
	is "$GENERATED $TOOL_STATUS $(sums)" "0 0 $2 $2 $2 lost 0" "burst ${*:2}: every byte is in a line, and in the total"
}

if has datagrams || has exit_datagrams; then
	if [ -z "${KERNEL:-}" ]; then
		scan 1 100000 # more than the kernel side keeps, FLOWS_MAX
		scan 1 70000 53
		scan 100 450000 # in one interval: more than TABLE_MAX, too
		folded=$(jq -r 'select(.type == "others").flows' "$T/out")
		is "$(jq -s 'map(select(.type == "others")) | length' "$T/out")" 1 "one line of others"
		ok "$((folded < 50000))" "which holds what was beyond 400,000: $folded"
		is "$(grep '^others:' "$T/err")" \
			"others: $folded flows found no room and are summed up as \"(others)\"" \
			"--stats counts them"
		ok "$((MEMORY > MEMORY_KB))" "memory: $MEMORY kB"
	else
		scan 1 2000
	fi
else
	skip "many flows of datagrams" "no datagrams here"
fi

count=${KERNEL:+500}
count=${count:-20000}
BYTES=0
many 100 "$T/$NAME-clients" tcp "$count"
is "$GENERATED $TOOL_STATUS $(sums | cut -d' ' -f1,3-)" "0 0 $(awk '{ print $2, $2 }' "$T/log") lost 0" \
	"$count TCP connections: every byte is in a line, and in the total"
is "$(jq -s 'map(select(.type == "flow")) | length' "$T/out")" "$count" "each has its line"
e2e_end
