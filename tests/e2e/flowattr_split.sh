#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# flowattr --split-shared: what each of several processes sends and receives on a socket they share,
# against what their own calls returned; all together what the socket carried.

# shellcheck source-path=SCRIPTDIR source=lib.sh disable=SC2015,SC2016,SC2086,SC2317
. "$(dirname "$0")/lib.sh"
TOOL=$BUILD/flowattr
e2e_begin
cp "$BUILD/tests/share" "$T/$NAME-share" || bail "no $BUILD/tests/share"
FAMILIES='-4 -6'

# share ARG...: traffic; the log of all its processes is added to $T/expected
share() {
	"${INSIDE[@]}" timeout -k 2 60 "$T/$NAME-share" "$@" >>"$T/expected" 2>"$T/traffic.err" \
		</dev/null || diag <"$T/traffic.err"
}

# holds JQ: prints it nothing of $got and $wanted, what each process moved on each socket by the rows
# and by the log; $rows; $log? What it prints goes to $T/problems. WHO, a condition: of the log.
holds() {
	jq -rn --slurpfile expected "$T/expected" --slurpfile actual "$T/out" '
		def key: "\(.proto) \(.pid) \(.name) \(.laddr):\(.lport) \(.raddr):\(.rport)";
		def sums: group_by(key) | map({key: (.[0] | key), value: {tx: (map(.tx_bytes) | add),
			rx: (map(.rx_bytes) | add)}} | select(.value.tx + .value.rx > 0)) | from_entries;
		def total(f): [.[] | f] | add;
		($expected | map(select(.who != "other"))) as $log
		| ($actual | map(select(.type == "flow"))) as $rows
		| ($rows | sums) as $got | ($log | sums) as $wanted
		| (select(($log | length) == 0) | "no log"), ('"$1"')' >"$T/problems" 2>&1
	[ ! -s "$T/problems" ]
}

# every process has its bytes, to the byte, and they are all that the total has
EXACT='(($got | keys) + ($wanted | keys) | unique[] | select($got[.] != $wanted[.])
		| "\(.): \($got[.]), not \($wanted[.])"),
	(($actual | map(select(.type == "total"))) as $totals
	| select(($totals | total(.tx_bytes)) != ($log | total(.tx_bytes)) or
		($totals | total(.rx_bytes)) != ($log | total(.rx_bytes)))
	| "the total is not the sum"),
	($actual | map(select(.type == "total")) | total(.flows) | select(. < 1)
	| "\(.) flows in the total")'

# ---- one interval: each process, to the byte ----

if ! has datagrams && ! has exit_datagrams; then
	tool_run --split-shared -j 1 1
	is "$TOOL_STATUS $(wc -l <"$T/err")" "1 1" "this kernel cannot: exit status 1, one line"
	e2e_end
fi
for try in 1 2 3; do # as scenario() of lib.sh
	: >"$T/expected"
	tool_start --netns "/run/netns/$NS" --split-shared 60
	for family in $FAMILIES; do
		share $family tcp client 4 30000
		share $family tcp server 3 20000
		share $family udp client 3 0
	done
	tool_wait INT
	holds "$EXACT"
	status=$?
	[ $status -ne 0 ] && [ "$try" -lt 3 ] || break
	head -n 5 "$T/problems" | diag
done
matched $status "a client's socket, a server's, one of UDP: to the byte, and the names in full"
holds '[$rows[] | select(.proto == "tcp") | "\(.pid) \(.owner_src == "call")"] as $got
	| [$log[] | select(.proto == "tcp") | "\(.pid) \(.who == "child")"] as $wanted
	| select(($got | sort) != ($wanted | sort)) | $got, $wanted'
matched $? "owner_src: call, but for the owner"
holds '($expected | map(select(.who == "other" and .proto == "tcp")) |
		map({key: "\(.rport)", value: .pid}) | from_entries) as $others
	| $rows[] | select(.proto == "tcp" and .peer_pid != $others["\(.lport)"])
	| "\(.pid): peer \(.peer_pid)"'
matched $? "each has the process at the other end"
holds '$rows[] | select(.proto == "tcp" and (.tx_packets == null) != (.owner_src == "call")) |
	"\(.pid): \(.tx_packets) packets"'
matched $? "packets stay with the owner"

# ---- several intervals: what is not yet explained is the owner's, the sum is the flow's ----

: >"$T/expected"
tool_start --netns "/run/netns/$NS" --split-shared 0.1
share -4 tcp client 4 20000000
share -4 tcp server 4 20000000
sleep 0.3
tool_wait INT
# until the first call has returned, the line is of the end that began the flow
holds '($log | map(.lport)) as $ports
	| ($rows | map(if .lport as $port | $ports | index($port) then {tx: .tx_bytes, rx: .rx_bytes}
		else {tx: .rx_bytes, rx: .tx_bytes} end)) as $seen
	| (select(($seen | total(.tx)) != ($log | total(.tx_bytes)) or
		($seen | total(.rx)) != ($log | total(.rx_bytes))) | "the rows are not the sum"),
	($log[] | select(.who == "child") | key as $key | .tx_bytes as $tx | .rx_bytes as $rx
	| $got[$key] | select(.tx > $tx or .rx > $rx) | "\($key): \(.), called for \($tx) and \($rx)")'
matched $? "intervals: rows sum up to what the sockets carried, nobody has more than it called for"

[ -z "${KERNEL:-}" ] || e2e_end # what follows is the same on every kernel

# ---- by process; a COMMAND; refusals ----

: >"$T/expected"
tool_start --netns "/run/netns/$NS" --split-shared --by process 60
share -4 tcp client 3 10000
share -4 tcp server 3 10000
tool_wait INT
jq -r '"\(.pid) \(.name) \(.tx_bytes) \(.rx_bytes)"' "$T/expected" | sort >"$T/wanted"
jq -r 'select(.type == "process") | "\(.pid) \(.name) \(.tx_bytes) \(.rx_bytes)"' "$T/out" |
	sort >"$T/got"
diff "$T/wanted" "$T/got" >"$T/problems"
matched $? "--by process: both ends, each process's own bytes"
is "$(jq -rs 'map(select(.type == "process").flows) | unique | join(" ")' "$T/out")" 1 \
	"--by process: one flow each"
: >"$T/expected"
tool_run -j --split-shared 60 -- sh -c 'out=$1; shift; exec "$@" >"$out"' sh "$T/expected" \
	"$T/$NAME-share" -6 tcp server 2 5000
holds "$EXACT"
matched $? "COMMAND: each process's own bytes"
tool_run -j --split-shared 60 -n nobody -- "$T/$NAME-share" -4 tcp client 2 5000
is "$(jq -s 'map(select(.type == "flow")) | length' "$T/out")" 0 "-n: no rows of others"
for word in "--packets" "-w x" "-r x" "-p 1" "-u root" "--cgroup /"; do
	tool_run --split-shared $word
	is "$TOOL_STATUS $(wc -l <"$T/err")" "2 1" "refused in one line: --split-shared $word"
done
e2e_end
