#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# connsnoop's options on real traffic, its filters and formats; bad input and bad luck.

# shellcheck source-path=SCRIPTDIR source=lib.sh disable=SC2015,SC2016,SC2317
. "$(dirname "$0")/lib.sh"
e2e_begin

# ---- bad input: one line that says what to change ----

# bad STATUS-REGEX MESSAGE-REGEX OPTION...
bad() {
	local status=$1 message=$2
	shift 2
	tool_run "$@"
	[[ $TOOL_STATUS =~ ^$status$ ]] && [ ! -s "$T/out" ] && [ "$(grep -cvx ready "$T/err")" -eq 1 ] &&
		grep -qiE -- "$message" "$T/err"
	ok $? "refused: $*" || {
		echo "exit status $TOOL_STATUS, wanted $status and one line with: $message"
		cat "$T/err"
		head -n 5 "$T/out"
	} | diag
}

bad 2 nonsense -F pid,nonsense
bad 2 'field|empty' -F ''
bad 2 'field|empty' -F pid,,name
bad 2 70000 -P 70000
bad 2 '0' -P 0
bad 2 '65536' -L 65536
bad 2 'http' -D http
bad 2 ',' -P 80,,443
bad 2 '-1' -P -1
bad '[12]' no-such-user -u no-such-user
bad '[12]' 4194305 -p 4194305
bad 2 abc -p abc
bad 2 '0' -p 0
bad '[12]' /no/such/cgroup --cgroup /no/such/cgroup
bad '[12]' 'cgroup' --cgroup /tmp
bad '[12]' /no/such/netns --netns /no/such/netns
bad '[12]' 4194305 --netns 4194305
bad '[12]' 'name' --netns /etc/passwd
bad 2 1.2.3.4/33 --addr 1.2.3.4/33
bad 2 nonsense --addr nonsense
bad 2 ::1/129 --addr ::1/129
bad 2 nonsense --proto tcp,nonsense
bad 2 nonsense -e connect,nonsense
bad 2 xml -o xml
bad 2 abc -d abc
bad 2 '-1' -d -1
bad 2 abc -c abc
bad 2 'follow|-p' -f
bad 2 stray stray
bad 2 '-t|table' -j -t
bad 2 'command' --
bad 2 'command|-p' -p $$ -- true
bad 1 no-such-command -- no-such-command
bad 1 /etc/passwd -- /etc/passwd
tool_run --no-such-option
[ "$TOOL_STATUS" -eq 2 ] && grep -q no-such-option "$T/err" && [ ! -s "$T/out" ]
ok $? "refused: unknown option" || diag <"$T/err"

# An executable that an ordinary user may reach, wherever the build directory is.
cp "$TOOL" "$T/tool"
timeout 10 setpriv --reuid 65534 --regid 65534 --clear-groups "$T/tool" -j >"$T/out" 2>"$T/err"
is "$? $(wc -l <"$T/err") $(wc -c <"$T/out")" "1 1 0" "not root: exit status 1, one line"
like "$(cat "$T/err")" 'root|sudo|CAP_' "not root: says what is missing" || diag <"$T/err"

# ---- help ----

tool_run -h
is "$TOOL_STATUS $(wc -c <"$T/err")" "0 0" "-h: status 0, nothing on stderr"
missing=
for option in --pid --follow --name --uid --cgroup --netns --output --json --fields --timestamp \
	--time --duration --count --no-header --verbose --version --stats --strict --list --listening \
	--existing --proto --addr --events --failed --args -P -L -D -4 -6; do
	grep -qE -- "(^|[ ,])$option([ ,=[]|$)" "$T/out" || missing+=" $option"
done
is "$missing" '' "-h: names every option"
tool_run --version
like "$TOOL_STATUS $(cat "$T/out")" '^0 connsnoop .*[0-9]+\.[0-9]+' "--version"
tool_run -F help
missing=
for key in type ts proto laddr lport raddr rport cookie owner_src pid tid name comm name_src exe args \
	ppid uid cgroup container netns error latency_ns listener_pid backlog duration_ns tx_bytes \
	rx_bytes tx_packets rx_packets retransmits rtt_us closed_by state holders; do
	grep -qw -- "$key" "$T/out" || missing+=" $key"
