#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Thousands of processes that live for a moment: each connects once and is gone. Every connect,
# accept and close, on both ends, with the right process, port and full name; nothing lost.

# shellcheck source-path=SCRIPTDIR source=lib.sh disable=SC2015,SC2317
. "$(dirname "$0")/lib.sh"
COUNT=${COUNT:-5000}
e2e_begin

# same TEXT FILE FILE: sorted lists are equal
same() {
	diff "$2" "$3" >"$T/problems"
	ok $? "$1" || head -n 20 "$T/problems" | diag
}

# listing TYPE PORT-KEY CONDITION: "PID PORT NAME" of such records, sorted
listing() {
	jq -r --arg type "$1" --arg port "$2" \
		"select(.type == \$type and ($3)) | \"\\(.pid) \\(.[\$port]) \\(.name)\"" "$T/out" |
		sort
}

have_closes() {
	[ "$(grep -c '"type":"close"' "$T/out")" -ge $((2 * COUNT)) ]
}

for family in -4 -6; do
	tool_start --stats --netns "/run/netns/$NS"
	ok $? "$family: starts"
	: >"$T/log"
	"${INSIDE[@]}" timeout -k 2 110 "$T/$NAME" $family burst "$COUNT" 8 >>"$T/log" 2>"$T/traffic.err" \
		</dev/null
	ok $? "$family: generator: $COUNT clients" || diag <"$T/traffic.err"
	wait_until 10 have_closes
	tool_wait INT
	is "$TOOL_STATUS" 0 "$family: the tool ends with 0"

	awk -v name="$NAME" '$1 == "connect" { print $2, $3, name }' "$T/log" | sort >"$T/clients"
	awk -v name="$NAME" '$1 == "accept" { print $2, $3, name }' "$T/log" | sort >"$T/servers"
	server=$(awk '$1 == "accept" { print $2; exit }' "$T/log")
	is "$(wc -l <"$T/clients") $(wc -l <"$T/servers")" "$COUNT $COUNT" "$family: the log is complete"

	listing connect lport '.error == null' >"$T/connects"
	same "$family: $COUNT connects: process, port, name" "$T/clients" "$T/connects"
	listing accept rport true >"$T/accepts"
	same "$family: $COUNT accepts: process, port, name" "$T/servers" "$T/accepts"
	listing close lport ".pid != $server" >"$T/closes"
	same "$family: $COUNT closes of the clients' ends" "$T/clients" "$T/closes"
	listing close rport ".pid == $server" >"$T/closes"
	same "$family: $COUNT closes of the server's ends" "$T/servers" "$T/closes"
	is "$(jq -s 'map(select(.type == "lost") | .count) | add // 0' "$T/out")" 0 \
		"$family: nothing lost"
	is "$(jq -r 'select(.type == "connect") | .exe' "$T/out" | sort -u)" "$T/$NAME" \
		"$family: path of the executable"
	like "$(cat "$T/err")" 'lost' "$family: --stats speaks of losses"
done

# ---- so many at once that some have no slot of their own in the kernel's table ----

COUNT=$((COUNT < 3000 ? COUNT : 3000))
NAME=$NAME-clients
cp "$BUILD/tests/clients" "$T/$NAME" || bail "no $BUILD/tests/clients"
tool_start --netns "/run/netns/$NS"
"${INSIDE[@]}" timeout -k 2 110 "$T/$NAME" held "$COUNT" >"$T/log" 2>"$T/traffic.err" </dev/null
ok $? "$COUNT at once: generator" || diag <"$T/traffic.err"
wait_until 10 have_closes
tool_wait INT
read -r _ client server _ <"$T/log"
awk -v name="$NAME" '{ print $2, $4, name }' "$T/log" | sort >"$T/clients"
awk -v name="$NAME" '{ print $3, $4, name }' "$T/log" | sort >"$T/servers"
listing connect lport '.error == null and .latency_ns > 0' >"$T/connects"
same "$COUNT at once: connects: process, port, name" "$T/clients" "$T/connects"
listing accept rport true >"$T/accepts"
same "$COUNT at once: accepts: process, port, name" "$T/servers" "$T/accepts"
awk '{ print "tx", $2, $4, $5; print "rx", $3, $4, $5 }' "$T/log" | sort >"$T/clients"
jq -r --argjson client "$client" --argjson server "$server" 'select(.type == "close") |
	if .pid == $client then "tx \(.pid) \(.lport) \(.tx_bytes)"
	elif .pid == $server then "rx \(.pid) \(.rport) \(.rx_bytes)" else . end' "$T/out" | sort >"$T/closes"
same "$COUNT at once: closes at both ends: process, port, bytes" "$T/clients" "$T/closes"
is "$(jq -s 'map(select(.type == "lost")) | length' "$T/out")" 0 "$COUNT at once: nothing lost"
e2e_end
