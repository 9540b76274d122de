#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# proctop on real processes: the ledger against the kernel's own counters, lives of all kinds, formats,
# options, bad input.

# shellcheck source-path=SCRIPTDIR source=lib.sh disable=SC2015,SC2016,SC2317
. "$(dirname "$0")/lib.sh"
TOOL=$BUILD/proctop
STORM=storm-of-processes-and-threads # longer than comm holds

clean() {
	local pid
	trap '' INT TERM HUP # once begun, to the end
	for pid in "${LIVES[@]}"; do
		kill -KILL "$pid" 2>/dev/null
	done
	wait 2>/dev/null
	[ -z "$GROUP" ] || wait_until 5 rmdir "$GROUP" 2>/dev/null
	[ -z "$WATCHED" ] || wait_until 5 rmdir "$WATCHED" 2>/dev/null
	ip netns del "proctop-$$" 2>/dev/null
	rm -rf "$T"
}

# A cgroup with a counter of its own: $GROUP, and its nanoseconds by usage.
group_new() {
	if [ -e /sys/fs/cgroup/cpuacct/cpuacct.usage ]; then
		GROUP=/sys/fs/cgroup/cpuacct/proctop-$$
		mkdir "$GROUP"
		usage() { cat "$GROUP/cpuacct.usage"; }
	else
		GROUP=$(findmnt -nt cgroup2 -o TARGET | head -n 1)/proctop-$$
		mkdir "$GROUP"
		usage() { awk '/^usage_usec / { printf "%.0f\n", $2 * 1000 }' "$GROUP/cpu.stat"; }
	fi
}

# run OPTION... -- STORM-ARG...: proctop with the generator as its COMMAND; $T/out, $T/err, $T/log,
# $TOOL_STATUS
run() {
	local options=()
	while [ "$1" != -- ]; do
		options+=("$1")
		shift
	done
	shift
	timeout -k 2 120 "$TOOL" "${options[@]}" -- sh -c 'exec "$0" "$@" >'"$T/log" "$T/$STORM" "$@" \
		>"$T/out" 2>"$T/err" </dev/null
	TOOL_STATUS=$?
}

# json JQ-FILTER: of all lines as one array, as raw text
json() {
	jq -rs "$1" "$T/out"
}

if [ "$(id -u)" -ne 0 ]; then
	echo "1..0 # SKIP needs root"
	exit 0
fi
[ -x "$TOOL" ] || bail "no $TOOL: build it first, or set BUILD"
[ -x "$BUILD/tests/storm" ] || bail "no $BUILD/tests/storm: build it first, or set BUILD"
T=$(mktemp -d) || bail "mktemp"
GROUP='' WATCHED=''
trap clean EXIT
trap 'exit 1' INT TERM HUP
chmod 755 "$T"
cp "$BUILD/tests/storm" "$T/$STORM"
group_new || bail "cannot make a cgroup"

# ---- the ledger closes ----

# exits: "PID STATUS" as the generator has it
exits() {
	json '.[] | select(.type == "exit") | "\(.pid) \(if .exit_signal then .exit_signal else
		.exit_code * 256 end)"'
}

# closes TEXT [TYPE]: the sums of all that ran inside of the cgroup are what it counted; less only if some of
# it is told to be lost: kernels may keep events from programs. $LOST is how many.
closes() {
	local counted told
	counted=$(($(usage) + $(sed -n 's/^before //p' "$T/err")))
	told=$(json 'map(select(.type == "exit")) as $ends | ($ends | map(.pid) as $p |
		map(select(.ppid as $q | $p | index($q) | not)) | map(.pid)) as $first |
		map(select(.type == "'"${2:-exit}"'" and (.pid as $p | $first | index($p) | not)).cpu_ns) | add')
	LOST=$(json 'map(select(.type == "lost") | .count) | add // 0')
	[ "$LOST" -eq 0 ] || echo "# $LOST lost"
	awk -v a="$told" -v b="$((counted - BEFORE))" -v lost="$LOST" \
		'BEGIN { exit !((a >= b * 0.999 || lost > 0) && a <= b * 1.001) }'
	ok $? "$1" || echo "told $told ns, counted $((counted - BEFORE)) ns" | diag
}