done
is "$TOOL_STATUS$missing" 0 "-F help: every key"

# ---- the end of stdout, signals ----

(
	"${INSIDE[@]}" env --default-signal=INT,PIPE "$TOOL" -j -v --netns "/run/netns/$NS" \
		2>"$T/err" | head -n 1 >"$T/out"
	echo "${PIPESTATUS[0]}" >"$T/status.new"
	mv "$T/status.new" "$T/status"
) &
LIVES=($!)
wait_until 10 says "$T/err" ready
for _ in 1 2 3 4 5; do
	[ -e "$T/status" ] || traffic -4 connect
done
wait_until 5 test -e "$T/status"
ok $? "| head -n 1: ends"
LIVES=()
is "$(cat "$T/status") $(wc -l <"$T/out") $(cat "$T/err")" "0 1 ready" \
	"| head -n 1: status 0, one row, no complaint"

: >"$T/err"
"${INSIDE[@]}" timeout -k 2 20 "$TOOL" -j -v --netns "/run/netns/$NS" >/dev/full 2>"$T/err" &
LIVES=($!)
wait_until 10 says "$T/err" ready
traffic -4 connect
wait_until 5 gone "${LIVES[0]}"
ok $? "> /dev/full: ends" || kill "${LIVES[0]}"
wait "${LIVES[0]}"
is "$? $(grep -cvx ready "$T/err")" "1 1" "> /dev/full: status 1, one line"
LIVES=()
like "$(cat "$T/err")" 'No space left on device' "> /dev/full: with the reason"

for signal in INT TERM; do
	seen
	tool_start --netns "/run/netns/$NS"
	traffic -4 connect
	tool_wait $signal
	is "$TOOL_STATUS" 0 "SIG$signal: status 0"
	compare "SIG$signal: what had happened is printed first"
done

# ---- COMMAND ----

tool_run -j -- sh -c 'exit 7'
is "$TOOL_STATUS" 7 "COMMAND's own status"
tool_run -j -- sh -c 'kill -KILL $$'
is "$TOOL_STATUS" 137 "COMMAND's signal, as a shell says it"
tool_run -j -- true
is "$TOOL_STATUS $(cat "$T/out")" "0 " "COMMAND that does nothing: no row"
seen
tool_start -- sh -c '"$0" -4 connect >"$1" & exit 3' "$T/$NAME" "$T/expected"
tool_wait
is "$TOOL_STATUS" 3 "COMMAND that leaves a process running: its status"
# whose parent ends at some time
jq -sc '.[0].pid as $left | .[] | if .pid == $left then del(.ppid) else . end' "$T/expected" \
	>"$T/expected.new" && mv "$T/expected.new" "$T/expected"
compare "COMMAND that leaves a process running: traced to the end"

# ---- -c, -d ----

seen
tool_start -c 3 --netns "/run/netns/$NS"
traffic -4 connect
wait_until 5 gone "$TOOL_PID"
ok $? "-c 3: ends" || kill "$TOOL_PID"
tool_wait
is "$TOOL_STATUS $(wc -l <"$T/out")" "0 3" "-c 3: status 0, three rows"

begin=${EPOCHREALTIME/./}
tool_run -j -d 1 --netns "/run/netns/$NS"
took=$(((${EPOCHREALTIME/./} - begin) / 100000))
is "$TOOL_STATUS" 0 "-d 1: status 0"
[ $took -ge 10 ]
ok $? "-d 1: ends after a second, by itself" || echo "$took tenths" | diag

# ---- formats ----

# formatted OPTION...: the rows of one connect scenario, in $T/out
formatted() {
	seen
	FORMAT=("$@")
	tool_start --netns "/run/netns/$NS"
	traffic -4 -p 5001 connect
	traffic -6 -p 5002 connect
	tool_wait INT
	FORMAT=(-j)
}

# expected_rows JQ-STRING: sorted
expected_rows() {
	jq -r "$1" "$T/expected" | sort
}

