#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# What proctop costs, and how exact it is: against the kernel's own counters, top, htop and atop, and
# with itself off. Run as root; takes some minutes.
#   proctop.sh [GROUP...]   all, or some of: exact idle memory overhead
# shellcheck disable=SC2015

set -u
BENCH=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
BUILD=$(realpath -m "${BUILD:-$BENCH/../../build}")
TOOL=$BUILD/proctop
STORM=storm-of-processes-and-threads # longer than comm holds
RUNS=${RUNS:-5}
SECONDS_IDLE=${SECONDS_IDLE:-10}
LIVES=()
PID_MAX='' # as it was before
export LC_ALL=C

die() {
	echo "bench: $*" >&2
	exit 1
}

say() {
	echo "bench: $*" >&2
}

clean() {
	local pid tries=0
	trap '' INT TERM HUP # once begun, to the end
	tmux -L "bench-$$" kill-server 2>/dev/null
	for pid in "${LIVES[@]}"; do
		kill -KILL "$pid" 2>/dev/null
	done
	wait 2>/dev/null
	[ -z "$PID_MAX" ] || echo "$PID_MAX" >/proc/sys/kernel/pid_max
	until rmdir "$GROUP" "$COUNTED" 2>/dev/null || [ $((tries++)) -gt 100 ]; do
		sleep 0.05
	done
	rm -rf "$T"
}

begin() {
	[ "$(id -u)" -eq 0 ] || die "needs root"
	[ -x "$TOOL" ] && [ -x "$BUILD/tests/storm" ] || die "nothing in $BUILD: build it first"
	T=$(mktemp -d) || die mktemp
	GROUP=$(findmnt -nt cgroup2 -o TARGET | head -n 1)/proctop-bench-$$
	if [ -e /sys/fs/cgroup/cpuacct/cpuacct.usage ]; then
		COUNTED=/sys/fs/cgroup/cpuacct/proctop-bench-$$
		usage() { cat "$COUNTED/cpuacct.usage"; }
	else
		COUNTED=$GROUP-counted
		usage() { awk '/^usage_usec / { printf "%.0f\n", $2 * 1000 }' "$COUNTED/cpu.stat"; }
	fi
	trap clean EXIT
	trap 'exit 1' INT TERM HUP
	mkdir "$GROUP" "$COUNTED" || die "no cgroups"
	cp "$BUILD/tests/storm" "$T/$STORM"
	: >"$T/table"
}

# note KEY VALUE
note() {
	echo "$2" >>"$T/note.$1"
}

median() {
	sort -g "$T/note.$1" | awk '{ v[NR] = $1 } END { print NR % 2 ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2 }'
}

# calc EXPRESSION [FORMAT]
calc() {
	awk "BEGIN { printf \"${2:-%.3f}\", $1 }"
}

judge() {
	[ "$(calc "$1" %d)" = 1 ] && echo yes || echo no
}

# row WHAT PROCTOP PEER RATIO AIM MET
row() {
	echo "$1|$2|$3|$4|$5|$6" >>"$T/table"
}

# ---- the ledger against the cgroup's own counter ----

# exact KIND N US: ratio of the sums, rows, wrong exit codes
exact() {
	local before
	before=$(usage)
	# shellcheck disable=SC2016
	timeout 300 "$TOOL" -j --stats -- sh -c 'exec "$0" "$@" >'"$T/log" "$T/$STORM" enter \
		"$COUNTED/cgroup.procs" "$T/$STORM" "$1" "$2" "$3" 4 >"$T/out" 2>"$T/err"
	note "exact_$1" "$(jq -rn --argjson counted "$(($(usage) - before + $(sed -n 's/^before //p' "$T/err")))" '[inputs | select(.type == "exit")]
		| (map({(.pid | tostring): 1}) | add) as $pids
		| map(select($pids[.ppid | tostring]).cpu_ns) | add / $counted' "$T/out")"
	jq -r 'select(.type == "exit") | "\(.pid) \(if .exit_signal then .exit_signal else
		.exit_code * 256 end)"' "$T/out" | sort >"$T/got"
	sort "$T/log" >"$T/expected"
	note "exact_$1_rows" "$(comm -12 "$T/got" "$T/expected" | wc -l)"
	note "exact_$1_final" "$(jq -r 'select(.type == "exit" and (.cpu_final | not)) | .pid' "$T/out" | wc -l)"
}

