#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# connsnoop's records of UDP, UDP-Lite, ping, raw and packet sockets against the generator's own
# ledger: every flow with its owner, peer and counts, once, and nothing else.

# shellcheck source-path=SCRIPTDIR source=lib.sh disable=SC2015,SC2086,SC2317
. "$(dirname "$0")/lib.sh"
e2e_begin
[ -x "$BUILD/tests/datagram" ] || bail "no $BUILD/tests/datagram: build it first, or set BUILD"
cp "$BUILD/tests/datagram" "$T/$NAME" || bail "cannot set up $T"
"${INSIDE[@]}" sysctl -qw net.ipv4.ping_group_range="0 2147483647" || bail "sysctl"

# Not all of Debian's kernels have what it is made with by default.
! has sctp || "${INSIDE[@]}" sysctl -qw net.sctp.cookie_hmac_alg=none 2>/dev/null

UDPLITE=yes # until 7.0
"${INSIDE[@]}" "$T/$NAME" -l any 2>&1 | grep -q EPROTONOSUPPORT && UDPLITE=

family_name() {
	case $1 in
	-4) echo IPv4 ;;
	-6) echo IPv6 ;;
	-m) echo "IPv4 through IPv6 sockets" ;;
	esac
}

tool_start --netns "/run/netns/$NS"
ok $? "starts and says that it is ready"

for family in $FAMILIES; do
	f=$(family_name $family)
	scenario "$f: connected: send, write, writev, sendto, sendmsg, recv, read, readv" $family connected
	scenario "$f: not connected, with and without the address asked for" $family unconnected
	scenario "$f: bound to any address" $family any
	scenario "$f: one socket, 40 peers" $family peers
	scenario "$f: peeks and errors do not count; cut, empty, refused do" $family uncounted
	scenario "$f: sendmmsg, recvmmsg" $family mmsg
	scenario "$f: sendfile, splice" $family sendfile
	scenario "$f: MSG_ZEROCOPY" $family zerocopy
	scenario "$f: one datagram of several calls" $family cork
	scenario "$f: connected anew, and to nobody" $family again
	scenario "$f: used by parent and child" $family fork
	scenario "$f: threads that send" $family threads
	scenario "$f: passed by SCM_RIGHTS, taken by pidfd_getfd" $family passed
	scenario "$f: exit without close, SIGKILL" $family exit
	scenario "$f: io_uring" $family uring
	scenario "$f: io_uring, a thread of the kernel's that polls" $family sqpoll
	[ $family = -m ] && continue
	scenario "$f: multicast, broadcast" $family multicast
	scenario "$f: ping sockets" $family ping
	scenario "$f: raw sockets" $family raw
done
for family in -4 -6; do
	for what in connected unconnected; do
		if [ -n "$UDPLITE" ]; then
			scenario "UDP-Lite, $(family_name $family): $what" -l $family $what
		else
			skip "UDP-Lite, $(family_name $family): $what" "the kernel has no UDP-Lite"
		fi
	done
done
scenario "packet sockets" -4 packet
for family in $FAMILIES; do
	for what in sctp sctp-many; do
		if has sctp; then
			scenario "$(family_name $family): $what" $family $what
		else
			skip "$(family_name $family): $what" "$LACKS"
		fi
	done
done

# Who of several threads receives a datagram is not the generator's to say: their sums are.
for family in $FAMILIES; do
	scenario "$(family_name $family): threads that receive on one socket" $family shared
done

