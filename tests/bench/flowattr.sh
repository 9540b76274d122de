#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# What flowattr costs, beside tcpdump and nethogs, and off; what 10,000 flows cost it; and whether it
# knows processes that live for a millisecond. Medians of RUNS interleaved runs, in a network namespace
# of its own. Run as root; takes some minutes.
#   flowattr.sh [GROUP...]   all, or some of: overhead live clients packets many bulk
# shellcheck disable=SC2015

set -u
BENCH=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
BUILD=$(realpath -m "${BUILD:-$BENCH/../../build}")
TOOL=$BUILD/flowattr
NAME=flowattr-traffic-generator # longer than comm holds
RUNS=${RUNS:-7}
CLIENTS=${CLIENTS:-5000}
SECONDS_LIVE=${SECONDS_LIVE:-10}
TOOL_PID='' HOLD_PID=''
export LC_ALL=C

die() {
	echo "bench: $*" >&2
	exit 1
}

say() {
	echo "# $*" >&2
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
	[ -x "$TOOL" ] && [ -x "$BUILD/tests/clients" ] || die "nothing in $BUILD: build it first"
	command -v tcpdump >/dev/null || die "no tcpdump"
	T=$(mktemp -d) && NS=bench-$$ || die "mktemp"
	INSIDE=(nsenter --net="/run/netns/$NS" --)
	trap clean EXIT
	trap 'exit 1' INT TERM HUP
	cp "$BUILD/tests/traffic" "$T/$NAME" && cp "$BUILD/tests/clients" "$T/$NAME-udp" &&
		mkdir "$T/m" || die "cannot set up $T"
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
	sort -g "$T/m/$1" | awk '{ v[NR] = $1 } END { printf "%.10g", (v[int((NR + 1) / 2)] + v[int(NR / 2) + 1]) / 2 }'
}

# loss ON OFF: how much less it is, in percent: the median of the pairs
loss() {
	paste "$T/m/$1" "$T/m/$2" | awk '{ print (1 - $1 / $2) * 100 }' >"$T/m/loss"
	median loss
}

# spread KEY: of the middle half of the runs, in percent of their median
spread() {
	sort -g "$T/m/$1" | awk -v median="$(median "$1")" '{ v[NR] = $1 } END {
		printf "%.1f", (v[NR + 1 - int((NR + 3) / 4)] - v[int((NR + 3) / 4)]) / median * 100 }'
}

# judge CONDITION
judge() {
	awk "BEGIN { print ($1) ? \"met\" : \"NOT MET\" }"
}

# ---- a tool in the background ----

# start READY-LINE COMMAND...: until it says so on stderr; "": two seconds
start() {
	local line=$1 tries=0
	shift
	: >"$T/err" # before somebody looks for the line there
	"${INSIDE[@]}" "$@" >"${OUTPUT:-/dev/null}" 2>"$T/err" </dev/null &
	TOOL_PID=$!
	until [ -z "$line" ] || grep -q "$line" "$T/err"; do
		[ $((tries++)) -lt 500 ] && [ -e "/proc/$TOOL_PID" ] ||
			die "$* does not get ready: $(cat "$T/err")"
		sleep 0.02
	done
	sleep "$([ -z "$line" ] && echo 2 || echo 0.1)"
	[ -e "/proc/$TOOL_PID" ] || die "$* has ended: $(cat "$T/err")"
}

end() {
	kill -TERM "$TOOL_PID"
	wait "$TOOL_PID" 2>/dev/null
	TOOL_PID=''
}

# flowattr [OPTION...]: the whole namespace
flowattr() {
	start '^ready$' "$TOOL" -v --netns "/run/netns/$NS" "$@" 1
}

# Does nethogs run here, with nobody at the keyboard?
try_nethogs() {
	command -v nethogs >/dev/null || return
	: >"$T/nethogs"
	"${INSIDE[@]}" timeout 4 nethogs -t -C -a >"$T/nethogs" 2>&1 </dev/null
	[ $? -eq 124 ] && grep -q Refreshing "$T/nethogs"
}

# ---- what the traffic loses ----

# loads_tcp KEY
loads_tcp() {
	local what
	for what in stream ping connect; do
		note "$1_$what" "$("${INSIDE[@]}" "$BUILD/tests/load" -c $what)"
	done
}

# loads KEY
loads() {
	local what
	loads_tcp "$1"
	for what in ping connected; do
		note "$1_udp_$what" "$("${INSIDE[@]}" "$BUILD/tests/datagram-load" $what)"
	done
}