formatted -j -F pid,name,type,lport
is "$(sort "$T/out")" "$(expected_rows \
	'"{\"pid\":\(.pid),\"name\":\"\(.name)\",\"type\":\"\(.type)\",\"lport\":\(.lport)}"')" \
	"-F: JSON has these keys, in this order"
formatted -o json -F backlog,type
is "$(sort "$T/out")" "$(expected_rows '"{\"backlog\":\(.backlog),\"type\":\"\(.type)\"}"')" \
	"-F: null where a record has no such key"
formatted -o csv -F type,pid,lport,name
is "$(head -n 1 "$T/out" | tr -d '\r')" type,pid,lport,name "CSV: header"
is "$(tail -n +2 "$T/out" | tr -d '\r' | sort)" "$(expected_rows '"\(.type),\(.pid),\(.lport),\(.name)"')" \
	"CSV: rows"
formatted -o csv --no-header -F type,pid
is "$(tr -d '\r' <"$T/out" | sort)" "$(expected_rows '"\(.type),\(.pid)"')" "CSV: --no-header"
formatted -F type,pid,name
is "$(head -n 1 "$T/out" | awk '{ print NF }') $(head -n 1 "$T/out" | grep -c '[a-z0-9]')" "3 0" \
	"table: header of three columns, in capitals"
is "$(tail -n +2 "$T/out" | awk '{ print tolower($1), $2, $3 }' | sort)" \
	"$(expected_rows '"\(.type) \(.pid) \(.name)"')" "table: rows"
formatted --no-header -F pid,type
is "$(awk '{ print $1, tolower($2) }' "$T/out" | sort)" "$(expected_rows '"\(.pid) \(.type)"')" \
	"table: --no-header"
formatted -o table
is "$(wc -l <"$T/out")" 11 "table: a header and a row for each record"
is "$(tail -n +2 "$T/out" | grep -c -- "$NAME")" 10 "table: the full name in every row" ||
	diag <"$T/out"
is "$(grep -c '::1' "$T/out") $(grep -c '127\.0\.0\.1' "$T/out")" "5 5" "table: addresses"
is "$(grep -c $'\e' "$T/out")" 0 "table: no colour in a pipe"
formatted -a
is "$(grep -cE -- '-6 -p 5002 connect' "$T/out")" 5 "table: -a: the command line" || diag <"$T/out"
formatted -t
is "$(tail -n +2 "$T/out" | grep -cE '^ *[0-9]+\.[0-9]+ ')" 10 "table: -t: seconds" || diag <"$T/out"
formatted -T
is "$(tail -n +2 "$T/out" | grep -cE '^[0-9]{2}:[0-9]{2}:[0-9]{2}')" 10 "table: -T: time of day" ||
	diag <"$T/out"

# Usual names and addresses fit; long ones make the line wider, but are whole.
cp "$T/$NAME" "$T/sixteen-letters-"
seen
FORMAT=(-o table)
tool_start --netns "/run/netns/$NS"
"${INSIDE[@]}" "$T/sixteen-letters-" -4 bytes 3 >"$T/expected"
tool_wait INT
FORMAT=(-j)
is "$(wc -l <"$T/out") $(awk 'length($0) > 100' "$T/out" | wc -l)" "51 0" \
	"table: 100 columns at most" || diag <"$T/out"

long=$NAME-with-a-name-that-nobody-would-want-to-type-but-that-has-to-be-printed-in-full
cp "$T/$NAME" "$T/$long"
far=fd99:1111:2222:3333:4444:5555:6666:7777
ip -n "$NS" -6 route add $far dev veth0 # where nobody answers
seen
FORMAT=(-o table)
tool_start --netns "/run/netns/$NS"
"${INSIDE[@]}" "$T/$long" -6 unreachable $far EHOSTUNREACH >"$T/expected"
ok $? "generator: a long name"
tool_wait INT
FORMAT=(-j)
is "$(grep -F -- "$long" "$T/out" | grep -cF $far)" 2 \
	"table: a long name and a long address are not cut" || diag <"$T/out"

# ---- names that would like to be more than a name ----

evil=$'evil\e[31m\x9b\x7f\r\n{"type":"lost"}\xff\xc3\xe2\x80\xae,"\'\\name'
cp "$T/$NAME" "$T/$evil"
for format in json table csv; do
	seen
	FORMAT=(-o "$format")
	tool_start -a --netns "/run/netns/$NS"
	"${INSIDE[@]}" "$T/$evil" -4 connect >"$T/expected" 2>/dev/null
	tool_wait INT
	FORMAT=(-j)
	is "$(iconv -f UTF-8 -t UTF-8 "$T/out" 2>&1 >/dev/null)" '' "$format: valid UTF-8"
	is "$(LC_ALL=C tr -d '\n' <"$T/out" | LC_ALL=C grep -cP '[\x00-\x1f\x7f]|\xc2[\x80-\x9f]|\xe2\x80[\xaa-\xae]')" \
		0 "$format: nothing that a terminal obeys" || LC_ALL=C cat -v "$T/out" | diag
	case $format in
	json)
		is "$(jq -r .type "$T/out" 2>&1 | sort | paste -sd' ')" \
			"accept close close connect listen" "json: five records, none made up"
		is "$(jq -r '.name | startswith("evil") and endswith("name")' "$T/out" | sort -u)" \
			true "json: the name from its beginning to its end"
		;;
	table)
		is "$(wc -l <"$T/out")" 6 "table: five rows, none made up"
		;;
	esac
