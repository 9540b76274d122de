#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# What it costs UDP that connsnoop watches, beside what tcpdump costs; what it costs TCP; and 200,000
# flows in a burst. Medians of RUNS interleaved runs in a network namespace of its own. Run as root.
# shellcheck disable=SC2015

set -u
BENCH=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
BUILD=$(realpath -m "${BUILD:-$BENCH/../../build}")
RUNS=${RUNS:-7}
FLOWS=200000
TOOL_PID=''
export LC_ALL=C

die() {
	echo "bench: $*" >&2
	exit 1
}

clean() {
	[ -z "$TOOL_PID" ] || kill -KILL "$TOOL_PID" 2>/dev/null
	wait 2>/dev/null
	ip netns del "$NS" 2>/dev/null
	rm -rf "$T"
}

# start READY-LINE COMMAND...: in the background, until it says so on stderr
start() {
	local line=$1 tries=0
	shift
	: >"$T/err" # before somebody looks for the line there
	"${INSIDE[@]}" "$@" >"$T/out" 2>"$T/err" </dev/null &
	TOOL_PID=$!
	until grep -q "$line" "$T/err"; do
		[ $((tries++)) -lt 500 ] || die "$* does not get ready: $(cat "$T/err")"
		sleep 0.02
	done
	sleep 0.1
}

end() {
	kill -TERM "$TOOL_PID"
	wait "$TOOL_PID"
	TOOL_PID=''
}

connsnoop() {
	start '^ready$' "$BUILD/connsnoop" -v -j --netns "/run/netns/$NS" "$@"
}

# measure KEY PROGRAM ARG...
measure() {
	local key=$1
	shift
	"${INSIDE[@]}" "$BUILD/tests/$1" "${@:2}" >>"$T/$key" || die "$*"
}

median() {
	sort -g "$T/$1" | awk '{ v[NR] = $1 } END { print (v[int((NR + 1) / 2)] + v[int(NR / 2) + 1]) / 2 }'
}

# loss ON OFF: how the number changes: the median of the pairs, in percent
loss() {
	paste "$T/$1" "$T/$2" | awk '{ print ($1 / $2 - 1) * 100 }' >"$T/loss"
	printf '%.1f' "$(median loss)"
}

[ "$(id -u)" -eq 0 ] || die "needs root"
command -v tcpdump >/dev/null || die "no tcpdump"
T=$(mktemp -d) && NS=bench-$$ || die "mktemp"
INSIDE=(nsenter --net="/run/netns/$NS" --)
trap clean EXIT
trap 'exit 1' INT TERM HUP
ip netns add "$NS" && ip -n "$NS" link set lo up || die "cannot make a network namespace"

for ((i = 0; i < RUNS; i++)); do
	echo "# $((i + 1)) of $RUNS" >&2
	for what in ping connected oneway; do
		measure "off_$what" datagram-load $what
	done
	measure off_tcp load -1 ping
	connsnoop
	for what in ping connected oneway; do
		measure "on_$what" datagram-load $what
	done
	measure on_tcp load -1 ping
	end
	connsnoop --proto tcp
	measure only_tcp load -1 ping
	end
	start 'listening on' tcpdump -Z root -i lo -w /dev/null udp
	for what in ping connected oneway; do
		measure "tcpdump_$what" datagram-load $what
	done
	end
done

echo "$("$BUILD/connsnoop" --version), $(uname -sr), $(nproc) processors; medians of $RUNS interleaved runs"
printf '%-44s %10s %10s %10s\n' "what, on one processor" off "connsnoop" "tcpdump"
for what in "ping:UDP ping-pong, 64 bytes, round trips/s" "connected:  connected" \
	"oneway:UDP one way, 1400 bytes, datagrams/s"; do
	key=${what%%:*}
	printf '%-44s %10.0f %+9.1f%% %+9.1f%%\n' "${what#*:}" "$(median "off_$key")" \
		"$(loss "on_$key" "off_$key")" "$(loss "tcpdump_$key" "off_$key")"
done
printf '%-44s %10.0f %+9.1f%%\n' "TCP ping-pong, 64 bytes, round trips/s" "$(median off_tcp)" \
	"$(loss on_tcp off_tcp)"
printf '%-44s %10s %+9.1f%%\n' "  with --proto tcp" "" "$(loss only_tcp off_tcp)"

connsnoop --stats
"${INSIDE[@]}" "$BUILD/tests/datagram" burst $FLOWS || die "burst"
sleep 1
memory=$(awk '/VmHWM/ { print $2 }' "/proc/$TOOL_PID/status")
maps=$(for fd in "/proc/$TOOL_PID/fdinfo/"*; do
	awk '/^map_id:/ { id = $2 } /^memlock:/ { bytes = $2 } END { if (id) print id, bytes }' "$fd"
done | sort -u | awk '{ sum += $2 } END { print int(sum / 1024) }')
end
told=$(grep -c '^{"type":"flow"' "$T/out")
closed=$(grep -c '^{"type":"close"' "$T/out")
lost=$(jq -s 'map(select(.type == "lost").count) | add // 0' "$T/out")
echo "$FLOWS flows in a burst: $told told, $closed closed, $lost records lost;" \
	"memory: VmHWM $memory kB, BPF maps $maps kB"
grep '^flows:' "$T/err"
[ "$told" -eq "$FLOWS" ] || [ $((told + closed + lost)) -ge "$FLOWS" ]
