#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# What connsnoop costs, and how fast it is: against ss and lsof, and with itself off. Medians of
# RUNS interleaved runs, in a network namespace of its own. Run as root; takes some minutes.
#   run.sh [GROUP...]   all, or some of: list start burst traffic pairs consumer
# shellcheck disable=SC2015

set -u
BENCH=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
BUILD=$(realpath -m "${BUILD:-$BENCH/../../build}")
TOOL=$BUILD/connsnoop
NAME=connsnoop-traffic-generator # 27 characters: longer than comm holds
RUNS=${RUNS:-7}
CLIENTS=${CLIENTS:-5000}
TOOL_PID='' HOLD_PID=''
export LC_ALL=C

die() {
	echo "bench: $*" >&2
	exit 1
}

clean() {
	local pid
	trap '' INT TERM HUP # once begun, to the end
	for pid in $TOOL_PID $HOLD_PID $(ip netns pids "$NS" 2>/dev/null); do
		kill -KILL "$pid" 2>/dev/null
	done
	wait 2>/dev/null
	ip netns del "$NS" 2>/dev/null
	rm -rf "$T"
}

begin() {
	[ "$(id -u)" -eq 0 ] || die "needs root"
	[ -x "$TOOL" ] || die "no $TOOL: build it first, or set BUILD"
	T=$(mktemp -d) && NS=bench-$$ || die "mktemp"
	trap clean EXIT
	trap 'exit 1' INT TERM HUP
	# not `ip netns exec`: that hides the cgroup mounts
	INSIDE=(nsenter --net="/run/netns/$NS" --)
	TRACE=("${INSIDE[@]}" "$TOOL" --netns "/run/netns/$NS")
	cp "$BUILD/tests/traffic" "$T/$NAME" && mkdir "$T/m" || die "cannot set up $T"
	# a bound on TIME_WAIT, so that a run does not feel how many ran before it
	ip netns add "$NS" && ip -n "$NS" link set lo up &&
		"${INSIDE[@]}" sh -c 'cd /proc/sys/net/ipv4 && echo 1000 >tcp_max_tw_buckets &&
			echo 1024 65535 >ip_local_port_range' ||
		die "cannot make a network namespace"
}

# ---- numbers ----

# note KEY NUMBER: one more measurement
note() {
	[ -n "$2" ] || die "no number for $1"
	echo "$2" >>"$T/m/$1"
}

median() {
	sort -g "$T/m/$1" | awk '{ v[NR] = $1 } END { print (v[int((NR + 1) / 2)] + v[int(NR / 2) + 1]) / 2 }'
}

least() {
	sort -g "$T/m/$1" | head -n 1
}

most() {
	sort -g "$T/m/$1" | tail -n 1
}

# calc EXPRESSION [FORMAT]
calc() {
	awk "BEGIN { printf \"${2:-%.3g}\", $1 }"
}

# judge CONDITION
judge() {
	awk "BEGIN { print ($1) ? \"met\" : \"NOT MET\" }"
}

# row WHAT CONNSNOOP PEER RATIO AIM MET
row() {
	local IFS='|'
	echo "$*" >>"$T/table"
}

say() {
	echo "# $*" >&2
}

# loss ON OFF: how much less it is with connsnoop than without, in percent: the median of the pairs
loss() {
	paste "$T/m/$1" "$T/m/$2" | awk '{ print (1 - $1 / $2) * 100 }' >"$T/m/loss"
	median loss
}

# spread KEY: of the middle half of the runs, in percent of their median: one that was disturbed does
# not count
spread() {
	sort -g "$T/m/$1" | awk -v median="$(median "$1")" '{ v[NR] = $1 } END {
		printf "%.1f\n", (v[NR + 1 - int((NR + 3) / 4)] - v[int((NR + 3) / 4)]) / median * 100 }'
}

# ---- connsnoop in the background ----