bench_exact() {
	local i kind worst
	for ((i = 0; i < RUNS; i++)); do
		say "storms, $((i + 1)) of $RUNS"
		exact processes 10000 500
		exact threads 10000 100
	done
	for kind in processes threads; do
		worst=$(awk '{ d = $1 > 1 ? $1 - 1 : 1 - $1; if (d > w) w = d } END { printf "%.6f", w }' \
			"$T/note.exact_$kind")
		row "10,000 $kind: CPU time told / the cgroup's counter, farthest from 1" "$worst" "" "" \
			"<= 0.001" "$(judge "$worst <= 0.001")"
	done
	row "  exits told with the right code (least of $RUNS runs)" \
		"$(sort -g "$T/note.exact_processes_rows" | head -n 1)" "" "" 10000 \
		"$(judge "$(sort -g "$T/note.exact_processes_rows" | head -n 1) == 10000")"
	row "  not final at the end (most)" "$(sort -g "$T/note.exact_processes_final" | tail -n 1)" \
		"" "" 0 "$(judge "$(sort -g "$T/note.exact_processes_final" | tail -n 1) == 0")"
}

# ---- 10,000 idle processes ----

idle_start() {
	local tries=0
	: >"$T/idle"
	("$T/$STORM" enter "$GROUP/cgroup.procs" "$T/$STORM" idle "$1" >"$T/idle") &
	LIVES=($!)
	until grep -qx ready "$T/idle"; do
		[ $((tries++)) -lt 600 ] || die "no $1 processes"
		sleep 0.1
	done
}

idle_end() {
	local pid tries=0
	while read -r pid; do
		kill -KILL "$pid" 2>/dev/null
	done <"$GROUP/cgroup.procs"
	wait 2>/dev/null
	LIVES=()
	while [ -s "$GROUP/cgroup.procs" ] && [ $((tries++)) -lt 300 ]; do
		sleep 0.1
	done
}

# cpu PID: ns that it has used
cpu() {
	awk '{ print $1 }' "/proc/$1/schedstat"
}

# watch KEY PID SECONDS: ms of CPU time in each second
watch() {
	local begin
	begin=$(cpu "$2")
	sleep "$3"
	note "$1" "$(calc "($(cpu "$2") - $begin) / 1e6 / $3" %.1f)"
}

# batch KEY COMMAND...
batch() {
	local key=$1 pid
	shift
	"$@" >/dev/null 2>&1 </dev/null &
	pid=$!
	LIVES+=("$pid")
	sleep 3
	watch "$key" "$pid" "$SECONDS_IDLE"
	kill "$pid"
	wait "$pid" 2>/dev/null
}

# full KEY COMMAND...: in a terminal of 200 by 50
full() {
	local key=$1 pid
	shift
	TERM=xterm-256color tmux -L "bench-$$" -f /dev/null new-session -d -x 200 -y 50 "exec $*"
	sleep 3
	pid=$(tmux -L "bench-$$" list-panes -F '#{pane_pid}') || die "$1 did not start"
	watch "$key" "$pid" "$SECONDS_IDLE"
	tmux -L "bench-$$" kill-server
	sleep 0.3
}

bench_idle() {
	local i tool
	say "10,000 idle processes"
	idle_start 10000
	for ((i = 0; i < 3; i++)); do
		say "idle, $((i + 1)) of 3"
		batch batch "$TOOL" -b --cgroup "$GROUP" 1
		batch batch_top top -b -d 1
		batch batch_atop atop 1
		full full "$TOOL" --cgroup "$GROUP" 1
		full full_top top -d 1
		full full_htop htop -d 10
		full full_atop atop 1
	done
	idle_end
	for tool in top atop; do
		row "10,000 idle processes, 1 s, to /dev/null, ms of CPU a second" "$(median batch)" \
			"$(median "batch_$tool") $tool" "$(calc "$(median batch) / $(median "batch_$tool")")" \
			"<= 0.25" "$(judge "$(median batch) / $(median "batch_$tool") <= 0.25")"
	done
	for tool in top htop atop; do
		row "  the screen, 200x50" "$(median full)" "$(median "full_$tool") $tool" \
			"$(calc "$(median full) / $(median "full_$tool")")" "<= 0.25" \
			"$(judge "$(median full) / $(median "full_$tool") <= 0.25")"
	done
}