done

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
	wait_until 3 have_records "$(wc -l <"$T/expected")"
	tool_wait INT
	compare "filter: $* ($(wc -l <"$T/expected") records)"
}

filter true
filter '.uid == 65534' -u 65534
filter '.uid == 65534' -u "$(id -un 65534)"
filter true -u root,65534
filter '.uid == 1' -u 1
filter ".name == \"$NAME\"" -n "$NAME"
filter '.name | endswith("-heir")' -n '*-he?r'
filter false -n connsnoop-traff
filter '.lport == 5001' -L 5001
filter '.rport == 5001' -D 5001
filter '.lport == 5001 or .rport == 5001' -P 5001
filter '[.lport, .rport] | any(. == 5001 or . == 5002)' -P 5001,5002
filter false -L 5001 -D 5002
filter '.rport == 5003' -P 5003
filter '.raddr // .laddr | contains(":") | not' -4
filter '.raddr // .laddr | contains(":")' -6
filter '.raddr // .laddr | contains(":") | not' --addr 127.0.0.0/8
filter '.raddr // .laddr | contains(":")' --addr ::1
filter true --addr ::1 --addr 127.0.0.1
filter false --addr 10.0.0.0/8
filter '.type == "connect" and .error' -x
filter '.type == "connect" and .error and .rport == 5003' -x -4 -D 5003
filter '.type == "connect" or .type == "close"' -e connect,close
filter '.type == "listen"' -e listen
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
	wait_until 3 have_records "$(wc -l <"$T/expected")"
	tool_wait INT
	compare "filter: $text ($(wc -l <"$T/expected") records)"
}

gated '.pid == $pid' -p PID
gated '.pid == $pid' -p "PID,$$"
gated true -p PID -f
gated true -f -p PID --netns "/run/netns/$NS"
gated true --netns PID

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
	wait_until 5 rmdir "$CGROUP/below" 2>/dev/null
	wait_until 5 rmdir "$CGROUP" 2>/dev/null
else
	skip "filter: --cgroup, and below it" "no cgroup2 to write to"
	skip "cgroup: its path" "no cgroup2 to write to"
fi
CGROUP=

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
wait_until 4 have_records "$(wc -l <"$T/expected")"
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

# ---- --stats ----

seen
tool_start --stats --strict --netns "/run/netns/$NS"
traffic -4 prefork
wait_until 4 have_records "$(wc -l <"$T/expected")"
tool_wait INT
is "$TOOL_STATUS" 0 "--strict: status 0 when nothing was lost"
compare "--stats does not touch the records"
for word in records lost procfs; do
	like "$(cat "$T/err")" "$word" "--stats: $word" || diag <"$T/err"
done

e2e_end
