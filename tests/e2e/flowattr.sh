#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# flowattr's flows against real traffic: payload to the byte, the process at each end, nothing twice;
# sums by process; connections that were there before; the total beside the interfaces.

# shellcheck source-path=SCRIPTDIR source=lib.sh disable=SC2015,SC2086,SC2317
. "$(dirname "$0")/lib.sh"
COUNT=${COUNT:-5000}
TOOL=$BUILD/flowattr
e2e_begin
"${INSIDE[@]}" sysctl -qw net.ipv4.ping_group_range="0 2147483647"
cp "$BUILD/tests/datagram" "$T/$NAME-datagrams" || bail "no $BUILD/tests/datagram"

# flows [TOTALS]: accounted for? TOTALS (true): as said of all the flow's life, not of the intervals. What is wrong goes to $T/problems.
flows() {
	tail -n "+$((SEEN + 1))" "$T/out" | grep '}$' >"$T/actual"
	jq -rn --argjson totals "${1:-false}" --slurpfile expected "$T/expected" \
		--slurpfile actual "$T/actual" -f "$E2E/flowattr.jq" >"$T/problems" 2>&1
	[ ! -s "$T/problems" ]
}

# accounted TEXT PROGRAM ARG...: traffic, then every flow of it. Up to three times, as scenario().
accounted() {
	local text=$1 program=$2 try status
	shift 2
	for try in 1 2 3; do
		seen
		"${INSIDE[@]}" timeout -k 2 60 "$program" "$@" >>"$T/expected" 2>"$T/traffic.err" \
			</dev/null || diag <"$T/traffic.err"
		wait_until 5 flows
		status=$?
		[ $status -ne 0 ] && [ "$try" -lt 3 ] || break
		echo "# $text: once more, an event may have been kept from the tool:"
		head -n 5 "$T/problems" | diag
		sleep 0.5
	done
	matched $status "$text"
}

# ---- flows ----

tool_start --netns "/run/netns/$NS" 0.2
ok $? "starts and says that it is ready"
for family in $FAMILIES; do
	for what in connect nonblock server-first half-close "bytes $RANDOM" exit fork-server fork-client \
		prefork threads; do
		# shellcheck disable=SC2086 # words
		accounted "TCP $family: $what" "$T/$NAME" $family $what
	done
done
if has datagrams || has exit_datagrams; then
	for family in $FAMILIES; do
		for what in connected unconnected any peers uncounted mmsg sendfile fork threads exit; do
			accounted "UDP $family: $what" "$T/$NAME-datagrams" $family $what
		done
	done
	accounted "ping sockets" "$T/$NAME-datagrams" -4 ping
	accounted "raw sockets" "$T/$NAME-datagrams" -4 raw
fi
tool_wait INT
is "$TOOL_STATUS" 0 "SIGINT: exit status 0"
is "$(grep -cvx ready "$T/err")" 0 "nothing but \"ready\" on stderr" || diag <"$T/err"
is "$(jq -s 'map(select(.type == "lost")) | length' "$T/out")" 0 "nothing lost"
is "$(jq -s 'map(select(.type == "flow" and (.tx_bytes < 0 or .rx_bytes < 0))) | length' "$T/out")" 0 \
	"no counter goes backwards"
is "$(jq -rs '[.[] | select(.type == "flow") |
	select((keys | contains(["ts", "pid", "tid", "name", "comm", "name_src", "exe",
		"args", "ppid", "uid", "cgroup", "container", "netns", "proto", "laddr", "lport",
		"raddr", "rport", "direction", "state", "interval_ns", "tx_bytes", "rx_bytes",
		"tx_packets", "rx_packets", "tx_total_bytes", "rx_total_bytes", "rtt_us",
		"retransmits", "holders", "owner_src", "peer_pid", "peer_name"])) | not)] | length' \
	"$T/out")" 0 "every key of a flow is there"
is "$(jq -rs '[.[] | select(.type == "flow" and .peer_pid != null and .peer_name != .name)] | length' \
	"$T/out")" 0 "the peer is named in full"

# ---- sums by process: what each process sent and received ----

for program in "$T/$NAME -4 bytes $RANDOM" "$T/$NAME -6 prefork" "$T/$NAME-datagrams -4 connected"; do
	tool_start --netns "/run/netns/$NS" --by process 0.2
	: >"$T/expected"
	# shellcheck disable=SC2086 # words
	"${INSIDE[@]}" timeout -k 2 60 $program >>"$T/expected" 2>"$T/traffic.err"
	sleep 0.5
	tool_wait INT
	jq -rs '[.[] | select(.type == "close" and (.tx_bytes | type) == "number")] | group_by(.pid)[] |
		"\(.[0].pid) \(.[0].name) \(map(.tx_bytes) | add) \(map(.rx_bytes) | add)"' \
		"$T/expected" | grep -v ' 0 0$' | sort >"$T/wanted"
	jq -rs '[.[] | select(.type == "process")] | group_by(.pid)[] |
		"\(.[0].pid) \(.[0].name) \(map(.tx_bytes) | add) \(map(.rx_bytes) | add)"' \
		"$T/out" | grep -v ' 0 0$' | sort >"$T/got"
	diff "$T/wanted" "$T/got" >"$T/problems"
	ok $? "--by process: ${program#"$T/"}" || diag <"$T/problems"
done

# ---- what was there before ----