# beside LOADS KEY COMMAND...: without and, right behind that, with what COMMAND starts
beside() {
	local loads=$1 key=$2
	shift 2
	"$loads" "off-$key"
	"$@"
	"$loads" "$key"
	end
}

# cell TOOL WHAT: percent, if that was measured
cell() {
	if [ -e "$T/m/$1_$2" ]; then
		printf '%.1f%%' "$(loss "$1_$2" "off-$1_$2")"
	else
		echo -
	fi
}

# row_loss WHAT TEXT AIM
row_loss() {
	cat "$T/m/off-"*"_$1" >"$T/m/off"
	printf '%-32s %9.0f %6s%% %9s %12s %8s %8s  %-6s %s\n' "$2" "$(median off)" "$(spread off)" \
		"$(cell flowattr "$1")" "$(cell only "$1")" "$(cell tcpdump "$1")" \
		"$(cell nethogs "$1")" "$3" "$(judge "$(loss "flowattr_$1" "off-flowattr_$1") $3")"
}

bench_overhead() {
	local i NETHOGS=''
	try_nethogs && NETHOGS=1
	for ((i = 0; i < RUNS; i++)); do
		say "overhead, $((i + 1)) of $RUNS"
		beside loads flowattr flowattr
		beside loads_tcp only flowattr --proto tcp
		beside loads tcpdump start 'listening on' tcpdump -Z root -i lo -w /dev/null
		[ -z "$NETHOGS" ] || beside loads nethogs start '' nethogs -t -C -a
	done
	echo "less work in the CPU time of client and server, on one processor, over loopback; medians of $RUNS"
	[ -n "$NETHOGS" ] || echo "nethogs does not run here: $(tail -n 1 "$T/nethogs" 2>/dev/null)"
	printf '%-32s %9s %7s %9s %12s %8s %8s  %s\n' "" off spread flowattr "--proto tcp" tcpdump \
		nethogs aim
	row_loss stream "TCP stream, 64 KB writes, MB/s" "< 1"
	row_loss ping "TCP ping-pong, 64 bytes, /s" "< 1"
	row_loss connect "TCP connect and close, /s" "< 1"
	row_loss udp_ping "UDP ping-pong, 64 bytes, /s" "<= 10"
	row_loss udp_connected "  connected" "<= 10"
}

# ---- 10,000 ends of connections ----

# hold [talk]
hold() {
	local tries=0
	: >"$T/hold"
	"${INSIDE[@]}" "$BUILD/tests/hold" 50 100 "$@" >"$T/hold" </dev/null &
	HOLD_PID=$!
	until grep -qx ready "$T/hold"; do
		[ $((tries++)) -lt 1500 ] && [ -e "/proc/$HOLD_PID" ] || die "no connections to watch"
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

# cpu PID: ns that it has used
cpu() {
	awk '{ print $1 }' "/proc/$1/schedstat"
}

# watch KEY OPTION...: percent of a core
watch() {
	local key=$1 used from
	shift
	flowattr "$@"
	sleep 2
	used=$(cpu "$TOOL_PID") from=${EPOCHREALTIME/./}
	sleep "$SECONDS_LIVE"
	note "$key" "$(awk "BEGIN { print ($(cpu "$TOOL_PID") - $used) / (${EPOCHREALTIME/./} - $from) / 10 }")"
	note memory "$(awk '/^VmHWM/ { print $2 }' "/proc/$TOOL_PID/status")"
	end
}

bench_live() {
	local i how key
	for how in silent talk; do
		say "10,000 flows, $how"
		if [ $how = talk ]; then hold talk; else hold; fi
		for ((i = 0; i < 3; i++)); do
			watch "${how}_json" -j
			watch "${how}_table" -b
			watch "${how}_fields" -j -F type,pid,name,laddr,lport,raddr,rport,tx_bytes,rx_bytes
		done
		hold_end
	done
	echo "10,000 flows, every second, to /dev/null: percent of a core; memory $(sort -g "$T/m/memory" |
		tail -n 1) kB"
	for key in "silent_json:-j, no traffic" "silent_table:table, no traffic" \
		"talk_json:-j, traffic on all" "talk_table:table, traffic on all" \
		"talk_fields:-j with nine fields, traffic on all"; do
		printf '%-36s %10.1f  (%.1f-%.1f)  <= 3  %s\n' "${key#*:}" "$(median "${key%%:*}")" \
			"$(sort -g "$T/m/${key%%:*}" | head -n 1)" \
			"$(sort -g "$T/m/${key%%:*}" | tail -n 1)" \
			"$(judge "$(median "${key%%:*}") <= 3")"
	done
}

