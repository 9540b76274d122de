#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# connsnoop's TCP records against real traffic: every record that the generator expects, with every
# key that is certain, once, and no other.

# shellcheck source-path=SCRIPTDIR source=lib.sh disable=SC2015,SC2086,SC2317
. "$(dirname "$0")/lib.sh"
e2e_begin
: >"$T/all" # every record of this script, for the checks of form

keep() {
	cat "$T/out" >>"$T/all"
}

family_name() {
	case $1 in
	-4) echo IPv4 ;;
	-6) echo IPv6 ;;
	-m) echo "IPv4 through an IPv6 socket" ;;
	esac
}

# only FIELD VALUE: of what is expected, what a filter lets through
only() {
	jq -c --arg key "$1" --arg value "$2" 'select((.[$key] | tostring) == $value)' \
		"$T/expected" >"$T/expected.only"
	mv "$T/expected.only" "$T/expected"
}

# ---- one run of the tool, one scenario after another ----

tool_start --netns "/run/netns/$NS"
ok $? "starts and says that it is ready"

for family in $FAMILIES; do
	f=$(family_name $family)
	scenario "$f: blocking connect; client closes first" $family connect
	scenario "$f: non-blocking connect" $family nonblock
	scenario "$f: server closes first" $family server-first
	if has io_uring; then
		scenario "$f: io_uring: connect, accept, send, receive" $family uring
	else
		skip "$f: io_uring: connect, accept, send, receive" "$LACKS"
	fi
	scenario "$f: refused, blocking and not, bound and not" $family refused
	scenario "$f: reset by either end" $family reset
	scenario "$f: closed with unread data" $family unread
	scenario "$f: half closed, data afterwards" $family half-close
	scenario "$f: bytes exact in both directions" $family bytes "$RANDOM"
	scenario "$f: client exits without close" $family exit
	scenario "$f: client is killed" $family killed
	scenario "$f: accepted by the parent, served by the child" $family fork-server
	scenario "$f: connected by the parent, used by the child" $family fork-client
	scenario "$f: lent to a child, closed by its owner" $family lent
	scenario "$f: socket inherited through exec" $family exec "$T/$NAME-heir"
	scenario "$f: prefork workers on one listener" $family prefork
	scenario "$f: SO_REUSEPORT workers" $family reuseport
	scenario "$f: threads that connect" $family threads
	scenario "$f: threads that accept" $family accept-threads
	scenario "$f: TCP fast open" $family fast-open
	scenario "$f: TCP fast open, shut down before it is established" $family early-shutdown
	scenario "$f: one socket refused, connected, cut, connected again" $family again
	scenario "$f: socket connected to itself" $family self
done
scenario "prefork workers, long after the last connection" -4 prefork-seldom
scenario "command line in full" -4 args 'two words' '' '"quoted"' --option=x 'back\slash'

far() {
	case $1 in
	-6) echo "fd$2::$3" ;;
	*) echo "10.$2.0.$3" ;;
	esac
}

for family in $FAMILIES; do
	f=$(family_name $family)
	scenario "$f: no route" $family unreachable "$(far $family 97 1)" ENETUNREACH
	scenario "$f: refused, then no route, on one socket" $family refused-again \
		"$(far $family 97 1)"
	scenario "$f: unreachable by a route" $family unreachable "$(far $family 98 1)" EHOSTUNREACH
	scenario "$f: nobody there" $family unreachable "$(far $family 99 77)" EHOSTUNREACH
	scenario "$f: given up by close, exit and SIGKILL" $family aborted "$(far $family 99 9)"
done

# three seconds each, so all at once
: >"$T/timeouts"
pids=()
for family in $FAMILIES; do
	"${INSIDE[@]}" "$T/$NAME" $family timeout "$(far $family 99 9)" >>"$T/timeouts" \
		2>>"$T/traffic.err" &
	pids+=($!)
	LIVES+=($!)
done
good=0
for pid in "${pids[@]}"; do
	wait "$pid" || good=1
done
LIVES=()
cp "$T/timeouts" "$T/expected"
ok $good "generator: connects time out" || diag <"$T/traffic.err"
settle "timed out, blocking and not, IPv4, IPv6, IPv4 through IPv6"

# phased TEXT PHASE CONDITION ARG...: at PHASE waits until the tool has printed such a record
phased() {
	local text=$1 phase=$2 condition=$3 good=0
	shift 3
	traffic_start "$@"
	if traffic_phase "$phase"; then
		wait_until 4 have_record "$condition" ||
			{
				echo "no record with $condition"
				records
			} | diag
		traffic_go
	fi
	traffic_end || good=1
	wait_until 4 have_expected
	if [ $good -eq 0 ]; then
		compare "$text"
	else
		ok 1 "$text"
	fi
	seen
}