# tool_start OUTPUT OPTION...: returns when it is ready
tool_start() {
	local output=$1 tries=0
	shift
	: >"$T/err" # before somebody looks for "ready" there
	"${TRACE[@]}" -v "$@" >"$output" 2>"$T/err" </dev/null &
	TOOL_PID=$!
	until grep -qx ready "$T/err"; do
		[ $((tries++)) -lt 500 ] && [ -e "/proc/$TOOL_PID" ] ||
			die "connsnoop does not get ready: $(cat "$T/err")"
		sleep 0.02
	done
	sleep 0.1 # until the machine is quiet again
}

tool_end() {
	kill -TERM "$TOOL_PID"
	wait "$TOOL_PID" || die "connsnoop failed: $(cat "$T/err")"
	TOOL_PID=''
}

# ---- 5,000 processes that live for a moment ----

# burst KEY: connections per second
burst() {
	local start=${EPOCHREALTIME/./}
	: >"$T/log"
	"${INSIDE[@]}" "$T/$NAME" burst "$CLIENTS" 8 >>"$T/log" 2>"$T/burst.err" </dev/null ||
		die "burst: $(cat "$T/burst.err")"
	note "$1" "$(calc "$CLIENTS * 1e6 / (${EPOCHREALTIME/./} - $start)" %.1f)"
}

# Waits for the last connections to close (a lost segment is sent again after 200 ms), 5 s at most.
burst_settle() {
	local tries=0
	until [ "$(grep -c '^{"type":"close"' "$T/out")" -ge $((2 * CLIENTS)) ]; do
		[ $((tries++)) -lt 50 ] || break
		sleep 0.1
	done
}

# Lines of the generator's log that the tool printed, or did not.
burst_compare() {
	awk -v name="$NAME" '{ print $1, $2, $3, name }' "$T/log" | sort >"$T/expected"
	jq -r 'select(.type == "connect" and .error == null) | "connect \(.pid) \(.lport) \(.name)"' \
		"$T/out" >"$T/got"
	jq -r 'select(.type == "accept") | "accept \(.pid) \(.rport) \(.name)"' "$T/out" >>"$T/got"
	sort -o "$T/got" "$T/got"
	note right "$(comm -12 "$T/expected" "$T/got" | wc -l)"
	note missing "$(comm -23 "$T/expected" "$T/got" | wc -l)"
	note wrong "$(comm -13 "$T/expected" "$T/got" | wc -l)"
	note closes "$(jq -r 'select(.type == "close") | .name' "$T/out" | grep -cx "$NAME")"
	note lost "$(jq -r 'select(.type == "lost") | .count' "$T/out" | awk '{ n += $1 } END { print n + 0 }')"
}

bench_burst() {
	local i ratio
	for ((i = 0; i < RUNS; i++)); do
		say "burst, $((i + 1)) of $RUNS"
		tool_start "$T/out" -j
		burst burst_on
		burst_settle
		sed -n 's/^\(VmHWM\|VmRSS\|RssAnon\|RssFile\|RssShmem\):[[:space:]]*\([0-9]*\) kB$/\1 \2/p' \
			"/proc/$TOOL_PID/status" >"$T/status"
		while read -r key kb; do
			note "$key" "$kb"
		done <"$T/status"
		tool_end
		burst_compare
		burst burst_off
	done
	ratio=$(calc "$(median burst_on) / $(median burst_off)")
	row "$CLIENTS short-lived processes, connections/s, JSON to a file" "$(median burst_on)" \
		"$(median burst_off) off" "$ratio" "" ""
	row "  spread without connsnoop" "" "$(spread burst_off) %" "" "" ""
	row "  connects and accepts: right, missing, wrong (worst run)" \
		"$(least right), $(most missing), $(most wrong)" "" "" "$((2 * CLIENTS)), 0, 0" \
		"$(judge "$(least right) == $((2 * CLIENTS)) && $(most missing) + $(most wrong) == 0")"
	row "  closes with the right name, records lost (worst run)" "$(least closes), $(most lost)" \
		"" "" "$((2 * CLIENTS)), 0" \
		"$(judge "$(least closes) == $((2 * CLIENTS)) && $(most lost) == 0")"
	row "memory, kB: the most ever, at start-up (VmHWM)" "$(most VmHWM)" "" "" "< 16384" \
		"$(judge "$(most VmHWM) < 16384")"
	row "  while it streams (VmRSS) = RssAnon + RssFile + RssShmem" \
		"$(median VmRSS) = $(median RssAnon) + $(median RssFile) + $(median RssShmem)" "" "" \
		"< 16384" "$(judge "$(most VmRSS) < 16384")"
}