# ---- processes that live for a millisecond ----

# compare KIND: clients in $T/clients whose flow names the right process
compare() {
	local right
	sort -o "$T/clients" "$T/clients"
	jq -r 'select(.type == "flow" and .direction == "out") | "\(.pid) \(.lport) \(.name)"' "$T/out" |
		sort -u >"$T/flows"
	right=$(comm -12 "$T/clients" "$T/flows" | wc -l)
	note "$1_right" "$(awk "BEGIN { print $right * 100 / $CLIENTS }")"
	note "$1_wrong" "$(comm -13 "$T/clients" "$T/flows" | wc -l)"
}

# share KIND WANTED RECEIVED COMMAND...: packets in a file that name both processes, percent, of so
# many that COMMAND's log ($T/log) is of; clients of which anything WANTED is missing
share() {
	local kind=$1 wanted=$2 received=$3 counts
	shift 3
	: >"$T/log"
	"${INSIDE[@]}" timeout 300 "$TOOL" -w "$T/file" ${received:+-Q in} -- "$@" \
		>>"$T/log" 2>"$T/err" </dev/null || die "$kind: $(cat "$T/err")"
	"$TOOL" -r "$T/file" -j | jq -r -f "$BENCH/../e2e/clients.jq" >"$T/table"
	awk -v wanted="$wanted" -v received="$received" -f "$BENCH/../e2e/clients.awk" "$T/log" "$T/table" \
		>"$T/counts"
	read -ra counts <"$T/counts"
	[ "${counts[0]}" -gt 0 ] || die "$kind: no packets"
	note "$kind" "$(awk "BEGIN { print ${counts[1]} * 100 / ${counts[0]} }")"
	note "${kind}_missing" $((CLIENTS - counts[3]))
	rm "$T/file"
}

bench_packets() {
	local i way tcp="c:[S] s:[S.] c:[F.] s:[F.]"
	for ((i = 0; i < RUNS; i++)); do
		say "$CLIENTS clients, packets, $((i + 1)) of $RUNS"
		for way in "" 1; do
			share "tcp_out$way" "$tcp" "$way" "$T/$NAME" -4 burst "$CLIENTS" 8
			share "udp_out$way" c:UDP "$way" "$T/$NAME-udp" "$CLIENTS" 8
		done
	done
	for way in "tcp_out:tcp clients, sent" "tcp_out1:tcp clients, received" \
		"udp_out:udp clients, sent" "udp_out1:udp clients, received"; do
		echo "$CLIENTS ${way#*:} packets in a file: right processes at both ends, percent (worst of" \
			"$RUNS runs) $(sort -g "$T/m/${way%%:*}" | head -n 1); clients not seen from SYN to FIN" \
			"$(sort -g "$T/m/${way%%:*}_missing" | tail -n 1); aim 100, 0:" \
			"$(judge "$(sort -g "$T/m/${way%%:*}" | head -n 1) == 100 &&
				$(sort -g "$T/m/${way%%:*}_missing" | tail -n 1) == 0")"
	done
}

bench_clients() {
	local i kind
	for ((i = 0; i < RUNS; i++)); do
		say "$CLIENTS clients, $((i + 1)) of $RUNS"
		OUTPUT=$T/out flowattr -j
		: >"$T/log"
		"${INSIDE[@]}" timeout 300 "$T/$NAME" -4 burst "$CLIENTS" 8 >>"$T/log" 2>"$T/burst.err" </dev/null ||
			die "TCP clients: $(cat "$T/burst.err")"
		sleep 1
		end
		awk -v name="$NAME" '$1 == "connect" { print $2, $3, name }' "$T/log" >"$T/clients"
		compare tcp
		OUTPUT=$T/out flowattr -j
		: >"$T/log"
		"${INSIDE[@]}" timeout 300 "$T/$NAME-udp" "$CLIENTS" 8 >>"$T/log" 2>"$T/burst.err" </dev/null ||
			die "UDP clients: $(cat "$T/burst.err")"
		sleep 1
		end
		awk -v name="$NAME-udp" '$1 == "connect" { print $2, $3, name }' "$T/log" >"$T/clients"
		compare udp
	done
	for kind in tcp udp; do
		echo "$CLIENTS $kind clients of a millisecond: right process, percent (worst of $RUNS runs)" \
			"$(sort -g "$T/m/${kind}_right" | head -n 1); wrong rows" \
			"$(sort -g "$T/m/${kind}_wrong" | tail -n 1); aim 100, 0:" \
			"$(judge "$(sort -g "$T/m/${kind}_right" | head -n 1) == 100 &&
				$(sort -g "$T/m/${kind}_wrong" | tail -n 1) == 0")"
	done
}

