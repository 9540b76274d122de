# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2015,SC2034,SC2317
# What the end-to-end tests share: TAP, a network namespace of their own, the tool, the traffic
# generator, and the comparison of what the tool printed with what the generator expected.
# Source it, call e2e_begin, make tests, call e2e_end. All files live in $T; all is undone at exit.

set -u
E2E=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
BUILD=$(realpath -m "${BUILD:-$E2E/../../build}")
TOOL=$BUILD/connsnoop
NAME=connsnoop-traffic-generator # 27 characters: longer than comm holds
TESTS=0 FAILED=0
SEEN=0 # lines of $T/out that earlier tests have dealt with
TOOL_PID='' TRAFFIC_PID=''
COOKIES='' # true or false: does every record have one? Found out when it matters.
FORMAT=(-j) # of what tool_start has the tool print
LIVES=() # further processes to end
FAMILIES='-4 -6 -m' # of addresses: -m is IPv4 through IPv6 sockets
[ -z "${KERNEL:-}" ] || FAMILIES='-4 -6' # emulation is slow

# ---- TAP ----

bail() {
	echo "Bail out! $*"
	exit 1
}

diag() {
	sed 's/^/# /' >&2
}

# ok STATUS TEXT: passed if STATUS is 0
ok() {
	TESTS=$((TESTS + 1))
	if [ "$1" -eq 0 ]; then
		echo "ok $TESTS - $2"
	else
		FAILED=$((FAILED + 1))
		echo "not ok $TESTS - $2"
	fi
	return "$1"
}

skip() {
	TESTS=$((TESTS + 1))
	echo "ok $TESTS - $1 # SKIP $2"
}

# is GOT WANTED TEXT
is() {
	[ "$1" = "$2" ]
	ok $? "$3" && return
	printf 'got:    %s\nwanted: %s\n' "$1" "$2" | diag
	return 1
}

# like GOT EXTENDED-REGEX TEXT
like() {
	[[ $1 =~ $2 ]]
	ok $? "$3" && return
	printf 'got: %s\nnothing like: %s\n' "$1" "$2" | diag
	return 1
}

# ---- what the kernel offers ----

CAPABILITIES=$E2E/../vm/capabilities # the table; $KERNEL: of which of its kernels this is a machine

# promised CAPABILITY: the table's word, yes or no; nothing if it is not about this kernel
promised() {
	awk -v name="$1" -v kernel="${KERNEL:-}" '
		/^#/ || !NF { next }
		!header { for (header = 1; $header != kernel && header <= NF; header++) ; next }
		$1 == name { print $header }' "$CAPABILITIES"
}

# found CAPABILITY: is it here? Asks the tool, or the kernel for what only tests need.
found() {
	case $1 in
	memory_by_cgroup) ! grep -q ' bpf_map_charge_init$' /proc/kallsyms ;;
	nat) unshare -n nft 'table ip t { chain c { type nat hook postrouting priority 0; masquerade; }; }' ;;
	mptcp) [ -e /proc/sys/net/mptcp/enabled ] ;;
	sctp) "$BUILD/tests/datagram" sctp-known 2>/dev/null ;;
	cgroup_v1) grep -q '[[:space:]]cgroup$' /proc/filesystems ;;
	set_tid) grep -q '_sys_clone3$' /proc/kallsyms ;;
	io_uring)
		grep -q '_sys_io_uring_setup$' /proc/kallsyms &&
			! grep -qs '[12]' /proc/sys/kernel/io_uring_disabled
		;;
	*)
		"$BUILD/connsnoop" --features -j | jq -es --arg name "$1" \
			'any(.[]; .name == $name and .available)' >/dev/null
		;;
	esac
}

# has CAPABILITY: in a virtual machine as the table says (capabilities.sh holds that against what is
# found), elsewhere as found. If not, the reason for skipping is in $LACKS.
has() {
	local promise
	promise=$(promised "$1")
	LACKS="this kernel has no $1"
	case $promise in
	yes) return 0 ;;
	no) return 1 ;;
	*) found "$1" ;;
	esac
}

# ---- set-up and clean-up ----

e2e_clean() {
	local pid
	trap '' INT TERM HUP # once begun, to the end
	for pid in $TOOL_PID $TRAFFIC_PID "${LIVES[@]}"; do
		kill -CONT "$pid" 2>/dev/null
		kill -KILL "$pid" 2>/dev/null
	done
	for pid in $(ip netns pids "$NS" 2>/dev/null) $(ip netns pids "$NS2" 2>/dev/null); do
		kill -KILL "$pid" 2>/dev/null
	done
	wait 2>/dev/null
	ip netns del "$NS" 2>/dev/null
	ip netns del "$NS2" 2>/dev/null
	[ -n "${CGROUP:-}" ] && rmdir "$CGROUP" 2>/dev/null
	rm -rf "$T"
}