for family in $FAMILIES; do
	f=$(family_name $family)
	phased "$f: in the backlog, never accepted" waiting '.type == "accept"' $family backlog
	phased "$f: accepted late by a worker: close has the final word" waiting \
		'.type == "accept"' $family late
done

# Of sockets in another namespace nothing is seen, whoever uses them.
good=1
traffic -4 setns "/run/netns/$NS2" && traffic -4 two-netns "/run/netns/$NS2" 10.99.0.2 &&
	traffic -6 two-netns "/run/netns/$NS2" fd99::2 && good=0
ok $good "generator: two namespaces"
only netns "$NETNS"
settle "two namespaces: only the sockets of the one that is asked for"

# The peer falls silent: its address moves to where nobody listens.
traffic_start -4 user-timeout "/run/netns/$NS2" 10.99.0.2
good=1
if traffic_phase cut; then
	ip -n "$NS" neigh replace 10.99.0.2 lladdr 02:00:00:00:00:02 nud permanent dev veth0
	traffic_go
	traffic_end && good=0
	ip -n "$NS" neigh del 10.99.0.2 dev veth0
fi
ok $good "generator: the peer falls silent"
settle "given up by the kernel: ETIMEDOUT, closed by nobody"

tool_wait INT
is "$TOOL_STATUS" 0 "SIGINT: exit status 0"
nobody_inside() {
	[ -z "$(ip netns pids "$NS")" ]
}
wait_until 10 nobody_inside
ok $? "nothing of it stays" # whoever lets go of function hooks ends a little later
compare "nothing else until the end"
is "$(grep -cvx ready "$T/err")" 0 "nothing but \"ready\" on stderr" || diag <"$T/err"
keep

# ---- begun before the tool ----

for family in $FAMILIES; do
	f=$(family_name $family)
	for what in blocked established; do
		text="a worker sleeps in accept"
		[ $what = blocked ] || text="connections are made"
		seen
		traffic_start $family $what
		traffic_phase $what
		tool_start --netns "/run/netns/$NS"
		traffic_go
		traffic_end
		ok $? "generator: $what"
		settle "$f: $text before the tool starts"
		tool_wait INT
		keep
	done

	# Lists. A namespace without the remains of earlier connections.
	netns_new
	seen
	traffic_start $family open
	traffic_phase open
	tool_run -l -j --netns "/run/netns/$NS"
	is "$TOOL_STATUS" 0 "$f: -l ends with 0" || diag <"$T/err"
	compare "$f: -l: listener and connections with all their holders"
	keep
	tool_run --listening -j --netns "/run/netns/$NS"
	jq -c 'select(.state.re == "^LISTEN")' "$T/expected" >"$T/listening"
	mv "$T/listening" "$T/expected"
	compare "$f: --listening: the listener only"
	traffic_go
	traffic_end
	ok $? "generator: open"

	netns_new
	seen
	traffic_start $family queue
	traffic_phase open
	tool_run -l -j --netns "/run/netns/$NS"
	compare "$f: -l: a connection in the queue"
	timeout -k 2 10 "$TOOL" -l -j --netns "/run/netns/$NS" >"$T/out" 2>"$T/err" </dev/null
	compare "$f: -l: the same from another namespace" || diag <"$T/err"
	traffic_go
	traffic_end

	netns_new
	seen
	traffic_start $family open stream
	traffic_phase open
	tool_start --existing --netns "/run/netns/$NS"
	traffic_go
	traffic_end
	ok $? "generator: open stream"
	settle "$f: --existing: what is open first, then how it is closed"
	tool_wait INT
	keep
done

# ---- no gap between the list and the stream ----

