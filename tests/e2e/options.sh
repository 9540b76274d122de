#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# connsnoop's options on real traffic: filters, two copies, overruns.

# shellcheck source-path=SCRIPTDIR source=lib.sh disable=SC2015,SC2016,SC2317
. "$(dirname "$0")/lib.sh"
e2e_begin

# An executable that an ordinary user may reach, wherever the build directory is.
cp "$TOOL" "$T/tool"
timeout 10 setpriv --reuid 65534 --regid 65534 --clear-groups "$T/tool" -j >"$T/out" 2>"$T/err"
is "$? $(wc -l <"$T/err") $(wc -c <"$T/out")" "1 1 0" "not root: exit status 1, one line"
like "$(cat "$T/err")" 'root|sudo|CAP_' "not root: says what is missing" || diag <"$T/err"

# ---- filters ----

# One of each: the same traffic for every filter.
mix() {
	traffic -4 -p 5001 connect
	traffic -6 -p 5002 connect
	traffic -4 -p 5003 refused
	traffic -m -p 5005 connect
	"${INSIDE[@]}" setpriv --reuid 65534 --regid 65534 --clear-groups "$T/$NAME-heir" -4 -p 5004 \
		connect >>"$T/expected"
}

# filter JQ-CONDITION OPTION...: just those of the expected records
filter() {
	local condition=$1
	shift
	seen
	if ! tool_start --netns "/run/netns/$NS" "$@"; then
		tool_wait
		ok 1 "filter: $*"
		return
	fi
	mix
	jq -c "select($condition)" "$T/expected" >"$T/expected.only"
	mv "$T/expected.only" "$T/expected"
	wait_until 4 have_expected
	tool_wait INT
	compare "filter: $* ($(wc -l <"$T/expected") records)"
}

# variation ARG...: as filter(), of what one kernel can speak for all
variation() {
	[ -n "${KERNEL:-}" ] || filter "$@"
}

variation true
filter '.uid == 65534' -u 65534
variation '.uid == 65534' -u "$(id -un 65534)"
variation true -u root,65534
variation '.uid == 1' -u 1
variation ".name == \"$NAME\"" -n "$NAME"
variation '.name | endswith("-heir")' -n '*-he?r'
variation false -n connsnoop-traff
filter '.lport == 5001' -L 5001
variation '.rport == 5001' -D 5001
variation '.lport == 5001 or .rport == 5001' -P 5001
variation '[.lport, .rport] | any(. == 5001 or . == 5002)' -P 5001,5002
variation false -L 5001 -D 5002
variation '.rport == 5003' -P 5003
variation '.raddr // .laddr | contains(":") | not' -4
variation '.raddr // .laddr | contains(":")' -6
filter '.raddr // .laddr | contains(":") | not' --addr 127.0.0.0/8
variation '.raddr // .laddr | contains(":")' --addr ::1
variation true --addr ::1 --addr 127.0.0.1
variation false --addr 10.0.0.0/8
filter '.type == "connect" and .error' -x
variation '.type == "connect" and .error and .rport == 5003' -x -4 -D 5003
variation '.type == "connect" or .type == "close"' -e connect,close
variation '.type == "listen"' -e listen
filter '.type == "accept" and .uid == 65534' -e accept -u 65534
filter true --proto tcp

# gated JQ-CONDITION OPTION...: a process that runs already; PID in an option stands for its number
gated() {
	local condition=$1 text
	shift
	text=$*
	seen
	traffic_start -4 gated
	traffic_phase idle
	tool_start "${@/PID/$TRAFFIC_PID}"
	local pid=$TRAFFIC_PID
	traffic_go
	traffic_end
	ok $? "generator: gated"
	jq -c --argjson pid "$pid" "select($condition)" "$T/expected" >"$T/expected.only"
	mv "$T/expected.only" "$T/expected"
	wait_until 4 have_expected
	tool_wait INT
	compare "filter: $text ($(wc -l <"$T/expected") records)"
}

gated '.pid == $pid' -p PID
gated '.pid == $pid' -p "PID,$$"
gated true -p PID -f
gated true -f -p PID --netns "/run/netns/$NS"
gated true --netns PID

if has set_tid; then
	seen
	traffic_start -4 reused
	traffic_phase idle
	tool_start -p "$(sed -n 's/^pid //p' "$T/traffic.err")"
	traffic_go
	traffic_end
	wait_until 4 have_expected
	tool_wait INT
	compare "filter: -p, and not who has that number next"
else
	skip "filter: -p, and not who has that number next" "$LACKS"
fi

# told TEXT OPTION...: the connection of a process that accepts what another one listens for
told() {
	local text=$1
	shift
	seen
	traffic_start -4 guest
	traffic_phase idle
	tool_start "${@/PID/$TRAFFIC_PID}"
	traffic_go
	traffic_phase accepted
	wait_until 4 have_record '.type == "accept"'
	ok $? "$text: told while the connection is open"
	traffic_go
	traffic_end
	wait_until 4 have_expected
	tool_wait INT
	compare "$text: and nothing of the other"
}

told "filter: -p, of somebody else's listener" -p PID
told "filter: -p, of somebody else's listener, TCP only" -p PID --proto tcp