# A pair of namespaces, joined by a veth. In $NS: 10.99.0.9 and fd99::9 swallow all packets,
# 10.99.0.77 and fd99::77 are nobody's neighbours, 10.98.0.0/24 and fd98::/64 are unreachable by a
# route, and everything else outside has no route at all. In $NS2: 10.99.0.2 and fd99::2.
netns_new() {
	ip netns del "$NS" 2>/dev/null
	ip netns del "$NS2" 2>/dev/null
	ip netns add "$NS" && ip netns add "$NS2" &&
		ip -n "$NS" link set lo up && ip -n "$NS2" link set lo up &&
		ip -n "$NS" link add veth0 type veth peer name veth0 netns "$NS2" &&
		ip -n "$NS" addr add 10.99.0.1/24 dev veth0 &&
		ip -n "$NS" addr add fd99::1/64 dev veth0 nodad &&
		ip -n "$NS2" addr add 10.99.0.2/24 dev veth0 &&
		ip -n "$NS2" addr add fd99::2/64 dev veth0 nodad &&
		ip -n "$NS" link set veth0 up && ip -n "$NS2" link set veth0 up &&
		ip -n "$NS" neigh add 10.99.0.9 lladdr 02:00:00:00:00:09 dev veth0 &&
		ip -n "$NS" -6 neigh add fd99::9 lladdr 02:00:00:00:00:09 dev veth0 &&
		ip -n "$NS" route add unreachable 10.98.0.0/24 &&
		ip -n "$NS" -6 route add unreachable fd98::/64 &&
		"${INSIDE[@]}" sysctl -qw net.ipv4.tcp_fastopen=3 net.ipv4.neigh.veth0.mcast_solicit=1 \
			net.ipv4.neigh.veth0.retrans_time_ms=300 \
			net.ipv6.neigh.veth0.mcast_solicit=1 \
			net.ipv6.neigh.veth0.retrans_time_ms=300 ||
		bail "cannot make network namespaces"
	NETNS=$(stat -Lc %i "/run/netns/$NS")
}

e2e_begin() {
	if [ "$(id -u)" -ne 0 ]; then
		echo "1..0 # SKIP needs root"
		exit 0
	fi
	[ -x "$TOOL" ] || bail "no $TOOL: build it first, or set BUILD"
	[ -x "$BUILD/tests/traffic" ] || bail "no $BUILD/tests/traffic: build it first, or set BUILD"
	T=$(mktemp -d) || bail "mktemp"
	NS=e2e-$$-a NS2=e2e-$$-b
	# not `ip netns exec`: that hides the cgroup mounts
	INSIDE=(nsenter --net="/run/netns/$NS" --)
	trap e2e_clean EXIT
	trap 'exit 1' INT TERM HUP
	chmod 755 "$T"
	cp "$BUILD/tests/traffic" "$T/$NAME" && cp "$BUILD/tests/traffic" "$T/$NAME-heir" &&
		mkfifo "$T/tool.fifo" "$T/traffic.fifo" || bail "cannot set up $T"
	: >"$T/expected"
	netns_new
}

e2e_end() {
	echo "1..$TESTS"
	[ "$FAILED" -eq 0 ]
	exit
}

# wait_until SECONDS COMMAND...: tries until it succeeds. What is asked often starts no process where
# it can do without: starting one is what takes the time in an emulated machine.
wait_until() {
	local end=$((${EPOCHREALTIME/./} + $1 * 1000000)) nothing
	shift
	[ -p "$T/silence" ] || mkfifo "$T/silence"
	until "$@"; do
		[ "${EPOCHREALTIME/./}" -lt "$end" ] || return 1
		read -rt 0.03 nothing <>"$T/silence"
	done
	return 0
}

# says FILE LINE: has it such a line?
says() {
	local line
	while read -r line; do
		[ "$line" != "$2" ] || return 0
	done 2>/dev/null <"$1"
	return 1
}