# ---- bulk traffic into a file ----

# bulk KEY READY-LINE COMMAND...: percent of the packets that it loses, of a second's stream
bulk() {
	local key=$1 lost seen
	start "$2" "${@:3}"
	note "${key}_rate" "$("${INSIDE[@]}" "$BUILD/tests/load" stream)"
	sleep 0.5
	kill -TERM "$TOOL_PID"
	wait "$TOOL_PID" 2>/dev/null
	TOOL_PID=''
	lost=$(sed -n 's/^packets: .* owner, \([0-9]*\) lost.*/\1/p; s/^\([0-9]*\) packets dropped by kernel/\1/p' "$T/err")
	seen=$(sed -n 's/^packets: .* \([0-9]*\) seen$/\1/p; s/^\([0-9]*\) packets captured/\1/p' "$T/err")
	note "$key" "$(awk "BEGIN { print $lost * 100 / ($lost + $seen) }")"
	rm -f "$T/file"
}

bench_bulk() {
	local i key where
	for ((i = 0; i < RUNS; i++)); do
		say "bulk, $((i + 1)) of $RUNS"
		for where in "$T/file" /dev/null; do
			bulk "flowattr_${where##*/}" '^ready$' "$TOOL" -v --stats --netns "/run/netns/$NS" \
				-i lo -w "$where"
			bulk "tcpdump_${where##*/}" 'listening on' tcpdump -Z root -i lo -w "$where"
		done
	done
	for key in flowattr_file tcpdump_file flowattr_null tcpdump_null; do
		echo "TCP stream on loopback, whole packets, ${key/_/ -w }: $(median "$key")% lost" \
			"($(sort -g "$T/m/$key" | head -n 1)-$(sort -g "$T/m/$key" | tail -n 1))," \
			"at $(median "${key}_rate") MB/s; medians of $RUNS"
	done
}

# ---- a million flows ----

# many TEXT INTERVAL PROGRAM ARG...: flows, bytes in lines and in totals, memory
many() {
	local text=$1 interval=$2 memory
	shift 2
	OUTPUT=$T/out start '^ready$' "$TOOL" -v --stats --netns "/run/netns/$NS" -j \
		-F type,flows,tx_bytes,count "$interval"
	"${INSIDE[@]}" timeout 300 "$@" >"$T/log" 2>"$T/burst.err" </dev/null || die "$text: $(cat "$T/burst.err")"
	sleep 2
	memory=$(awk '/^VmHWM/ { print $2 }' "/proc/$TOOL_PID/status")
	end
	jq -rn --arg text "$text" --arg memory "$memory" 'reduce (inputs | select(.type)) as $r ({};
		if $r.type == "total" then .total += $r.tx_bytes | .intervals += 1
		elif $r.type == "lost" then .lost += $r.count
		else .lines += $r.tx_bytes | .n += 1 | if $r.type == "others" then .others += $r.flows else . end end) |
		"\($text), in \(.intervals) intervals: \(.lines) bytes in \(.n) lines, \(.others // 0) flows of them in (others), \(.total) in the totals, \(.lost // 0) lost; VmHWM \($memory) kB"' \
		"$T/out"
}

bench_many() {
	local text
	cp "$BUILD/tests/datagram" "$T/$NAME-datagram"
	text="1,000,000 UDP flows of a byte each"
	many "$text" 1 "$T/$NAME-datagram" -4 burst 1000000
	many "$text to one port" 1 "$T/$NAME-datagram" -4 burst 1000000 53
	many "$text" 300 "$T/$NAME-datagram" -4 burst 1000000
	many "250,000 TCP connections" 300 "$T/$NAME-udp" tcp 250000
	echo "  of these, what the generator says: $(cat "$T/log")"
}

begin
echo "$("$TOOL" --version), $(uname -sr), $(nproc) processors"
for group in "${@:-all}"; do
	case $group in
	all) bench_overhead && bench_live && bench_clients && bench_packets &&
		bench_many && bench_bulk ;;
	overhead | live | clients | packets | many | bulk) "bench_$group" ;;
	*) die "no group $group: overhead live clients packets many bulk" ;;
	esac
done