# Connections come and go all the time while the tool starts. Counted by cookie.
churn_problems() {
	jq -rn --slurpfile ends "$T/expected" --slurpfile got <(records) '
		($got | map(select(.type == "open" or .type == "connect" or .type == "accept"))
		      | group_by(.cookie) | map({key: "\(.[0].cookie)", value: length})
		      | from_entries) as $begun
		| ($got | map(select(.type == "close")) | group_by(.cookie)
			| map({key: "\(.[0].cookie)", value: length}) | from_entries) as $closed
		| $ends[] | "\(.cookie)" as $cookie
		| ($begun[$cookie] // 0) as $b | ($closed[$cookie] // 0) as $c
		| select(if .churn == "seen" then $b != 1 or $c != 1 else $b > 1 or $c > 1 end)
		| "\(.churn): cookie \($cookie), port \(.lport) to \(.rport): begun \($b), closed \($c) times"'
}

were_open=''
for round in 1 2 3; do
	# in machines, where all takes longer, a third one only if need be
	[ -z "${KERNEL:-}" ] || [ "$round" -lt 3 ] || [ -z "$were_open" ] || break
	if ! has cookies; then
		skip "--existing under way, round $round" "$LACKS"
		continue
	fi
	netns_new
	seen
	traffic_start -4 churn
	traffic_phase churn
	tool_start --existing --netns "/run/netns/$NS"
	traffic_go
	traffic_end
	ok $? "generator: churn"
	wait_until 4 have_record '.type == "close" and .cookie == '"$(tail -n 1 "$T/expected" | jq .cookie)"
	tool_wait INT
	churn_problems >"$T/problems" 2>&1
	[ ! -s "$T/problems" ] && [ "$(grep -c seen "$T/expected")" -ge 100 ]
	ok $? "--existing under way, round $round: each connection once, none missing" ||
		head -n 20 "$T/problems" | diag
	# how many are open at that moment is the generator's luck: some in one round or another
	jq -es 'any(.[]; .type == "open" and .lport != null and .rport != null and .rport != 0)' "$T/out" \
		>/dev/null && were_open=yes
	keep
done
if has cookies; then
	is "$were_open" yes "some were open already"
else
	skip "some were open already" "$LACKS"
fi

# ---- COMMAND ----

# command TEXT ARG...: the tool runs the generator; no filter but that
command_scenario() {
	local text=$1
	shift
	seen
	# shellcheck disable=SC2016 # the inner shell's variables
	tool_start -- sh -c 'out=$1; shift; exec "$@" >"$out"' sh "$T/expected" "$T/$NAME" "$@"
	tool_wait
	is "$TOOL_STATUS" 0 "$text: exit status" || diag <"$T/err"
	compare "$text"
	keep
}

for scenario in connect prefork threads fork-server "exec $T/$NAME-heir" exit reset; do
	# shellcheck disable=SC2086 # words
	command_scenario "COMMAND: $scenario" -4 $scenario
done
command_scenario "COMMAND: sockets made in another namespace" -4 setns "/run/netns/$NS2"
command_scenario "COMMAND: client and server in two namespaces" -4 two-netns "/run/netns/$NS2" \
	10.99.0.2

# ---- form ----

# natively of all; where a CPU is emulated of every fourth, for the sake of time
awk -v step="${KERNEL:+4}" 'NR % (step ? step : 1) == 0' "$T/all" >"$T/some"
jq -nr '
	["type", "ts", "proto", "laddr", "lport", "raddr", "rport", "cookie", "owner_src",
		"pid", "tid", "name", "comm", "name_src", "exe", "args", "ppid", "uid", "cgroup",
		"container", "netns"] as $common
	| {connect: ["error", "latency_ns"], accept: ["listener_pid"], listen: ["backlog"],
	   open: ["state", "holders"],
	   close: ["duration_ns", "tx_bytes", "rx_bytes", "tx_packets", "rx_packets", "retransmits",
		   "rtt_us", "closed_by", "error"]} as $own
	| ["connect", "accept", "listen", "send", "recv", "close", "iter", "procfs",
	   "unknown"] as $owner_srcs
	| ["exec", "iter", "fork", "exe", "cmdline", "kernel", "guess", "comm"] as $name_srcs
	| inputs
	| (($common + $own[.type]) - keys | .[] | "no \(.)"),
	  (keys[] as $key | .[$key]
		| if . == "" then "\($key) is empty"
		  elif type == "object" then "\($key) is not flat" else empty end),
	  (select(.ts | test("^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}[.][0-9]{9}Z$")
		| not) | "ts \(.ts)"),
	  (select([.owner_src] - $owner_srcs != []) | "owner_src \(.owner_src)"),
	  (select(.pid and [.name_src] - $name_srcs != []) | "name_src \(.name_src)"),
	  (select(.lport == 0 or .rport == 0) | "port 0, not null"),
	  (select(.type == "close" and .rtt_us == 0) | "rtt_us 0, not null")' "$T/some" 2>&1 |
	sort | uniq -c | head -n 20 >"$T/problems"
[ ! -s "$T/problems" ] && [ "$(wc -l <"$T/all")" -gt 1000 ]
ok $? "every record has every key of its type, in its form" || diag <"$T/problems"

e2e_end