# Who one datagram came from may not be known then; it is never said to be of another.
for family in $FAMILIES; do
	traffic $family habit
	wait_until 4 have_expected
	is "$(records | jq -n --slurpfile expected "$T/expected" '
		def received: map(select(.type == "close" and .rx_packets > 0) |
			{key: "\(.raddr) \(.rport)", value: .rx_packets}) | from_entries;
		[inputs] | received as $got | ($expected | received) as $sent | {
			of_another: [$got | keys[] | select(. != "null null" and $got[.] > $sent[.])],
			sum: ($got | add == ($sent | add)),
			unknown: ([$got["null null"] // 0, 1] | max) } | tojson')" \
		'"{\"of_another\":[],\"sum\":true,\"unknown\":1}"' \
		"$(family_name $family): asks for the address for long, and then no more" || records | diag
	seen
done

tool_wait INT
is "$TOOL_STATUS" 0 "SIGINT: exit status 0"
compare "nothing else until the end"
is "$(grep -cvx ready "$T/err")" 0 "nothing but \"ready\" on stderr" || diag <"$T/err"

# ---- idle ----

tool_start --netns "/run/netns/$NS" --idle 0.5
seen
traffic_start -4 idle
traffic_phase idle
wait_until 4 have_records 5
compare "--idle 0.5: flows without a datagram are closed, by nobody"
seen
traffic_go
traffic_end
ok $? "generator: idle"
settle "and begin anew"
tool_wait INT

# ---- protocols ----

for what in "tcp connected" "icmp,raw connected" "udp ping" "tcp,udp,raw,packet ping"; do
	tool_start --netns "/run/netns/$NS" --proto "${what% *}"
	seen
	traffic -4 "${what#* }"
	: >"$T/expected"
	tool_wait INT
	compare "--proto ${what% *}: nothing of ${what#* }"
done
tool_start --netns "/run/netns/$NS" --proto icmp
scenario "--proto icmp: ping" -4 ping
tool_wait INT
# What the tool's maps take, as new kernels count it: by entries.
maps_bytes() {
	awk '/^memlock:/ { sum += $2 } END { print sum + 0 }' "/proc/$TOOL_PID/fdinfo/"*
}

maps_are_back() {
	[ "$(maps_bytes)" = "$before" ]
}

tool_start --netns "/run/netns/$NS" --proto packet
before=$(maps_bytes)
scenario "--proto packet: packet sockets" -4 packet
wait_until 4 maps_are_back
ok $? "--proto packet: nothing of them is kept in mind" || echo "$before, $(maps_bytes)" | diag
tool_wait INT
if has sctp; then
	tool_start --netns "/run/netns/$NS" --proto sctp
	scenario "--proto sctp: SCTP" -4 sctp
	tool_wait INT
else
	skip "--proto sctp: SCTP" "$LACKS"
fi
tool_run --proto tcp,dccp
is "$TOOL_STATUS" 2 "--proto with a protocol that is none: exit status 2"
like "$(cat "$T/err")" "dccp.*tcp, udp, icmp, raw, packet, sctp" "and the list of those that are"

# ---- versions of IP ----

VERSIONS=$FAMILIES
[ -z "${KERNEL:-}" ] || VERSIONS=-6 # the rest is the same on every kernel
for family in $VERSIONS; do
	for option in -4 -6; do
		tool_start --netns "/run/netns/$NS" $option
		seen
		traffic $family unconnected
		case $option$family in
		-4-6 | -6-4 | -6-m) : >"$T/expected" ;;
		*) wait_until 4 have_expected ;;
		esac
		tool_wait INT
		compare "$option: $(family_name $family)"
	done
done

# ---- where they cannot be seen ----

if has datagrams; then
	skip "--backend tracepoint: says that only TCP is shown" "the tracepoints show them"
	skip "--backend tracepoint --proto udp: exit status 1" "the tracepoints show them"
else
	tool_start --netns "/run/netns/$NS" --backend tracepoint
	tool_wait INT
	is "$(grep -c "datagrams.*only TCP is shown" "$T/err")" 1 \
		"--backend tracepoint: says that only TCP is shown" || diag <"$T/err"
	tool_run --netns "/run/netns/$NS" --backend tracepoint --proto udp
	is "$TOOL_STATUS $(wc -l <"$T/err")" "1 1" "--backend tracepoint --proto udp: exit status 1"
fi

# ---- lists ----

for family in $FAMILIES; do
	seen
	traffic_start $family open
	traffic_phase open
	grep '"open"' "$T/expected" >"$T/listed"
	cp "$T/listed" "$T/expected"
	tool_run -l -j --netns "/run/netns/$NS"
	is "$TOOL_STATUS" 0 "$(family_name $family): -l ends with 0" || diag <"$T/err"
	compare "$(family_name $family): -l: sockets of all kinds with all their holders"
	jq -c 'select(.proto == "udp" and .state == "UNCONN")' "$T/listed" >"$T/expected"
	tool_run --listening -j --netns "/run/netns/$NS"
	compare "$(family_name $family): --listening: UDP sockets that anybody may send to"
	traffic_go
	traffic_end
	ok $? "generator: open"
done

for options in -l --listening; do
	if ! has sctp; then
		skip "$options: SCTP that listens" "$LACKS"
		continue
	fi
	seen
	traffic_start -4 sctp-open
	traffic_phase open
	grep '"open"' "$T/expected" >"$T/listed"
	cp "$T/listed" "$T/expected"
	tool_run $options -j --netns "/run/netns/$NS"
	compare "$options: SCTP that listens"
	traffic_go
	traffic_end
	ok $? "generator: sctp-open"
done

# ---- COMMAND ----

for what in connected peers fork passed exit; do
	for try in 1 2 3; do # as scenario()
		seen
		# shellcheck disable=SC2016 # the inner shell's variables
		tool_start -- sh -c 'out=$1; shift; exec "$@" >"$out"' sh "$T/expected" "$T/$NAME" -4 "$what"
		tool_wait
		[ "$TOOL_STATUS" -eq 0 ] && matches && break
		[ "$try" -eq 3 ] || echo "# COMMAND: $what: once more"
	done
	is "$TOOL_STATUS" 0 "COMMAND: $what: exit status" || diag <"$T/err"
	compare "COMMAND: $what"
done

# ---- more flows than are kept in mind ----

if [ -z "${KERNEL:-}" ]; then # takes minutes where a kernel is emulated
	seen
	tool_start --netns "/run/netns/$NS" --stats
	traffic burst 100000
	tool_wait INT
	is "$(jq -s 'map(if .type == "flow" then 1 elif .type == "lost" then .count else 0 end) | add >= 100000' "$T/out")" \
		true "100,000 flows of one socket: told, or counted as lost"
	like "$(cat "$T/err")" "flows: [1-9][0-9]* closed early" "and what had to make room is counted"
fi

e2e_end