BEFORE=$(usage)
run -j -- enter "$GROUP/cgroup.procs" "$T/$STORM" processes 1000 500
is "$TOOL_STATUS" 0 "storm of processes: status"
closes "storm of processes: the sum is the cgroup's, within 0.1 %"
exits | sort >"$T/got"
sort "$T/log" >"$T/expected"
is "$(comm -13 "$T/got" "$T/expected" | wc -l)" 0 "storm of processes: each has its end, with its exit code or signal"
[ "$(json 'map(select(.type == "exit" and (.cpu_final | not))) | length')" -le "$LOST" ]
ok $? "storm of processes: all final, but for those that are told to be lost"
is "$(json 'map(select(.type == "sample" and .name == "'$STORM'") .pid) | unique | length')" 1002 \
	"storm of processes: each has a sample, by its full name"
[ "$(json '(map(select(.type == "sample")) | group_by(.pid) | map({(.[0].pid | tostring):
	map(.cpu_ns) | add}) | add) as $samples | map(select(.type == "exit" and
	$samples[.ppid | tostring] and .cpu_ns != $samples[.pid | tostring])) | length')" -le "$LOST" ]
ok $? "samples add up to the exit (the COMMAND itself forked before the ledger began)"
is "$(json 'map(select(.type == "total")) | "\(map(.forks) | add) \(map(.exits) | add)"')" "1001 1002" \
	"totals: forks and exits"
is "$(json 'map(select(.type == "total" and .accounted_ns + .unaccounted_ns != .cpu_ns)) | length')" 0 \
	"totals: accounted + unaccounted = all"
is "$(json '(map(select(.type == "total").accounted_ns) | add) ==
	(map(select(.type == "sample").cpu_ns) | add)')" true "totals: accounted is the samples' sum"
