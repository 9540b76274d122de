#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# flowattr's packets through what stands between a process and the wire: VLAN, VXLAN, GRE, IP in IP,
# and a router. On every device they are the process's, with the right length, in lines as in files;
# --reconcile accounts for the device at the bottom.

# shellcheck source-path=SCRIPTDIR source=lib.sh disable=SC2015,SC2016,SC2086,SC2317
. "$(dirname "$0")/lib.sh"
TOOL=$BUILD/flowattr
NS3=e2e-$$-c
FILE=
e2e_begin
trap 'ip netns del "$NS3" 2>/dev/null; e2e_clean' EXIT
[ -x "$BUILD/tests/pcapng_check" ] || bail "no $BUILD/tests/pcapng_check"
FILE=$T/packets.pcapng

# Devices on top of the veth, as tunnels.jq has them; 10.N.0.1 on this side, 10.N.0.2 on the other.
KINDS=()

# device NAME N BYTES PROTO OPTION...: "local" and "remote" in OPTIONs get the veth's addresses
device() {
	local name=$1 n=$2 bytes=$3 proto=$4 end options
	shift 4
	for end in 1 2; do
		options=" $* "
		options=${options/ local / local 10.99.0.$end }
		options=${options/ remote / remote 10.99.0.$((3 - end)) }
		set -- "$@"
		if ! ip -n "${SIDES[end]}" link add "$name" $options 2>/dev/null; then
			skip "$name" "this kernel has no such device"
			return
		fi
		ip -n "${SIDES[end]}" addr add "10.$n.0.$end/24" dev "$name" &&
			ip -n "${SIDES[end]}" link set "$name" up || bail "cannot set up $name"
	done
	KINDS+=("[\"$name\", \"$n\", $bytes, \"$proto\"]")
}

# nothing but what the test sends: no neighbours that are asked for, no routers
quiet() {
	local end
	for end in 1 2; do
		ip -n "${SIDES[end]}" link set vxlan7 address 02:00:00:00:07:0$end &&
			ip -n "${SIDES[end]}" neigh add 10.71.0.$((3 - end)) \
				lladdr 02:00:00:00:07:0$((3 - end)) dev vxlan7
	done
}

SIDES=('' "$NS" "$NS2")
for side in "$NS" "$NS2"; do
	nsenter --net="/run/netns/$side" sysctl -qw net.ipv6.conf.default.disable_ipv6=1