# alive PID
alive() {
	local stat=''
	read -rd '' stat 2>/dev/null <"/proc/$1/stat"
	[ -n "$stat" ] && [[ ${stat##*)} != ' Z'* ]]
}

gone() {
	! alive "$1"
}

# ---- the tool ----

# tool_start OPTION...: JSON unless FORMAT says otherwise; returns when it is ready; its records go to $T/out, its stderr to $T/err.
tool_start() {
	cat "$T/tool.fifo" >"$T/out" & # a pipe: the tool flushes it at once
	CAT_PID=$!
	: >"$T/err"
	SEEN=0
	# bash has background commands ignore SIGINT
	"${INSIDE[@]}" env --default-signal=INT "$TOOL" "${FORMAT[@]}" \
		${BACKEND:+--backend="$BACKEND"} -v "$@" >"$T/tool.fifo" 2>"$T/err" &
	TOOL_PID=$!
	if ! wait_until 30 tool_ready_or_gone || ! says "$T/err" ready; then
		echo "the tool does not get ready: $TOOL ${FORMAT[*]} -v $*" | diag
		diag <"$T/err"
		return 1
	fi
}

tool_ready_or_gone() {
	says "$T/err" ready || gone "$TOOL_PID"
}

# tool_wait [SIGNAL]: sends it, waits for the end; status in $TOOL_STATUS
tool_wait() {
	[ $# -eq 0 ] || kill -"$1" "$TOOL_PID"
	if ! wait_until 15 gone "$TOOL_PID"; then
		echo "the tool does not end" | diag
		kill -KILL "$TOOL_PID"
	fi
	wait "$TOOL_PID"
	TOOL_STATUS=$?
	TOOL_PID=''
	[ -z "$CAT_PID" ] || wait "$CAT_PID"
}

# tool_run OPTION...: a run that ends by itself (10 s at most): $T/out, $T/err, $TOOL_STATUS
tool_run() {
	SEEN=0
	"${INSIDE[@]}" timeout -k 2 30 "$TOOL" ${BACKEND:+--backend="$BACKEND"} "$@" >"$T/out" 2>"$T/err" </dev/null
	TOOL_STATUS=$?
}

# ---- the generator ----

# traffic ARG...: to the end. What it expects is appended to $T/expected.
traffic() {
	"${INSIDE[@]}" timeout -k 2 60 "$T/$NAME" "$@" >>"$T/expected" 2>"$T/traffic.err" </dev/null ||
		{
			echo "generator: $*" | cat - "$T/traffic.err" | diag
			return 1
		}
}

# The same with phases: traffic_start ARG..., traffic_phase NAME, traffic_go, traffic_end.
traffic_start() {
	exec 7<>"$T/traffic.fifo"
	: >"$T/traffic.err"
	"${INSIDE[@]}" "$T/$NAME" "$@" >>"$T/expected" 2>"$T/traffic.err" <&7 &
	TRAFFIC_PID=$!
}

traffic_phase() {
	wait_until 10 traffic_in_phase_or_gone "$1" && says "$T/traffic.err" "phase $1" || {
		echo "generator does not reach phase $1" | cat - "$T/traffic.err" | diag
		return 1
	}
}

traffic_in_phase_or_gone() {
	says "$T/traffic.err" "phase $1" || gone "$TRAFFIC_PID"
}

traffic_go() {
	echo >&7
}

traffic_end() {
	local status
	wait "$TRAFFIC_PID"
	status=$?
	TRAFFIC_PID=''
	exec 7>&-
	[ $status -eq 0 ] || grep -v '^phase ' "$T/traffic.err" | diag
	return $status
}

# ---- comparing ----

RECORDS='connect accept listen flow close open lost' # types that count

# The lines since then, of the types that count; only whole ones.
records() {
	tail -n "+$((SEEN + 1))" "$T/out" | grep -E "\"type\":\"(${RECORDS// /|})\".*}\$"
}

have_records() {
	local line printed n=0 pattern="\"type\":\"(${RECORDS// /|})\".*}\$"
	mapfile -t -s "$SEEN" printed <"$T/out"
	for line in "${printed[@]}"; do
		[[ $line =~ $pattern ]] && n=$((n + 1))
	done
	[ "$n" -ge "$1" ]
}

# As many as are expected?
have_expected() {
	local expected
	mapfile -t expected <"$T/expected"
	have_records ${#expected[@]}
}

seen() {
	SEEN=$(wc -l <"$T/out")
	: >"$T/expected"
}

# have_record JQ-CONDITION: among the new ones
have_record() {
	records | jq -es "any(.[]; $1)" >/dev/null 2>&1
}

# matches: all of $T/expected, each once, nothing else; else $T/problems says what is wrong
matches() {
	[ -n "$COOKIES" ] || { has cookies && COOKIES=true || COOKIES=false; }
	tail -n "+$((SEEN + 1))" "$T/out" >"$T/actual"
	jq -rn --arg types "$RECORDS" --argjson cookies $COOKIES --slurpfile expected "$T/expected" \
		--slurpfile actual "$T/actual" -f "$E2E/match.jq" >"$T/problems" 2>&1
	[ ! -s "$T/problems" ]
}

# compare TEXT: the same as a test
compare() {
	matches
	matched $? "$1"
}

# matched STATUS TEXT: what matches() has found, as a test
matched() {
	ok "$1" "$2" || head -n 40 "$T/problems" | diag
}

# settle TEXT: waits for as many records as are expected, compares, begins anew
settle() {
	wait_until 4 have_expected
	compare "$1"
	seen
}

# scenario TEXT ARG...: with the tool running: traffic, then settle. Up to three times: a kernel may keep
# BPF programs from the packets that it handles in the context of certain processes (about one event
# in 20,000 where this was written; ftrace sees them, no program runs). What is wrong in the tool is
# wrong each time.
scenario() {
	local text=$1 try status
	shift
	for try in 1 2 3; do
		traffic "$@" || {
			ok 1 "$text"
			seen
			return
		}
		wait_until 4 have_expected
		matches
		status=$?
		[ $status -ne 0 ] && [ "$try" -lt 3 ] || break
		echo "# $text: once more, an event may have been kept from the tool:"
		head -n 5 "$T/problems" | diag
		sleep 0.3 # what is late does not belong to the next try
		seen
	done
	matched $status "$text"
	seen
}
