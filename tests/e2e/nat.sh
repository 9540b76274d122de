#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# flowattr where addresses are translated: client - router - server, each in a network namespace of its
# own, nftables in the router. Both ends of a flow are joined whatever they call each other; what
# passes the router is forwarded, from whom and to whom.

# shellcheck source-path=SCRIPTDIR source=lib.sh disable=SC2015,SC2016,SC2317
. "$(dirname "$0")/lib.sh"
TOOL=$BUILD/flowattr
e2e_begin
has nat || {
	echo "1..0 # SKIP $LACKS"
	exit 0
}
NS3=e2e-$$-c
nat_clean() {
	ip netns del "$NS3" 2>/dev/null
	e2e_clean
}
trap nat_clean EXIT
cp "$BUILD/tests/nat" "$T/$NAME-nat" || bail "no $BUILD/tests/nat"

# $NS is the router: 10.99.0.1 to the server $NS2; 10.97.0.1, on a bridge as Docker has it, to the
# client $NS3
ip netns add "$NS3" &&
	ip -n "$NS3" link add veth0 type veth peer name veth1 netns "$NS" &&
	ip -n "$NS3" link set lo up &&
	ip -n "$NS3" addr add 10.97.0.2/24 dev veth0 &&
	ip -n "$NS3" addr add fd97::2/64 dev veth0 nodad &&
	ip -n "$NS" link add br0 type bridge &&
	ip -n "$NS" addr add 10.97.0.1/24 dev br0 &&
	ip -n "$NS" addr add fd97::1/64 dev br0 nodad &&
	ip -n "$NS" link set veth1 master br0 up && ip -n "$NS" link set br0 up &&
	ip -n "$NS3" link set veth0 up &&
	ip -n "$NS3" route add default via 10.97.0.1 &&
	ip -n "$NS3" -6 route add default via fd97::1 &&
	ip -n "$NS2" route add default via 10.99.0.1 &&
	ip -n "$NS2" -6 route add default via fd99::1 &&
	"${INSIDE[@]}" sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1 ||
	bail "cannot make network namespaces"
"${INSIDE[@]}" nft -f - <<'RULES' || bail "cannot translate addresses"
table ip nat {
	chain arriving {
		type nat hook prerouting priority -100;
		ip daddr 10.97.0.1 tcp dport 8080 dnat to 10.99.0.2:80
		ip daddr 10.97.0.1 udp dport 5353 dnat to 10.99.0.2:53
		ip daddr 10.99.0.1 tcp dport 8080 dnat to 10.99.0.2:80
	}
	chain own {
		type nat hook output priority -100;
		ip daddr 10.97.0.1 tcp dport 8080 dnat to 10.99.0.2:80
	}
	chain leaving {
		type nat hook postrouting priority 100;
		ip saddr 10.97.0.0/24 oifname veth0 tcp dport 81 masquerade
		ip saddr 10.97.0.0/24 oifname veth0 udp dport 54 masquerade to :20000-20099
		ip saddr 10.99.0.0/24 ip daddr 10.99.0.2 tcp dport 80 masquerade
	}
}
table ip6 nat {
	chain leaving {
		type nat hook postrouting priority 100;
		tcp dport 81 masquerade to :20000-20099
	}
}
RULES

# no address of its own may be used before the kernel has found that nobody else has it
settled() {
	local netns
	for netns in "$NS" "$NS2" "$NS3"; do
		[ -z "$(ip -n "$netns" -6 addr show tentative)" ] || return 1
	done
}
wait_until 10 settled || bail "the addresses are never ready"

# what the COMMAND does, in the router: its log goes to $T/expected
cat >"$T/all" <<TRAFFIC
c=/run/netns/$NS3 s=/run/netns/$NS2 nat=$T/$NAME-nat
{
	\$nat plain tcp \$c \$s 10.99.0.2 82 10.99.0.2 82 700 1700 &&
	\$nat masquerade tcp \$c \$s 10.99.0.2 81 10.99.0.2 81 1000 2000 &&
	\$nat dnat tcp \$c \$s 10.99.0.2 80 10.97.0.1 8080 1100 2100 &&
	\$nat hairpin tcp \$s \$s 10.99.0.2 80 10.99.0.1 8080 1200 2200 &&
	\$nat own tcp - \$s 10.99.0.2 80 10.97.0.1 8080 1300 2300 &&
	\$nat masquerade-udp udp \$c \$s 10.99.0.2 54 10.99.0.2 54 140 240 &&
	\$nat dnat-udp udp \$c \$s 0.0.0.0 53 10.97.0.1 5353 150 250 &&
	\$nat masquerade-6 tcp \$c \$s fd99::2 81 fd99::2 81 1600 2600
} >$T/expected
TRAFFIC

# checked CHECK ROUTER: $T/out against $T/expected
checked() {
	grep '^{.*}$' "$T/out" >"$T/actual"
	jq -rn --arg check "$1" --argjson router "$2" --arg server 10.99.0.2 \
		--slurpfile expected "$T/expected" --slurpfile actual "$T/actual" \
		-f "$E2E/nat.jq" >"$T/problems" 2>&1
	[ "$(wc -l <"$T/expected")" -eq 16 ] || cat "$T/err" >>"$T/problems"
	[ ! -s "$T/problems" ]
}

