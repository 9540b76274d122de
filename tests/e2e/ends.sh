#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# What ends connsnoop: its output, signals, a COMMAND, -c and -d. No kernel's affair: not in the
# virtual machines.

# shellcheck source-path=SCRIPTDIR source=lib.sh disable=SC2015,SC2016,SC2317
. "$(dirname "$0")/lib.sh"
e2e_begin

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

seen
SEEN=0
cat "$T/tool.fifo" >"$T/out" &
CAT_PID=$!
: >"$T/err"
trap '' HUP INT # as nohup has it, and a script's jobs in the background
"${INSIDE[@]}" "$TOOL" -j -v --netns "/run/netns/$NS" >"$T/tool.fifo" 2>"$T/err" &
TOOL_PID=$!
trap 'exit 1' HUP INT
wait_until 30 says "$T/err" ready
kill -HUP "$TOOL_PID"
kill -INT "$TOOL_PID"
traffic -4 connect
settle "SIGHUP and SIGINT that were ignored as it began: it goes on"
tool_wait TERM
is "$TOOL_STATUS" 0 "and SIGTERM ends it with 0"

# ---- a reader that does not read ----

mkfifo "$T/stuck.fifo"
exec 8<>"$T/stuck.fifo"

# stuck TOOL OPTION...: starts it, its output goes there
stuck() {
	: >"$T/err"
	"${INSIDE[@]}" env --default-signal=INT "$@" >"$T/stuck.fifo" 2>"$T/err" 8<&- &
	TOOL_PID=$!
	CAT_PID=
	wait_until 30 says "$T/err" ready
}

for tool in "$TOOL -j" "$BUILD/flowattr --packets" "$BUILD/flowattr -w -"; do
	# shellcheck disable=SC2086 # words
	stuck $tool -v --netns "/run/netns/$NS"
	"${INSIDE[@]}" timeout -k 2 60 "$T/$NAME" -4 burst 300 8 >"$T/log" 2>&1 </dev/null
	tool_wait INT
	is "$TOOL_STATUS" 0 "${tool##*/}, nobody reads its output: SIGINT ends it with 0" || diag <"$T/err"
done
stuck "$TOOL" -j -- sh -c '"$0" -4 burst 300 8 >/dev/null; echo $$ >"$1.new"; mv "$1.new" "$1"; exec sleep 1000' \
	"$T/$NAME" "$T/command"
wait_until 30 test -e "$T/command"
tool_wait TERM
is "$TOOL_STATUS" 143 "a COMMAND, nobody reads: SIGTERM ends both"
wait_until 5 gone "$(cat "$T/command")"
ok $? "and the COMMAND is gone" || kill "$(cat "$T/command")"
exec 8>&-

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

for options in "connsnoop -j" "connsnoop -o csv" "proctop -j" "flowattr -o csv" "flowattr -w -"; do
	# shellcheck disable=SC2086 # words
	"${INSIDE[@]}" timeout -k 2 20 "$BUILD/"$options -- echo from the command >"$T/out" 2>"$T/err"
	is "$? $(grep -ac 'from the command' "$T/out") $(grep -c 'from the command' "$T/err")" "0 0 1" \
		"$options: COMMAND's stdout is apart" || diag <"$T/err"
done
tool_run -- echo from the command
is "$(grep -c 'from the command' "$T/out")" 1 "a table: COMMAND's stdout is ours"
seen
tool_start -- "$T/$NAME" twins 10000
tool_wait
is "$TOOL_STATUS" 0 "COMMAND of processes whose last two threads exit at once: ends"

# Its reader leaves at once; the COMMAND ends when it may.
for options in "connsnoop -j" "proctop -b 0.1" "flowattr -b 0.1"; do
	rm -f "$T/may" "$T/done" "$T/status"
	mkfifo "$T/may"
	# shellcheck disable=SC2086 # words
	("${INSIDE[@]}" timeout -k 2 30 "$BUILD/"$options -- \
		sh -c '"$0" -4 connect >/dev/null; read -r _ <"$1"; echo >"$2"; exit 5' "$T/$NAME" "$T/may" "$T/done" \
		2>"$T/err" | head -n 1 >"$T/out"
		echo "${PIPESTATUS[0]}" >"$T/status.new"
		mv "$T/status.new" "$T/status") &
	LIVES=($!)
	wait_until 10 test -s "$T/out"
	timeout 10 sh -c 'echo >"$1"' sh "$T/may"
	wait_until 10 test -e "$T/status"
	LIVES=()
	[ -e "$T/done" ]
	is "$? $(cat "$T/status")" "0 5" "$options -- COMMAND | head: COMMAND runs to its end" || diag <"$T/err"
done

# ---- -c, -d ----

for tool in proctop flowattr; do
	"${INSIDE[@]}" timeout -k 2 20 "$BUILD/$tool" -j 0.1 2 -- sleep 60 >"$T/out" 2>"$T/err"
	is "$(grep -c '"type":"total"' "$T/out")" 2 "$tool 0.1 2 -- COMMAND: two intervals" || diag <"$T/out"
done

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

e2e_end