# ---- the list of open sockets ----

# hold_start PROCESSES CONNECTIONS
hold_start() {
	local tries=0
	"${INSIDE[@]}" "$BUILD/tests/hold" "$1" "$2" >"$T/hold" </dev/null &
	HOLD_PID=$!
	until grep -qx ready "$T/hold"; do
		[ $((tries++)) -lt 1500 ] && [ -e "/proc/$HOLD_PID" ] || die "no sockets to list"
		sleep 0.02
	done
}

hold_end() {
	kill -KILL "$HOLD_PID"
	wait "$HOLD_PID" 2>/dev/null # which says "Killed"
	HOLD_PID=''
	while [ -n "$(ip netns pids "$NS")" ]; do
		sleep 0.05
	done
}

# timed KEY COMMAND...: ms of a whole run
timed() {
	local key=$1
	shift
	note "$key" "$("${INSIDE[@]}" "$BUILD/tests/timed" "$@")"
}

# list_runs KEY SOCKETS
list_runs() {
	local i listed
	listed=$("${TRACE[@]}" -l -j | grep -c '"state":"ESTABLISHED"')
	[ "$listed" -eq "$2" ] || die "$listed sockets listed, not $2"
	for ((i = 0; i < RUNS; i++)); do
		timed "$1" "$TOOL" --netns "/run/netns/$NS" -l -j
		timed "$1_ss" ss -tuanp
		timed "$1_lsof" lsof -nP -i
	done
}

bench_list() {
	local key what
	say "list of no socket"
	list_runs list0 0
	hold_start 10 5
	say "list of 100 sockets"
	list_runs list100 100
	hold_end
	hold_start 1000 5
	say "list of 10,000 sockets"
	list_runs list10000 10000
	hold_end
	for key in list10000 list100 list0; do
		what="-l -j, ${key#list} sockets, ms"
		if [ $key = list10000 ]; then
			row "$what" "$(median $key)" "$(median ${key}_ss) ss -tuanp" \
				"$(calc "$(median $key) / $(median ${key}_ss)")" "<= 0.25" \
				"$(judge "$(median $key) / $(median ${key}_ss) <= 0.25")"
		else
			row "$what" "$(median $key)" "$(median ${key}_ss) ss -tuanp" \
				"$(calc "$(median $key) / $(median ${key}_ss)")" "" ""
		fi
		row "" "$(median $key)" "$(median ${key}_lsof) lsof -nP -i" \
			"$(calc "$(median $key) / $(median ${key}_lsof)")" "" ""
	done
	row "  what 10,000 sockets take beyond start-up, ms" \
		"$(calc "$(median list10000) - $(median list0)" %.1f)" \
		"$(calc "$(median list10000_ss) - $(median list0_ss)" %.1f) ss -tuanp" \
		"$(calc "($(median list10000) - $(median list0)) / ($(median list10000_ss) - $(median list0_ss))")" \
		"" ""
}

# ---- the rest ----

bench_start() {
	local i
	say "start"
	for ((i = 0; i < RUNS; i++)); do
		timed start -r "$TOOL" --netns "/run/netns/$NS" -v
		timed start_json -r "$TOOL" --netns "/run/netns/$NS" -v -j
		timed start_tcp -r "$TOOL" --netns "/run/netns/$NS" -v --proto tcp
	done
	row "from start to ready, ms" "$(median start)" "" "" "< 150" \
		"$(judge "$(median start) < 150")"
	row "  with --proto tcp, ms" "$(median start_tcp)" "" "" "< 150" "$(judge "$(median start_tcp) < 150")"
	row "  with -j, ms" "$(median start_json)" "" "" "< 150" "$(judge "$(median start_json) < 150")"
}

# load KEY OPTION...
load() {
	local key=$1
	shift
	note "$key" "$("${INSIDE[@]}" "$BUILD/tests/load" "$@")"
}