for family in -4 -6; do
	seen
	traffic_start $family established 5000
	traffic_phase established
	tool_start --netns "/run/netns/$NS" 0.2
	traffic_go
	traffic_end
	sleep 0.6
	tool_wait INT
	flows true
	matched $? "$family: connections from before: their owners, what they carry from now on"
done

# ---- totals ----

tool_start --netns "/run/netns/$NS" 0.3
traffic -4 bytes 7
sleep 0.5
tool_wait INT
is "$(jq -s '[.[] | select(.type == "total" or .type == "flow") | .tx_bytes |= (. // 0)] |
	(map(select(.type == "flow") | .tx_bytes) | add) ==
	(map(select(.type == "total") | .tx_bytes) | add)' "$T/out")" true \
	"totals are the sum of the flows"
is "$(jq -s 'map(select(.type == "total")) | (map(.interface_tx_bytes) | add) >
	(map(.tx_bytes + .rx_bytes) | add)' "$T/out")" true "and the interfaces carried more than that"

# ---- --reconcile: the interfaces' own counters, to the byte ----

# reconciled TEXT COMMAND...: every byte on loopback and veth has its class
reconciled() {
	local text=$1
	shift
	tool_start --netns "/run/netns/$NS" --reconcile 0.3
	"$@" >/dev/null 2>&1
	sleep 0.5
	tool_wait INT
	is "$(jq -s 'map(select(.type == "total")) | map(.residual_bytes) | add' "$T/out")" 0 \
		"--reconcile: $text: nothing but what the interfaces counted"
	is "$(jq -s 'map(select(.type == "total")) | (map(.interface_tx_bytes + .interface_rx_bytes) | add) ==
		(map(.attributed + .kernel + .forwarded + .no_socket + .unattributed) | add)' "$T/out")" \
		true "--reconcile: $text: every byte has its class"
	is "$(jq -s 'map(select(.type == "total")) | (map(.attributed) | add) > (map(.header_bytes) | add)' \
		"$T/out")" true "--reconcile: $text: most of it is of processes"
}

# shellcheck disable=SC2317
through_veth() {
	traffic -4 two-netns "/run/netns/$NS2" 10.99.0.2
}

reconciled "TCP, IPv4" traffic -4 bytes 7
reconciled "TCP, IPv6" traffic -6 bytes 8
reconciled "through a veth" through_veth
if has datagrams || has exit_datagrams; then
	reconciled "UDP" "${INSIDE[@]}" "$T/$NAME-datagrams" -4 peers
	reconciled "ping" "${INSIDE[@]}" "$T/$NAME-datagrams" -4 ping
fi
tool_start --netns "/run/netns/$NS" --reconcile 0.3
traffic -4 refused
sleep 0.5
tool_wait INT
is "$(jq -s 'map(select(.type == "total")) | (map(.attributed) | add) > 0 and (map(.residual_bytes) | add) == 0' \
	"$T/out")" true "--reconcile: a connect that is refused is its process's, though it made no flow"

# ---- many that are gone at once ----

tool_start --netns "/run/netns/$NS" --stats 0.5
: >"$T/log"
"${INSIDE[@]}" timeout -k 2 110 "$T/$NAME" -4 burst "$COUNT" 8 >>"$T/log" 2>"$T/traffic.err" </dev/null
ok $? "generator: $COUNT clients"
sleep 1
tool_wait INT
awk -v name="$NAME" '$1 == "connect" { print $2, $3, name }' "$T/log" | sort >"$T/clients"
server=$(awk '$1 == "accept" { print $2; exit }' "$T/log")
jq -r --argjson server "$server" 'select(.type == "flow" and .peer_pid == $server) |
	"\(.pid) \(.lport) \(.name)"' "$T/out" | sort -u >"$T/flows"
diff "$T/clients" "$T/flows" >"$T/problems"
ok $? "$COUNT connections of $COUNT processes: process, port, name, peer" ||
	head -n 20 "$T/problems" | diag

# ---- COMMAND, the end of stdout ----

seen
# shellcheck disable=SC2016 # the inner shell's variables
tool_run -j -- sh -c 'out=$1; shift; exec "$@" >"$out"' sh "$T/expected" "$T/$NAME" -4 connect
is "$TOOL_STATUS" 0 "COMMAND: its status"
flows
matched $? "COMMAND: its flows"
tool_run -j -- sh -c 'exit 7'
is "$TOOL_STATUS" 7 "COMMAND: its status is passed on"
tool_run -j 0.1 3 --netns "/run/netns/$NS"
is "$TOOL_STATUS $(grep -c '"total"' "$T/out")" "0 3" "COUNT intervals"
[ -z "${KERNEL:-}" ] || e2e_end # what follows is the same on every kernel
"${INSIDE[@]}" timeout 10 "$TOOL" -j 0.1 --netns "/run/netns/$NS" 2>"$T/err" | head -n 1 >"$T/out"
is "${PIPESTATUS[0]} $(wc -l <"$T/out") $(wc -c <"$T/err")" "0 1 0" "| head -n 1: status 0, no complaint"
"${INSIDE[@]}" timeout 10 "$TOOL" -j 0.1 --netns "/run/netns/$NS" >/dev/full 2>"$T/err"
is $? 1 "/dev/full: exit status 1"
like "$(cat "$T/err")" "No space left" "and the reason"
e2e_end