# seen_as TEXT CHECK ROUTER OPTION...: the COMMAND traced. Up to three times, as scenario() of lib.sh.
seen_as() {
	local text=$1 check=$2 router=$3 try status
	shift 3
	for try in 1 2 3; do
		tool_run "$@" -- sh "$T/all"
		[ -z "$FILE" ] || "$TOOL" -j -r "$FILE" >"$T/out" 2>>"$T/err"
		checked "$check" "$router"
		status=$?
		[ $status -ne 0 ] && [ "$try" -lt 3 ] || break
		echo "# $text: once more"
		head -n 5 "$T/problems" | diag
	done
	matched $status "$text"
}

FILE=
seen_as "flows: one row for both ends, with what is between them, to the byte" flows "$NETNS" -j --stats
like "$(grep ^translations: "$T/err")" '^translations: (7|14|21) known, 0 forgotten .* lost 0 times$' \
	"--stats: as many are translated"
seen_as "packets: forwarded, from whom to whom, in which namespaces" packets "$NETNS" -j --packets

[ -z "${KERNEL:-}" ] || e2e_end # what follows is the same on every kernel

FILE=$T/nat.pcapng
seen_as "a file says the same" packets 0 -w "$FILE"
FILE=

tool_run --packets -- sh "$T/all"
client=$(jq -r 'select(.what == "masquerade" and .role == "client") | "\(.pid) '"$NAME-nat"' \\[\(.netns)\\]"' "$T/expected")
server=$(jq -r 'select(.what == "masquerade" and .role == "server") | "\(.pid) '"$NAME-nat"' \\[\(.netns)\\]"' "$T/expected")
like "$(grep 'veth1 In .* > 10.99.0.2.81: Flags \[P' "$T/out")" "  forwarded from $client to $server$" \
	"a line for people"
tool_run -F PID,NATLOCAL,NATREMOTE -- sh "$T/all"
client=$(jq -r 'select(.what == "dnat" and .role == "client") | "\(.pid) +\(.laddr):\(.lport) +10.99.0.2:80"' "$T/expected")
like "$(cat "$T/out")" "(^|
) *$client" "columns: how the other end sees it"

# what passes between two that nobody knows
: >"$T/expected"
tool_start --packets --netns "/run/netns/$NS" -i veth1 -Q in
"${INSIDE[@]}" sh "$T/all"
sleep 0.3
tool_wait INT
is "$(jq -rs 'map(select(.text | test("^10.97.0.2.[0-9]+ > 10.99.0.2.(81|82|54):"))) |
	"\(length > 8) \(map("\(.owner) \(.pid)") | unique | join(","))"' "$T/out")" "true forwarded null" \
	"-i -Q in: what comes in to be passed on is forwarded, though nothing is seen to go out"

tool_run -j --reconcile -i veth0 -- sh "$T/all" # a bridge counts less than passes it
sum=$(jq -s 'map(select(.role == "client" and .what != "own") |
	(.tx + .rx) * (if .what == "hairpin" then 2 else 1 end)) | add' "$T/expected")
is "$(jq -rs --argjson sum "$sum" 'map(select(.type == "total")) |
	[(map(.forwarded) | add), (map(.attributed) | add), (map(.no_socket + .unattributed + .residual_bytes) | add)] |
	"\(.[0] > $sum and .[0] < $sum + 20000) \(.[1] > 3600 and .[1] < 5600) \(.[2])"' "$T/out")" "true true 0" \
	"--reconcile: what passes is forwarded, in and out; what the router itself sends is its process's" ||
	jq -c 'select(.type == "total")' "$T/out" | diag

# what was translated before
mkfifo "$T/hold"
"${INSIDE[@]}" "$T/$NAME-nat" held tcp "/run/netns/$NS3" "/run/netns/$NS2" 10.99.0.2 80 10.97.0.1 8080 \
	500 600 hold <>"$T/hold" >"$T/held" 2>"$T/held.err" &
LIVES+=($!)
wait_until 10 says "$T/held.err" established
ok $? "generator: a connection is there"
read -r server client <"/proc/${LIVES[-1]}/task/${LIVES[-1]}/children"
tool_start -p "$server,$client" 0.2
echo >"$T/hold"
wait "${LIVES[-1]}"
sleep 0.5
tool_wait INT
is "$(jq -rs 'map(select(.type == "flow" and .tx_bytes > 0)) |
	map("\(.pid) \(.peer_pid) \(.tx_bytes) \(.rx_bytes) \(.nat_raddr) \(.nat_rport)") | join(",")' "$T/out")" \
	"$(jq -rs 'map(select(.role == "client").pid) + map(select(.role == "server").pid) |
		join(" ")' "$T/held") 500 600 10.99.0.2 80" \
	"a connection from before: both ends, and what is between them"
e2e_end