# No measurable loss: less than the runs without connsnoop differ among themselves.
row_traffic() {
	row "$2" "$(median "$1_on")" "$(median "$1_off") off" \
		"$(calc "$(median "$1_on") / $(median "$1_off")")" "loss within the spread" \
		"$(judge "$(loss "$1_on" "$1_off") <= $(spread "$1_off")")"
	row "  loss, median of pairs; spread without connsnoop" \
		"$(calc "$(loss "$1_on" "$1_off")" %.1f) %" "$(spread "$1_off") %" "" "" ""
}

bench_traffic() {
	local i
	for ((i = 0; i < RUNS; i++)); do
		say "ping-pong and streams, $((i + 1)) of $RUNS"
		load ping_off -1 ping
		load stream_off -1 stream
		tool_start "$T/out" -j --proto tcp
		load ping_on -1 ping
		load stream_on -1 stream
		tool_end
	done
	row_traffic ping "TCP ping-pong, 64 bytes, on one processor, round trips/s"
	row_traffic stream "TCP stream, 64 KB writes, on one processor, MB/s"
}

# row_pairs KEY WHAT: the ratio is the median of the pairs of runs
row_pairs() {
	local ratio
	ratio=$(calc "1 - $(loss "$1" pairs_off) / 100")
	row "  $2" "$(median "$1")" "$(median pairs_off) off" "$ratio" ">= 0.9" \
		"$(judge "$ratio >= 0.9")"
}

bench_pairs() {
	local i
	for ((i = 0; i < RUNS; i++)); do
		say "connect and close, $((i + 1)) of $RUNS"
		load pairs_off -1 connect
		tool_start "$T/out" -j --proto tcp
		load pairs_json -1 connect
		tool_end
		tool_start /dev/null --proto tcp
		load pairs_table -1 connect
		tool_end
		tool_start "$T/out" -j --proto tcp -e connect
		load pairs_connect -1 connect
		tool_end
	done
	row "TCP connect and close, on one processor, pairs/s; spread without connsnoop" "" \
		"$(spread pairs_off) %" "" "" ""
	row_pairs pairs_json "JSON to a file"
	row_pairs pairs_table "table to /dev/null"
	row_pairs pairs_connect "JSON to a file, -e connect"
}

bench_consumer() {
	local i mix output records rows
	for ((i = 0; i < RUNS; i++)); do
		say "consumer, $((i + 1)) of $RUNS"
		for mix in processes connections; do
			for output in null file; do
				read -r records rows < <("$BUILD/tests/replay" "$mix" \
					"$([ $output = null ] && echo /dev/null || echo "$T/replay")")
				note "replay_${mix}_${output}_records" "$records"
				note "replay_${mix}_${output}_rows" "$rows"
			done
		done
	done
	for mix in processes connections; do
		for output in null file; do
			rows=$(median "replay_${mix}_${output}_rows")
			row "consumer, JSON lines/s: $mix, to $([ $output = null ] && echo /dev/null || echo a file)" \
				"$rows" "" "" ">= 300000" "$(judge "$rows >= 300000")"
			row "  records/s" "$(median "replay_${mix}_${output}_records")" "" "" "" ""
		done
	done
}

begin
for group in "${@:-all}"; do
	case $group in
	all) bench_list && bench_start && bench_burst && bench_traffic && bench_pairs && bench_consumer ;;
	list | start | burst | traffic | pairs | consumer) "bench_$group" ;;
	*) die "no group $group: list start burst traffic pairs consumer" ;;
	esac
done
echo "$("$TOOL" --version), $(uname -sr), $(nproc) processors; medians of $RUNS interleaved runs"
echo "what|connsnoop|peer|ratio|aim|met" | cat - "$T/table" | awk -F '|' '
	{ for (i = 1; i <= 6; i++) { cell[NR, i] = $i; if (length($i) > wide[i]) wide[i] = length($i) } }
	END {
		for (r = 1; r <= NR; r++) {
			line = ""
			for (i = 1; i <= 6; i++)
				line = line sprintf("%-" wide[i] "s  ", cell[r, i])
			sub(/ +$/, "", line)
			print line
		}
	}'