run -j -n nobody -- processes 10 1000
is "$(json '(map(select(.type == "total").accounted_ns) | add) ==
	(map(select(.type == "sample").cpu_ns) | add // 0)')" true "-n: likewise"

BEFORE=$(usage)
run -j -- enter "$GROUP/cgroup.procs" "$T/$STORM" threads 2000 100 4
closes "storm of threads: the sum is the cgroup's, within 0.1 %"
is "$(json 'map(select(.type == "exit")) | "\(length) \(map(.cpu_final) | all)"')" \
	"2 $([ "$LOST" -eq 0 ] && echo true || echo false)" \
	"storm of threads: all in their process, which is final if nothing is lost"
is "$(json 'map(select(.type == "sample" and .cpu_ns < 0)) | length')" 0 "no total goes backwards"

BEFORE=$(usage)
run -j -- enter "$GROUP/cgroup.procs" "$T/$STORM" finish 300 4
closes "threads that end at once: the sum is the cgroup's, within 0.1 %"
exits | sort >"$T/got"
sort "$T/log" >"$T/expected"
is "$(comm -13 "$T/got" "$T/expected" | wc -l) $(json 'map(select(.type == "exit")) | "\(length) \(map(.pid) |
	unique | length)"')" "0 302 302" "threads that end at once: one end of each process, with its exit code"
is "$(json 'map(select(.type == "total").exits) | add')" 302 "threads that end at once: totals count it once"
[ "$(json 'map(select(.type == "exit" and (.cpu_final | not))) | length')" -le "$LOST" ]
ok $? "threads that end at once: all final, but for those that are told to be lost"

# ---- the last records of what was in the samples before are lost ----

# overrun: more than the ring buffer holds, while the tool is stopped
overrun() {
	local burner told counted
	rm -f "$T/gate" "$T/log"
	mkfifo "$T/gate"
	touch "$T/burns"
	cat >"$T/overrun" <<-'EOT'
		cd "$1"
		sh -c 'while [ -e burns ]; do :; done' &
		echo "burner $!" >log
		read -r _ <gate
		again='[ "$1" -eq 0 ] || exec sh -c "$0" "$0" "$(($1 - 1))" "$2"' # with as much as a record holds
		sh -c "$again" "$again" 1200 "$(printf %5000s .)"
		for _ in $(seq 100); do (exit 0); done # what is left of the room
		rm burns
		wait
		sleep 0.3 # until it is freed
		echo ready >>log
	EOT
	BEFORE=$(usage)
	"$TOOL" -j 0.2 -- "$T/$STORM" enter "$GROUP/cgroup.procs" sh "$T/overrun" "$T" >"$T/out" 2>"$T/err" \
		</dev/null &
	LIVES=($!)
	wait_until 10 grep -qs . "$T/log"
	burner=$(sed -n 's/^burner //p' "$T/log")
	has_burnt() {
		json "map(select(.type == \"sample\" and .pid == $burner).cpu_ns) | add > 300000000" 2>/dev/null |
			grep -q true
	}
	wait_until 60 has_burnt
	kill -STOP "${LIVES[0]}"
	echo >"$T/gate"
	wait_until 60 says "$T/log" ready
	kill -CONT "${LIVES[0]}"
	wait "${LIVES[0]}"
	is "$? $(json 'map(select(.type == "lost")) | length > 0')" "0 true" \
		"overrun: the tool is stopped, records are lost"
	told=$(json "map(select(.type == \"sample\" and .ppid != ${LIVES[0]}).cpu_ns) | add")
	counted=$(($(usage) + $(sed -n 's/^before //p' "$T/err") - BEFORE))
	[ "$((told * 1000))" -le "$((counted * 1001))" ]
	ok $? "overrun: nothing counts twice" || echo "told $told ns, counted $counted ns" | diag
	LIVES=()
	rm "$T/gate" "$T/log"
}

if [ "${FLOOD:-100000}" -lt 100000 ]; then # emulated
	skip "overrun: nothing counts twice" "too slow here"
else
	overrun
fi

# ---- lives ----

if [ -w /proc/sys/kernel/ns_last_pid ]; then
	run -j -- reuse 100
	exits | sort >"$T/got"
	sort "$T/log" >"$T/expected"
	is "$(comm -13 "$T/got" "$T/expected" | wc -l)" 0 "one process id, 100 processes within an interval"
else
	skip "one process id, 100 processes within an interval" "no ns_last_pid"
fi

run -j -- leader
is "$(json 'map(select(.type == "exit") | "\(.name) \(.exit_code) \(.cpu_final)") | join(",")')" \
	"true 0 true" "exec by a thread that is not the leader: one process, one end"
is "$(json 'map(select(.type == "total")) | map(.execs) | add')" 3 "execs: sh, the generator, true"

run -j 0.3 -- orphan 800
is "$TOOL_STATUS" 5 "leader gone, worker goes on: status"
is "$(json 'map(select(.type == "sample" and .state == "R" and .cpu_ns > 50000000)) | length > 0')" true \
	"leader gone, worker goes on: it runs, and is seen to"
is "$(json 'map(select(.type == "exit"))[0] | .cpu_ns >= 800000000 and .cpu_final')" true \
	"leader gone, worker goes on: all its time is there"

mkfifo "$T/gate"
timeout -k 2 20 "$TOOL" -j 0.2 -- sh -c 'exec "$0" zombie <"$1" >"$2"' "$T/$STORM" "$T/gate" "$T/log" \
	>"$T/out" 2>"$T/err" </dev/null &
LIVES=($!)
exec 7>"$T/gate"
have_zombie() {
	json 'map(select(.type == "sample" and .state == "Z")) | length > 2' 2>/dev/null | grep -q true
}
wait_until 10 have_zombie
ok $? "zombie: has its samples as long as nobody asks for it"
zombie=$(json 'map(select(.state == "Z"))[0].pid')
is "$(json "map(select(.type == \"exit\" and .pid == $zombie) | \"\(.exit_code) \(.cpu_final)\") | join(\",\")")" \
	"3 true" "zombie: its end is told, final, while it is still there"
echo >&7
exec 7>&-
wait "${LIVES[0]}"
is "$(json "map(select(.type == \"exit\" and .pid == $zombie)) | length")" 1 "zombie: told once"
is "$(json "map(select(.type == \"sample\" and .pid == $zombie).cpu_ns) | add")" \
	"$(json "map(select(.type == \"exit\" and .pid == $zombie))[0].cpu_ns")" "zombie: counted once"
LIVES=()

rm "$T/gate"
mkfifo "$T/gate"
BEFORE=$(usage)
timeout -k 2 40 "$TOOL" -j 0.2 -- sh -c 'exec "$0" enter "$3" "$0" lag 500 <"$1" >"$2"' "$T/$STORM" "$T/gate" \
	"$T/log" "$GROUP/cgroup.procs" >"$T/out" 2>"$T/err" </dev/null &
LIVES=($!)
exec 7>"$T/gate"
if wait_until 10 says "$T/log" ready; then
	echo >&7 # its end begins
	wait_until 10 grep -qs '^hangs ' "$T/log"
	hanging=$(sed -n 's/^hangs //p' "$T/log")
	told_early() {
		json "map(select(.type == \"exit\" and .pid == $hanging)) | length == 1" 2>/dev/null | grep -q true
	}
	wait_until 10 told_early
	ok $? "a thread that takes seconds to leave: the end is told meanwhile"
	is "$(json "map(select(.type == \"exit\" and .pid == $hanging))[0] | \"\(.exit_code) \(.cpu_final)\"")" \
		"4 false" "a thread that takes seconds to leave: with its exit code, not final"
	is "$(json "map(select(.type == \"sample\" and .pid == $hanging).cpu_final) | any")" false \
		"a thread that takes seconds to leave: no sample is final"
	echo >&7
	exec 7>&-
	wait "${LIVES[0]}"
	is "$? $(json "map(select(.type == \"exit\" and .pid == $hanging)) | length")" "0 1" \
		"a thread that has taken seconds to leave: its end is told once"
	is "$(json "map(select(.type == \"sample\" and .pid == $hanging))[-1] | \"\(.cpu_final) \(.state)\"")" \
		"true X" "a thread that has taken seconds to leave: final in its last sample"
	is "$(json "(map(select(.type == \"exit\" and .pid == $hanging))[0].cpu_ns) as \$early |
		(map(select(.type == \"sample\" and .pid == $hanging).cpu_ns) | add) as \$all |
		\$all > \$early and \$early > 50000000")" true \
		"a thread that has taken seconds to leave: its last moments are in the samples"
	closes "a thread that has taken seconds to leave: the sum is the cgroup's" sample
else
	for text in a b c d e f g; do
		skip "a thread that takes seconds to leave ($text)" "no pid namespaces: $(cat "$T/err")"
	done
fi
LIVES=()

# ---- kernel threads ----

# watched: a cgroup for --cgroup: $WATCHED
watched() {
	WATCHED=$(findmnt -nt cgroup2 -o TARGET | head -n 1)/proctop-watched-$$
	mkdir "$WATCHED" 2>/dev/null || WATCHED=''
	[ -n "$WATCHED" ]
}

# kthread_new: a veth device with a name that makes its kernel thread's too long for comm
kthread_new() {
	ip netns add "proctop-$$" && ip -n "proctop-$$" link add long-device-nr1 up type veth peer name peer &&
		ip -n "proctop-$$" link set peer up
}

# kthread_end: whatever of it is left
kthread_end() {
	local pid
	for pid in "${LIVES[@]}"; do
		kill "$pid" 2>/dev/null
	done
	wait
	LIVES=()
	exec 7>&-
	wait_until 2 rmdir "$WATCHED" 2>/dev/null # empty: it is gone
	mkdir -p "$WATCHED"
}

# kthread INTERVAL LINES: proctop sees a kernel thread begin, until it has that many samples of it, and end
kthread() {
	local comm pid tool
	rm -f "$T/gate" "$T/log"
	mkfifo "$T/gate"
	: >"$T/err"
	timeout -k 2 30 "$TOOL" -j -v --cgroup "$WATCHED" "$1" >"$T/out" 2>"$T/err" </dev/null &
	tool=$!
	LIVES=("$tool")
	wait_until 30 grep -qsx ready "$T/err" || return
	timeout -k 2 30 ip netns exec "proctop-$$" "$T/$STORM" kthread long-device-nr1 <"$T/gate" >"$T/log" 2>&1 &
	LIVES=("$tool" $!)
	exec 7>"$T/gate"
	wait_until 30 grep -qs . "$T/log" && says "$T/log" ready || return
	for comm in /proc/[0-9]*/comm; do
		read -r FULL 2>/dev/null <"$comm" && [[ $FULL == napi/long-device-nr1* ]] || continue
		pid=${comm#/proc/}
		echo "${pid%/comm}" >"$WATCHED/cgroup.procs" || return
		break
	done
	[ -n "$pid" ] && wait_until 30 have_samples "$2" || return
	echo >&7
	exec 7>&-
	wait "${LIVES[1]}"
	LIVES=("$tool")
	wait_until 2 rmdir "$WATCHED" 2>/dev/null # empty: it is gone
}

have_samples() {
	[ "$(grep -c '"type":"sample"' "$T/out")" -ge "$1" ]
}

if watched && kthread_new 2>/dev/null && kthread 0.2 2; then
	kthread_end
	is "$(json 'map(select(.type == "sample") | "\(.name) \(.name_src)") | unique | join(",")')" \
		"[$FULL] kernel" "a kernel thread that began later: its full name in each sample"
	is "$(json 'map(select(.type == "exit") | "\(.name) \(.exit_code) \(.cpu_final)") | join(",")')" \
		"[$FULL] 0 true" "a kernel thread that began later: its full name at its end"
	kthread 100 0
	kthread_end
	is "$(json 'map(select(.type == "sample" or .type == "exit").name) | join(",")')" "[$FULL],[$FULL]" \
		"a kernel thread within one interval: its full name"
else
	kthread_end
	for text in "began later: its full name in each sample" "began later: its full name at its end" \
		"within one interval: its full name"; do
		skip "a kernel thread that $text" "cannot make one: $(tail -n 1 "$T/log" 2>/dev/null)"
	done
fi

# ---- bytes ----

if has touch_accept; then # the same tracepoints
	run -j -- net 3000001
	is "$(json 'map(select(.type == "sample")) | "\(map(.rx_bytes) | add) \(map(.tx_bytes) | add)"')" \
		"3000001 3000001" "network bytes: as many as were sent, peeking not counted"
else
	skip "network bytes: as many as were sent, peeking not counted" "$LACKS"
fi
run -j --no-net -- net 10000
is "$(json 'map(select(.type == "sample" and .rx_bytes != null)) | length')" 0 "--no-net: not known"
timeout 20 "$TOOL" -j -- dd if=/dev/zero of="$PWD/proctop-$$.dd" bs=64k count=16 conv=fsync \
	>"$T/out" 2>"$T/err"
rm -f "$PWD/proctop-$$.dd"
if [ "$(stat -f -c %T "$PWD")" = tmpfs ]; then
	skip "storage bytes: as many as dd wrote" "no storage here"
else
	is "$(json 'map(select(.type == "sample").write_bytes) | add | . >= 1048576 and . < 1500000')" true \
		"storage bytes: as many as dd wrote"
fi

# ---- tables ----

run -- processes 300 200
like "$(cat "$T/out")" "$STORM × 300 +\($STORM\)" "COMMAND: one table, folded by name and parent"
is "$(grep -c 'PID  *PPID USER' "$T/out")" 1 "COMMAND: one header"
like "$(head -n 1 "$T/out")" '^[0-9.]+m?s: 301 processes, [0-9.]+m?s of CPU time$' "COMMAND: all in one line"
timeout 60 "$TOOL" -s NAME -F name,exe,args -- sh -c 'sleep 0; cat /dev/null; uname >/dev/null; :' >"$T/out" \
	2>"$T/err"
is "$(awk 'NR > 2 && $1 !~ /^\(/ { print $1 }' "$T/out" | tr '\n' ' ')" "cat sh sleep uname " \
	"COMMAND: sorted as -s says"
like "$(cat "$T/out")" "cat +/[a-z/]*/cat +cat /dev/null" "COMMAND: a line of one process has all its names"
timeout 60 "$TOOL" 0.2 -- sh -c '"$0" processes 1000 500 >"$1"; sleep 1' "$T/$STORM" "$T/log" \
	>"$T/out" 2>"$T/err"
is "$(($(grep -c 'PID  *PPID USER' "$T/out") > 2))" 1 "INTERVAL: a table each"
# A line of one has its process id and no count: it may have been counted in an interval before, and
# have some last time to tell of.
awk 'NR == FNR { child[$1]; next }
	$4 ~ /^[XZ]$/ && $1 in child { single[$1] }
	$NF == "('$STORM')" { sub(/.*× /, ""); sub(/ .*/, ""); gsub(",", ""); n += $1 }
	END { print n + 0, length(single); exit !(n <= 1000 && n + length(single) >= 1000) }' \
	"$T/log" "$T/out" >"$T/counts"
ok $? "INTERVAL: folded lines count every process once" || diag <"$T/counts"
run -o csv -F type,pid,name,exit_code -- processes 10 100
is "$(head -n 1 "$T/out") $(grep -c "^exit,[0-9]*,$STORM,[0-6]$" "$T/out")" "type,pid,name,exit_code 11" "CSV"
run -F pid,CPU%,NAME -m 1 1 -- processes 100 100
is "$(awk '!NF { n = 0 } n++ > 2 { more++ } END { print more + 0, (NR > 2) }' "$T/out")" "0 1" \
	"-m: so many lines" # below the sum and the titles of each table
run -j -n 'no such*' -- processes 10 100
is "$(json 'map(select(.type == "sample" or .type == "exit")) | length')" 0 "-n: only these"

mkfifo "$T/long"
timeout -k 2 20 "$TOOL" -- sh -c 'exec "$0" zombie <"$1" >"$2"' "$T/$STORM" "$T/long" "$T/log" >"$T/out" \
	2>"$T/err" </dev/null &
LIVES=($!)
exec 7>"$T/long"
wait_until 10 says "$T/log" ready
sleep 2.5 # more than one second by second look at it
echo >&7
exec 7>&-
wait "${LIVES[0]}"
LIVES=()
like "$(head -n 1 "$T/out")" ': 2 processes,' "COMMAND: a zombie counts once, however long it stays"
timeout 10 "$TOOL" -- true >"$T/out" 2>"$T/err"
like "$(head -n 1 "$T/out")" ': 1 process,' "COMMAND: one process"

# ---- the filter, several intervals, the end of stdout ----

"$T/$STORM" idle 5 >"$T/idle" &
LIVES=($!)
wait_until 5 grep -qx ready "$T/idle"
timeout 10 "$TOOL" -j -p "${LIVES[0]}" -f 0.2 3 >"$T/out" 2>"$T/err"
is "$? $(json 'map(select(.type == "sample")) | length') $(json 'map(select(.type == "total")) | length')" \
	"0 18 3" "-p -f: a process and its descendants; COUNT intervals"
is "$(json 'map(select(.type == "sample" and .age_ns > 0 and .threads == 1 and .state == "S" and
	.rss_bytes > 0)) | length')" 18 "-p -f: what is known of the living"
timeout 10 "$TOOL" -j -p "${LIVES[0]}" -c 2 0.2 >"$T/out" 2>"$T/err"
is "$? $(wc -l <"$T/out")" "0 2" "-c: so many rows"
(
	timeout 10 "$TOOL" -j -p "${LIVES[0]}" 0.1 2>"$T/err" | head -n 1 >"$T/out"
	echo "${PIPESTATUS[0]}" >"$T/status"
)
is "$(cat "$T/status") $(wc -l <"$T/out") $(cat "$T/err")" "0 1 " "| head -n 1: status 0, no complaint"
: >"$T/err"
"$TOOL" -j -v -p "${LIVES[0]}" 100 >"$T/out" 2>"$T/err" &
tool=$!
LIVES+=("$tool")
wait_until 5 grep -qx ready "$T/err"
kill -TERM "$tool"
wait "$tool"
is "$? $(json 'map(select(.type == "sample")) | length')" "0 1" "SIGTERM: the last interval is printed first"

# hidden OPTION...: where /proc shows nobody else's processes
hidden() {
	timeout -k 2 20 unshare -m sh -c 'mount -t proc -o hidepid=2 proc /proc && exec "$0" "$@"' "$TOOL" "$@" \
		>"$T/out" 2>"$T/err" </dev/null
}
hidden -j --stats -p "${LIVES[0]}" -f 0.2 2
is "$? $(json 'map(select(.type == "sample") | "\(.name) \(.name_src) \(.args[1]) \(.state)") | "\(length) \(unique |
	join(","))"')" "0 12 $STORM iter idle S" "hidepid=2: all samples of what runs already, by full name"
hidden -j --stats -- sh -c 'exec "$0" processes 20 100 >"$1"' "$T/$STORM" "$T/log"
is "$(json 'map(select(.type == "exit") | "\(.name) \(.name_src)") | group_by(.) | map("\(length) \(.[0])") | join(",")')" \
	"1 $STORM exec,20 $STORM fork" "hidepid=2: all ends, by full name"
if has iterator_args; then # else arguments of what runs already come from there
	like "$(grep ^names: "$T/err")" ' 0 with procfs, 0 unnamed .* 0 procfs look-ups' \
		"hidepid=2: /proc is not asked"
else
	skip "hidepid=2: /proc is not asked" "$LACKS"
fi
like "$(grep ^records: "$T/err")" '^records: [0-9]+ rows printed, .* 0 threads, 0.000 ms of CPU time in "\(others\)"' \
	"--stats: how much is in (others)"
kill "${LIVES[0]}"
wait "${LIVES[0]}" 2>/dev/null
LIVES=()

# zombies have left their namespaces: whose was this one?
rm -f "$T/gate" "$T/log"
mkfifo "$T/gate"
"$T/$STORM" zombie <"$T/gate" >"$T/log" &
LIVES=($!)
exec 7>"$T/gate"
wait_until 5 says "$T/log" ready
if unshare -n true 2>/dev/null; then
	unshare -n "$T/$STORM" idle 1 >"$T/idle" &
	LIVES+=($!)
	wait_until 5 grep -qx ready "$T/idle"
	timeout 10 "$TOOL" -j --netns "${LIVES[1]}" 0.2 2 >"$T/out" 2>"$T/err"
	is "$? $(json 'map(select(.type == "sample").state) | join("")')" "0 SSSS" "--netns: nobody else's zombies"
	kill "${LIVES[1]}"
else
	skip "--netns: nobody else's zombies" "no network namespaces"
fi
echo >&7
exec 7>&-
wait
LIVES=()
timeout -k 2 20 "$TOOL" -j -- sh -c 'exec "$0" processes 5 100 >"$1"' "$T/$STORM" "$T/log" >"$T/out" \
	2>"$T/err" <&-
is "$? $(json 'map(select(.type == "exit")) | length')" "0 6" "stdin closed: all the same"
timeout -k 2 20 "$TOOL" -j -- true 2>"$T/err" >&-
like "$? $(tail -n 1 "$T/err")" '^1 proctop: .*Bad file descriptor' "stdout closed: says so"
timeout -k 2 20 "$TOOL" -j -- true 2>"$T/err" >/dev/full
like "$? $(tail -n 1 "$T/err")" '^1 proctop: .*No space left' "a full disk: says so"

# ---- COMMAND, bad input ----

run -j -- nonsense
is "$TOOL_STATUS" 2 "COMMAND's own status"
timeout 10 "$TOOL" -- sh -c 'kill -KILL $$' >"$T/out" 2>"$T/err"
is "$? $(grep -c ' KILL sh' "$T/out")" "137 1" "COMMAND's signal, in its status and in the table"

# bad STATUS-REGEX MESSAGE-REGEX OPTION...
bad() {
	local status=$1 message=$2
	shift 2
	timeout 10 "$TOOL" "$@" >"$T/out" 2>"$T/err" </dev/null
	TOOL_STATUS=$?
	[[ $TOOL_STATUS =~ ^$status$ ]] && [ ! -s "$T/out" ] && [ "$(wc -l <"$T/err")" -eq 1 ] &&
		grep -qiE -- "$message" "$T/err"
	ok $? "refused: $*" || diag <"$T/err"
}

bad 2 nonsense -s nonsense
bad 2 abc abc
bad 2 0.01 0.01
bad 2 abc 1 abc
bad 2 stray 1 2 stray
bad 2 '0' -m 0
bad 2 nonsense -F nonsense
bad 2 'follow|-p' -f
bad 2 'fentry cannot .*only tracepoints.*leave it out' --backend fentry -- true
bad 2 'kprobe cannot .*only tracepoints.*leave it out' --backend=kprobe -- true
for backend in auto tracepoint; do
	run -j --backend $backend -- processes 1 100
	is "$TOOL_STATUS $(json 'map(select(.type == "exit")) | length')" "0 2" "--backend $backend"
done
bad 1 no-such-command -- no-such-command
timeout 10 "$TOOL" --help >"$T/out" 2>"$T/err"
missing=
for option in --batch --sort --max --no-net --pid --follow --name --uid --cgroup --netns --output --json \
	--fields --timestamp --time --duration --count --no-header --stats --strict --backend --features; do
	grep -qE -- "(^|[ ,])$option([ ,=[]|$)" "$T/out" || missing+=" $option"
done
is "$missing" '' "-h: names every option"
timeout 10 "$TOOL" -F help >"$T/out" 2>"$T/err"
missing=
for key in type ts pid tid name comm name_src exe args ppid uid cgroup container netns interval_ns cpu_ns \
	wait_ns state rss_bytes read_bytes write_bytes rx_bytes tx_bytes threads age_ns cpu_final \
	exit_code exit_signal lifetime_ns accounted_ns unaccounted_ns forks execs exits; do
	grep -qw -- "$key" "$T/out" || missing+=" $key"
done
is "$missing" '' "-F help: every key"

echo "1..$TESTS"
[ "$FAILED" -eq 0 ]