done
device vxlan7 71 50 udp type vxlan id 7 dstport 4789 local remote
[ ${#KINDS[@]} -eq 0 ] || quiet
device gre7 72 38 gre type gre local remote
device ipip7 73 34 ipip type ipip local remote
device vlan7 74 4 tcp link veth0 type vlan id 7
KINDS_JSON="[$(IFS=, && echo "${KINDS[*]}")]"

# What the tool runs: traffic through each of them; the log is $T/expected
NUMBERS=$(jq -r 'map(.[1]) | join(" ")' <<<"$KINDS_JSON")
THROUGH=(bash -c 'exec >"$1"
	for n in $3; do "$0" -4 two-netns "$2" "10.$n.0.2" || exit; done' \
	"$T/$NAME" "$T/expected" "/run/netns/$NS2" "$NUMBERS")

# good BARE: are the packets of $T/out as they should be? What is wrong goes to $T/problems.
good() {
	jq -rn --argjson kinds "$KINDS_JSON" --argjson bare "$1" --slurpfile expected "$T/expected" \
		--slurpfile actual "$T/out" -f "$E2E/tunnels.jq" >"$T/problems" 2>&1
	[ ! -s "$T/problems" ]
}

if [ ${#KINDS[@]} -gt 0 ]; then
	# as scenario() of lib.sh; where a CPU is emulated, who accepts is often not known within 100 ms
	for try in 1 2 3 ${KERNEL:+4 5 6 7}; do
		: >"$T/expected"
		tool_run --packets -j -- "${THROUGH[@]}"
		good false
		status=$?
		[ $status -ne 0 ] || break
		head -n 5 "$T/problems" | diag
	done
	matched $status "lines: the process's on each device and below it, and as long as they should be"
	for try in 1 2 3; do
		: >"$T/expected"
		tool_run -w "$FILE" -- "${THROUGH[@]}"
		"$BUILD/tests/pcapng_check" "$FILE" >"$T/blocks" 2>"$T/problems" &&
			"$TOOL" -r "$FILE" -j >"$T/out" 2>"$T/problems" && good true
		status=$?
		[ $status -ne 0 ] && [ "$try" -lt 3 ] || break
		head -n 5 "$T/problems" | diag
	done
	matched $status "a file: the same"
fi

# ---- a router ----

ROUTER=(nsenter --net="/run/netns/$NS2" --)
ip netns add "$NS3" && ip -n "$NS3" link set lo up &&
	ip -n "$NS2" link add veth1 type veth peer name veth0 netns "$NS3" &&
	ip -n "$NS2" addr add 10.76.0.1/24 dev veth1 && ip -n "$NS3" addr add 10.76.0.2/24 dev veth0 &&
	ip -n "$NS2" link set veth1 up && ip -n "$NS3" link set veth0 up &&
	ip -n "$NS" route add 10.76.0.0/24 via 10.99.0.2 &&
	ip -n "$NS3" route add default via 10.76.0.1 &&
	"${ROUTER[@]}" sysctl -qw net.ipv4.ip_forward=1 || bail "cannot make a router"

tool_start --packets --netns "/run/netns/$NS2"
: >"$T/expected"
traffic -4 two-netns "/run/netns/$NS3" 10.76.0.2
sleep 0.3
tool_wait INT
# each packet of the connection: in by one veth, out by the other, no shorter and no longer; a FIN
# and an ACK that two CPUs send at once may overtake each other between them
passed='map(select(.type == "packet" and .proto == "tcp")) |
	map({way: "\(.direction) \(.iface)", length, text}) | group_by(.way) |
	map({key: .[0].way, value: map([.length, .text]) | sort}) | from_entries'
is "$(jq -s "$passed"' | [(.["in veth0"] == .["out veth1"]), (.["in veth1"] == .["out veth0"]),
	(.["in veth0"] | length > 4), (.["in veth1"] | length > 3), length]' -c "$T/out")" \
	"[true,true,true,true,4]" "a router: each packet on both its veths, and the same"
is "$(jq -s 'map(select(.direction == "out" and .proto == "tcp").owner) | unique | join(" ")' -r "$T/out")" \
	forwarded "a router: what goes out is forwarded"

# ---- --reconcile: loopback and veth to the byte; other devices as they count ----

# of all totals in $T/out
residual() {
	jq -s 'map(select(.type == "total").residual_bytes) | add' "$T/out"
}
tool_run --reconcile -i veth0 -j -- "${THROUGH[@]}"
is "$(residual)" 0 "--reconcile: a veth with tunnels on top"
tool_run --reconcile -j -- "${THROUGH[@]}"
is "$(jq -s 'map(select(.type == "total")) |
	(map(.interface_tx_bytes + .interface_rx_bytes - .residual_bytes) | add) ==
	(map(.attributed + .kernel + .forwarded + .no_socket + .unattributed) | add)' "$T/out")" true \
	"--reconcile: what tunnels count otherwise is said"
echo "# $(residual) bytes"
"${ROUTER[@]}" timeout -k 2 30 "$TOOL" --reconcile -j -- "${INSIDE[@]}" "$T/$NAME" -4 two-netns \
	"/run/netns/$NS3" 10.76.0.2 >"$T/out" 2>"$T/err" </dev/null
grep '^{"type":"total"' "$T/out" >"$T/totals"
is "$(jq -s '(map(.residual_bytes) | add) == 0 and (map(.forwarded) | add) > 0' "$T/totals")" true \
	"--reconcile: a router: what it forwards"
e2e_end