cgroups=$(findmnt -nt cgroup2 -o TARGET | head -n 1)
CGROUP=${cgroups:-/no}/e2e-$$
if mkdir "$CGROUP" 2>/dev/null; then
	mkdir "$CGROUP/below"
	seen
	tool_start --cgroup "$CGROUP"
	traffic -4 connect
	: >"$T/expected"
	for place in . below; do
			"${INSIDE[@]}" sh -c 'echo $$ >"$1/cgroup.procs"; exec "$2" -4 connect' sh \
			"$CGROUP/$place" "$T/$NAME" >>"$T/expected"
	done
	wait_until 3 have_records 10
	tool_wait INT
	compare "filter: --cgroup, and below it"
	is "$(jq -r 'select(.type == "connect") | .cgroup' "$T/out" | sed "s|.*/e2e-$$|here|" | sort |
		paste -sd' ')" "here here/below" "cgroup: its path"
	seen
	traffic_start -4 open
	traffic_phase open
	echo "$TRAFFIC_PID" >"$CGROUP/cgroup.procs"
	for options in -l "--existing -c 1"; do
		# shellcheck disable=SC2086 # words
		tool_run -j -p "$TRAFFIC_PID" -e open $options
		is "$(jq -r '.cgroup' "$T/out" | sed "s|.*/e2e-$$|here|" | sort -u)" here \
			"$options: the cgroup of who holds it" || diag <"$T/err"
	done
	traffic_go
	traffic_end
	wait_until 5 rmdir "$CGROUP/below" 2>/dev/null
	wait_until 5 rmdir "$CGROUP" 2>/dev/null
else
	skip "filter: --cgroup, and below it" "no cgroup2 to write to"
	skip "cgroup: its path" "no cgroup2 to write to"
	skip "-l, --existing: the cgroup of who holds it" "no cgroup2 to write to"
fi
CGROUP=

# ---- lists ----

# Those that no process holds, and those of others, are nobody's that is chosen.
lists() {
	seen
	traffic_start -4 open
	traffic_phase open
	for options in "-l -p $$" "-l -p $$ -f -n nobody" "-l -u 65534" "--existing -- true"; do
		# shellcheck disable=SC2086 # words
		tool_run -j --netns "/run/netns/$NS" $options
		is "$TOOL_STATUS $(jq -c '[.type, .pid, .rport]' "$T/out")" "0 " "$options: nobody else's sockets"
	done
	tool_run -l -j -p "$TRAFFIC_PID"
	is "$(jq .pid "$T/out" | sort -u)" "$TRAFFIC_PID" "-l -p: what it holds"
	traffic_go
	traffic_end
}

[ -n "${KERNEL:-}" ] || lists # the same on every kernel

# ---- two at once ----

mkfifo "$T/second.fifo"
cat "$T/second.fifo" >"$T/second" &
second_cat=$!
seen
tool_start --netns "/run/netns/$NS"
"${INSIDE[@]}" env --default-signal=INT "$TOOL" -j -v --netns "/run/netns/$NS" >"$T/second.fifo" \
	2>"$T/second.err" &
second=$!
LIVES=("$second")
wait_until 10 says "$T/second.err" ready
ok $? "a second copy starts" || diag <"$T/second.err"
traffic -4 prefork
traffic -6 bytes 1
wait_until 4 have_expected
tool_wait INT
kill -INT "$second"
wait "$second"
LIVES=()
wait "$second_cat"
compare "two copies at once: the first sees everything"
mv "$T/second" "$T/out"
SEEN=0
compare "two copies at once: the second sees everything"

# ---- ring buffer overrun ----

FLOOD=${FLOOD:-100000}
seen
tool_start --stats --strict -e connect,accept,close --netns "/run/netns/$NS"
kill -STOP "$TOOL_PID"
traffic -4 flood "$FLOOD"
ok $? "generator: $FLOOD connections while the tool is stopped"
kill -CONT "$TOOL_PID"
have_late() {
	grep -q '"type":"close".*"lport":5999[,}]' "$T/out"
}
# No more comes out.
drained() {
	local before=$size
	size=$(stat -c %s "$T/out")
	[ "$size" -gt 0 ] && [ "$size" = "$before" ]
}
size=0
wait_until 30 drained
traffic -4 -p 5999 connect
wait_until 10 have_late
ok $? "overrun: later records still come"
tool_wait INT
delivered=$(grep -cE '"type":"(connect|accept|close)"' "$T/out")
lost=$(grep '"type":"lost"' "$T/out" | jq -s 'map(.count) | add // 0')
[ "$lost" -gt 0 ]
ok $? "overrun: something was lost" || echo "$delivered delivered, $lost lost" | diag
is "$((delivered + lost))" $((4 * FLOOD + 4)) "overrun: delivered + lost = what happened" ||
	echo "$delivered delivered, $lost lost" | diag
is "$TOOL_STATUS" 3 "--strict: status 3 when something was lost"
like "$(cat "$T/err")" "lost[^0-9]*${lost}|${lost}[^0-9]*lost" "--stats: as many lost" || diag <"$T/err"

if [ -z "${KERNEL:-}" ]; then # that is no kernel's affair, and takes long where one is emulated
	seen
	FORMAT=(-o table)
	tool_start --netns "/run/netns/$NS"
	kill -STOP "$TOOL_PID"
	traffic -4 flood "$FLOOD"
	kill -CONT "$TOOL_PID"
	size=0
	wait_until 30 drained
	tool_wait INT
	FORMAT=(-j)
	is "$TOOL_STATUS" 0 "overrun: status 0 without --strict"
	like "$(grep -vx ready "$T/err")" '[0-9]+.*lost|lost.*[0-9]+' "table: a warning on stderr" || diag <"$T/err"
fi

# ---- --stats ----

seen
tool_start --stats --strict --netns "/run/netns/$NS"
traffic -4 prefork
wait_until 4 have_expected
tool_wait INT
is "$TOOL_STATUS" 0 "--strict: status 0 when nothing was lost"
compare "--stats does not touch the records"
for word in records lost procfs; do
	like "$(cat "$T/err")" "$word" "--stats: $word" || diag <"$T/err"
done

e2e_end