bench_memory() {
	local n=30000 pid
	PID_MAX=$(cat /proc/sys/kernel/pid_max)
	[ "$PID_MAX" -ge 65536 ] || { echo 65536 >/proc/sys/kernel/pid_max; } 2>/dev/null || n=28000
	say "$n idle processes"
	idle_start $n
	"$TOOL" -j --cgroup "$GROUP" 1 >/dev/null 2>&1 </dev/null &
	pid=$!
	LIVES+=("$pid")
	sleep 6
	note memory "$(awk '/^VmHWM/ { print $2 }' "/proc/$pid/status")"
	kill "$pid"
	wait "$pid" 2>/dev/null
	idle_end
	row "memory with $n processes, kB (VmHWM)" "$(median memory)" "" "" "< 65536" \
		"$(judge "$(median memory) < 65536")"
}

# ---- what the machine loses ----

tool_start() {
	local tries=0
	"$TOOL" -j -v --cgroup "$GROUP" 1 >/dev/null 2>"$T/err" </dev/null &
	LIVES=($!)
	until grep -qx ready "$T/err"; do
		[ $((tries++)) -lt 500 ] || die "$(cat "$T/err")"
		sleep 0.02
	done
}

tool_end() {
	kill "${LIVES[0]}"
	wait "${LIVES[0]}"
	LIVES=()
}

# CPU time of a load on one processor, in the watched cgroup: what others do on this machine does not
# count. cost KEY COMMAND...
cost() {
	local key=$1
	shift
	note "$key" "$("$T/$STORM" enter "$GROUP/cgroup.procs" taskset -c 0 "$T/$STORM" cost "$@")"
}

# Fork, exec and exit of true.
spawns() {
	# shellcheck disable=SC2016
	cost "$1" sh -c 'i=0; while [ $i -lt 2000 ]; do /bin/true; i=$((i + 1)); done'
}

switches() {
	cost "$1" "$T/$STORM" switch 200000
}

# loss ON OFF: percent of CPU time more, median of the pairs
loss() {
	paste "$T/note.$1" "$T/note.$2" | awk '{ print ($1 / $2 - 1) * 100 }' | sort -g |
		awk '{ v[NR] = $1 } END { printf "%.2f", NR % 2 ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2 }'
}

bench_overhead() {
	local i
	for ((i = 0; i < 2 * RUNS; i++)); do
		say "overhead, $((i + 1)) of $((2 * RUNS))"
		switches switch_off
		spawns spawn_off
		tool_start
		switches switch_on
		spawns spawn_on
		tool_end
	done
	row "200,000 round trips by pipe, ms of CPU time" "$(median switch_on)" \
		"$(median switch_off) off" "loss $(loss switch_on switch_off) %" "< 1 %" \
		"$(judge "$(loss switch_on switch_off) < 1")"
	row "2,000 times fork, exec and exit of true, ms of CPU time" "$(median spawn_on)" \
		"$(median spawn_off) off" "loss $(loss spawn_on spawn_off) %" "<= 5 %" \
		"$(judge "$(loss spawn_on spawn_off) <= 5")"
}

begin
for group in "${@:-all}"; do
	case $group in
	all) bench_exact && bench_idle && bench_memory && bench_overhead ;;
	exact | idle | memory | overhead) "bench_$group" ;;
	*) die "no group $group: exact idle memory overhead" ;;
	esac
done
echo "$("$TOOL" --version), $(uname -sr), $(nproc) processors"
echo "what|proctop|peer|ratio|aim|met" | cat - "$T/table" | awk -F '|' '
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
