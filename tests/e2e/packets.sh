#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# flowattr's packets: each with its process, as lines, as JSON, and in a pcapng file that a checker of
# its own and Wireshark read back; filters; what has no socket; disks that are full and files that
# are damaged.

# shellcheck source-path=SCRIPTDIR source=lib.sh disable=SC2015,SC2016,SC2086,SC2317
. "$(dirname "$0")/lib.sh"
TOOL=$BUILD/flowattr
FILE=
e2e_begin
"${INSIDE[@]}" sysctl -qw net.ipv4.ping_group_range="0 2147483647"
cp "$BUILD/tests/datagram" "$T/$NAME-datagrams" || bail "no $BUILD/tests/datagram"
cp "$BUILD/tests/clients" "$T/$NAME-clients" || bail "no $BUILD/tests/clients"
[ -x "$BUILD/tests/pcapng_check" ] || bail "no $BUILD/tests/pcapng_check"
FILE=$T/packets.pcapng
# neighbours talk on the veth at times of their own: what is to be exact is on loopback
INSIDE_NS=(--netns "/run/netns/$NS")
HERE=("${INSIDE_NS[@]}" -i lo)

# packets_match LEAST: is every packet its owner's? What is wrong goes to $T/problems.
packets_match() {
	grep '}$' "$T/out" >"$T/actual"
	jq -rn --argjson least "$1" --slurpfile expected "$T/expected" --slurpfile actual "$T/actual" \
		-f "$E2E/packets.jq" >"$T/problems" 2>&1
	[ ! -s "$T/problems" ]
}

# generate PROGRAM ARG...: traffic; its log is $T/expected
generate() {
	"${INSIDE[@]}" timeout -k 2 60 "$@" >"$T/expected" 2>"$T/traffic.err" </dev/null ||
		diag <"$T/traffic.err"
}

# live TEXT LEAST PROGRAM ARG...: --packets -j while it runs. Up to three times, as scenario().
live() {
	local text=$1 least=$2 try status
	shift 2
	for try in 1 2 3; do
		tool_start --packets "${HERE[@]}"
		generate "$@"
		wait_until 4 packets_match "$least"
		tool_wait INT
		packets_match "$least"
		status=$?
		[ $status -ne 0 ] && [ "$try" -lt 3 ] || break
		echo "# $text: once more"
		head -n 5 "$T/problems" | diag
	done
	matched $status "$text"
}

# capture OPTION... -- PROGRAM ARG...: into $FILE
capture() {
	local options=()
	while [ "$1" != -- ]; do
		options+=("$1")
		shift
	done
	shift
	FORMAT=()
	tool_start -w "$FILE" "${HERE[@]}" "${options[@]}"
	FORMAT=(-j)
	generate "$@"
	sleep 0.2 # nothing says when a packet has been written
	if alive "$TOOL_PID"; then tool_wait INT; else tool_wait; fi
}

# good TEXT: is $FILE as the specification has it?
good() {
	"$BUILD/tests/pcapng_check" "$FILE" >"$T/blocks" 2>"$T/problems"
	matched $? "$1"
}

# reads OPTION...: $FILE, read back, as JSON in $T/out
reads() {
	"$TOOL" -r "$FILE" "$@" >"$T/out" 2>"$T/err" </dev/null
	TOOL_STATUS=$?
}

count() {
	wc -l <"$T/out"
}

# ---- live ----

ways="connect nonblock server-first refused exit threads"
datagrams="connected sendfile"
[ -z "${KERNEL:-}" ] || ways="connect refused" datagrams=connected # to start it takes seconds there
for family in -4 -6; do
	for what in $ways; do
		live "TCP $family: $what" 1 "$T/$NAME" $family $what
	done
	for what in $datagrams; do
		live "UDP $family: $what" 1 "$T/$NAME-datagrams" $family $what
	done
done

# ---- what the kernel sends for connections that no process has any more ----

cp "$BUILD/tests/timewait" "$T/$NAME-timewait" || bail "no $BUILD/tests/timewait"
# four seconds: longer than flows are kept when they have ended
live "FINs, ACKs out of TIME_WAIT, RSTs: the last owner's" 36 \
	bash -c '"$0" -4 4 && "$0" -6 0' "$T/$NAME-timewait"
is "$(jq -s 'map(select(.type == "packet" and (.text | test("Flags \\[R"))) | .owner) |
	group_by(.) | map({(.[0]): length}) | add' -c "$T/out")" '{"process":4}' \
	"and there are two RSTs for data, two for answers out of TIME_WAIT"

# ---- a file ----

for family in -6 -4; do
	capture -- "$T/$NAME" $family connect
	is "$TOOL_STATUS" 0 "-w, $family: SIGINT ends it with 0"
	good "-w, $family: every block is as the specification has it"
	reads -j
	is "$TOOL_STATUS" 0 "-r, $family: status 0" || diag <"$T/err"
	packets_match 8
	matched $? "-r, $family: every packet has its process, and the other end's"
done
is "$(jq -rs 'map(select(.type == "interface").name) | unique | join(" ")' "$T/blocks")" lo \
	"one interface, by its name"
is "$(jq -s 'map(select(.type == "packet" and (.comment | not))) | length' "$T/blocks")" 0 \
	"a comment on every packet"
pids=$(jq -rs 'map(select(.type == "connect" or .type == "accept").pid) | sort | unique | join(" ")' \
	"$T/expected")
is "$(jq -rs 'map(select(.type == "process").pid) | sort | join(" ")' "$T/blocks")" "$pids" \
	"a block for each process"
is "$(jq -rs 'map(select(.type == "process").name) | unique | join(" ")' "$T/blocks")" "$NAME" \
	"with its full name"
is "$(jq -rs 'map(select(.type == "statistics") | [.os_dropped, .delivered]) | flatten | join(" ")' \
	"$T/blocks")" "0 $(jq -s 'map(select(.type == "packet")) | length' "$T/blocks")" \
	"statistics: nothing lost, the number of packets"
cp "$FILE" "$T/good.pcapng"
cp "$T/blocks" "$T/good.blocks"
if command -v tshark >/dev/null; then
	tshark -r "$FILE" -T fields -e frame.interface_name -e frame.comment -e tcp.srcport \
		>"$T/shark" 2>"$T/shark.err"
	is "$?" 0 "tshark reads it" || diag <"$T/shark.err"
	is "$(grep -vci 'running as' "$T/shark.err")" 0 "without a complaint" || diag <"$T/shark.err"
	jq -r 'select(.type == "connect" or .type == "accept") | "\(.lport) \(.pid)"' "$T/expected" |
		sort -u >"$T/wanted"
	awk -F '\t' '{ split($2, words, " "); print $3, words[2] }' "$T/shark" | sort -u >"$T/shark.pids"
	is "$(cat "$T/shark.pids")" "$(cat "$T/wanted")" "its comments have the process of each port"
	is "$(cut -f1 "$T/shark" | sort -u)" lo "and its interface names are right"
	is "$(tshark -r "$FILE" -Y _ws.malformed 2>/dev/null | wc -l)" 0 "no packet is malformed"
else
	skip "tshark reads it" "no tshark"
fi

# ---- bytes ----

if capture -- "$T/$NAME" -4 bytes 100000; then
	reads -F payload_bytes,laddr,lport,raddr,rport,text -j
	sent=$(jq -rs 'map(select(.type == "close").tx_bytes) | add' "$T/expected")
	# what was sent again counts once
	is "$(jq -s 'map(select(.payload_bytes > 0)) | group_by([.lport, .rport]) | map(
		map(.text | capture("seq (?<from>[0-9]+):(?<to>[0-9]+)") | [(.from | tonumber), (.to | tonumber)] |
			if .[1] < .[0] then [.[0], .[1] + 4294967296] else . end) | sort |
		reduce .[] as $r ({to: 0, sum: 0}; ([.to, $r[0]] | max) as $from |
			if $r[1] > $from then {to: $r[1], sum: (.sum + $r[1] - $from)} else . end) | .sum) |
		add' "$T/out")" "$sent" "the payload of all packets is what was sent"
fi

# ---- what has no socket of a process ----

tool_start --packets "${HERE[@]}"
generate "$T/$NAME-datagrams" -4 ping
sleep 0.2
tool_wait INT
pid=$(jq -rs 'map(select(.type == "flow").pid) | unique | join(" ")' "$T/expected")
is "$(jq -rs 'map(select(.text | test("echo request")).pid) | unique | join(" ")' "$T/out")" "$pid" \
	"echo requests are the asker's"
is "$(jq -rs 'map(select(.text | test("echo reply")) | "\(.owner) \(.peer_pid)") | unique | join(",")' \
	"$T/out")" "kernel $pid" "echo replies are the kernel's, for the asker"
tool_start --packets "${INSIDE_NS[@]}"
generate "$T/$NAME" -4 unreachable 10.99.0.77 EHOSTUNREACH
sleep 0.2
tool_wait INT
pid=$(jq -rs 'map(select(.type == "connect").pid) | unique | join(" ")' "$T/expected")
arp=$(jq -rs 'map(select(.proto == "arp" and .direction == "out" and (.text | test("who-has 10.99.0.77"))).pid) |
	unique | join(" ")' "$T/out")
like "$pid" '^[0-9]+$' "generator: a connect to nobody's address"
is "$arp" "$pid" "an ARP request is whose packet made the kernel ask"

tool_start --packets "${HERE[@]}"
generate "$T/$NAME-clients" half-open
sleep 0.2
tool_wait INT
is "$(jq -r 'select(.text | test("Flags \\[S\\.\\]")) | "\(.pid) \(.name) \(.owner_src)"' "$T/out")" \
	"$(awk -v name="$NAME-clients" '{ print $2, name, "listen" }' "$T/expected")" \
	"a SYN-ACK that comes to nothing is the listener's"

# ---- a COMMAND ----

"${INSIDE[@]}" timeout -k 2 60 "$TOOL" --packets -j -i lo -- sh -c \
	'for i in 1 2 3; do "$0" -4 raw >&2; done' "$T/$NAME-datagrams" >"$T/out" 2>"$T/err" </dev/null
is "$(jq -r 'select(.name == "'"$NAME-datagrams"'") | .proto' "$T/out" | sort | uniq -c | tr -s ' \n' ' ')" \
	" 3 icmp 6 udp " "a COMMAND's raw senders, gone before anybody looks" || diag <"$T/err"

# ---- clients that live for a millisecond ----

# clients TEXT WANTED OPTION... -- PROGRAM ARG...: every packet in the file names both processes
clients() {
	local text=$1 wanted=$2 options=() try status counts received=''
	shift 2
	while [ "$1" != -- ]; do
		options+=("$1")
		[ "$1" != in ] || received=1
		shift
	done
	for try in 1 2 3; do
		: >"$T/log"
		"${INSIDE[@]}" timeout -k 2 60 "$TOOL" -w "$FILE" "${options[@]}" "$@" >>"$T/log" 2>"$T/err" </dev/null
		status=$?
		"$TOOL" -r "$FILE" -j | jq -r -f "$E2E/clients.jq" >"$T/table"
		awk -v wanted="$wanted" -v received="$received" -f "$E2E/clients.awk" "$T/log" "$T/table" >"$T/problems"
		counts=$(head -n 1 "$T/problems")
		[[ "$status $counts" =~ ^0\ ([1-9][0-9]*)\ ([0-9]+)\ ([0-9]+)\ ([0-9]+)$ &&
			${BASH_REMATCH[1]} = "${BASH_REMATCH[2]}" && ${BASH_REMATCH[3]} = "${BASH_REMATCH[4]}" &&
			${BASH_REMATCH[3]} = "$CLIENTS" ]] && break
		[ "$try" -lt 3 ] && echo "# $text: once more" # see scenario()
		diag <"$T/problems"
	done
	is "$status ${counts% * *} $(cut -d' ' -f3,4 <<<"$counts")" \
		"0 $(cut -d' ' -f1 <<<"$counts") $(cut -d' ' -f1 <<<"$counts") $CLIENTS $CLIENTS" "$text"
}

CLIENTS=${CLIENTS:-${KERNEL:+40}} # each takes its time there
CLIENTS=${CLIENTS:-300}
tcp="c:[S] s:[S.] c:[F.] s:[F.]"
clients "-w: $CLIENTS TCP clients: SYN to FIN, the process at each end" "$tcp" \
	-- "$T/$NAME" -4 burst "$CLIENTS" 8
clients "-w: the same as it comes in" "$tcp" -Q in -- "$T/$NAME" -4 burst "$CLIENTS" 8
clients "-w: $CLIENTS UDP clients of one datagram" c:UDP -- "$T/$NAME-clients" "$CLIENTS" 8
clients "-w: the same as it comes in" c:UDP -Q in -- "$T/$NAME-clients" "$CLIENTS" 8

[ -z "${KERNEL:-}" ] || e2e_end # what follows is the same on every kernel

# ---- filters ----

capture tcp dst port 1 -- "$T/$NAME" -4 connect
reads
is "$(count)" 0 "a FILTER that matches nothing"
FILE=$T/good.pcapng
reads tcp
all=$(count)
like "$all" '^[1-9]' "a FILTER that matches all"
reads 'tcp[tcpflags] & tcp-syn != 0'
is "$(count)" 2 "-r FILTER: SYN and SYN-ACK"
reads -c 3
is "$(count)" 3 "-r -c 3"
reads -Q in
is "$(count)" 0 "-r -Q in: on loopback all go out"
reads -n "$NAME"
is "$(count)" "$all" "-r -n"
reads -n nobody
is "$(count)" 0 "-r -n nobody"
reads -p 1
is "$(count)" 0 "-r -p 1"
pid=$(jq -rs 'map(select(.type == "process").pid) | first' "$T/good.blocks")
reads -p "$pid"
is "$TOOL_STATUS $(count)" "0 $all" "-r -p, of a process that has ended" || diag <"$T/err"
reads -i lo
is "$(count)" "$all" "-r -i lo"
reads -i eth7
is "$(count)" 0 "-r -i eth7"
FILE=$T/packets.pcapng

for options in "-c 2" "-i lo -c 2" "-Q out -c 2" "-Q in -c 2" "-n $NAME -c 2" "--snaplen 60 -c 2"; do
	# shellcheck disable=SC2086 # words
	capture $options -- "$T/$NAME" -4 connect
	good "$options: the file is good"
	reads
	is "$TOOL_STATUS $(count)" "0 2" "$options: two packets"
done
for options in "-i nosuch0" "-n nobody" "udp" "-6 tcp"; do # there is neighbour discovery
	# shellcheck disable=SC2086 # words
	capture $options -- "$T/$NAME" -4 connect
	reads
	is "$TOOL_STATUS $(count)" "0 0" "$options: none"
done
capture --snaplen 60 -- "$T/$NAME" -4 connect
good "--snaplen 60: the file is good"
is "$(jq -s 'map(select(.type == "packet").captured) | max' "$T/blocks")" 60 "and no packet is longer"

tool_run -j --packets -- sh -c 'exec "$@" >/dev/null' sh "$T/$NAME" -4 connect
is "$TOOL_STATUS" 0 "COMMAND: its status"
is "$(jq -rs 'map(.name) | unique | join(" ")' "$T/out")" "$NAME" "and its packets only"

tool_run --packets --netns "/run/netns/$NS" -c 1 'tcp port' 80 and
is "$TOOL_STATUS $(wc -l <"$T/err")" "2 1" "a bad FILTER: exit status 2, one line" || diag <"$T/err"
like "$(cat "$T/err")" "FILTER: .*syntax" "with libpcap's message"
tool_run -r "$T/good.pcapng" 'host ('
is "$TOOL_STATUS" 2 "the same of -r"
for word in "-r x -w y" "-w x -t" "-w x -T" "-r x -j -t" "-w x -j" "-Q up" "--snaplen 0" "-r x -u root"; do
	# shellcheck disable=SC2086 # words
	tool_run $word
	is "$TOOL_STATUS $(wc -l <"$T/err")" "2 1" "refused in one line: $word"
done

# ---- losses ----

# losses OPTION...: more packets than there is room for while the tool is stopped, then one more
FLOOD=("$T/$NAME-datagrams" -4 burst 30000)
losses() {
	tool_start --stats --strict "${HERE[@]}" "$@"
	kill -STOP "$TOOL_PID"
	generate "${FLOOD[@]}"
	kill -CONT "$TOOL_PID"
	sleep 0.3 # a last look tells of all
	"${INSIDE[@]}" bash -c 'echo x >/dev/udp/127.0.0.1/9'
	tool_wait INT
	LOST=$(sed -nE 's/^packets: .* owner, ([0-9]+) lost, .*/\1/p' "$T/err")
	ok "$((TOOL_STATUS != 3 || LOST < 1))" "$1: packets were lost, --strict says so" || diag <"$T/err"
}

losses --packets
is "$(jq -s 'map(select(.type == "lost") | .count) | add // 0' "$T/out")" "$LOST" \
	"and rows of type lost, as many in all"
is "$(jq -rs 'map(select(.type == "lost")) | first | keys_unsorted | join(" ")' "$T/out")" "type ts count" \
	"each with its time"
FORMAT=()
for options in --packets "--packets -F pid,text" "-w $FILE --snaplen 500"; do
	losses $options
	is "$(awk '/ packets lost here: / { sum += $2 } END { print sum + 0 }' "$T/err")" "$LOST" \
		"and stderr, as many in all" || diag <"$T/err"
done
FORMAT=(-j)
good "and the file is good"
is "$(jq -s 'map(select(.type == "statistics").os_dropped) | add' "$T/blocks")" "$LOST" \
	"with as many in its statistics"
all_lost() {
	sed -nE 's/^records: .*, ([0-9]+) records lost, .*/\1/p' "$T/err"
}
FLOOD=("$T/$NAME" -4 flood 30000)
losses --packets
is "$(awk '/ records of flows lost here: / { sum += $2 } END { print (sum > 0), sum + 0 }' "$T/err")" \
	"1 $(($(all_lost) - LOST))" "records of flows are lost: stderr" || diag <"$T/err"
losses --reconcile 100
is "$(jq -s 'map(select(.type == "lost") | .count) | add // 0' "$T/out")" "$(all_lost)" \
	"of the sums over packets: rows of type lost for both"

# ---- lines ----

FORMAT=()
tool_start --packets "${HERE[@]}"
FORMAT=(-j)
generate "$T/$NAME" -4 connect
sleep 0.3
tool_wait INT
like "$(head -n 1 "$T/out")" \
	"^[0-9:]{8}\.[0-9]{6} lo +Out 127.0.0.1.[0-9]+ > 127.0.0.1.[0-9]+: Flags \[S\], seq [0-9]+, win [0-9]+, length 0  $NAME\[[0-9]+\] > $NAME\[[0-9]+\]$" \
	"a line for people"

seconds='^ *[0-9]+\.[0-9]{6} lo +Out '
begin=${EPOCHREALTIME/./}
FORMAT=()
tool_start --packets -t "${HERE[@]}"
FORMAT=(-j)
generate "$T/$NAME" -4 connect
sleep 0.3
tool_wait INT
is "$(grep -cvE "$seconds" "$T/out")" 0 "-t: every line begins with seconds" || diag <"$T/out"
is "$(awk -v most=$((${EPOCHREALTIME/./} - begin)) '$1 < last || $1 * 1e6 > most { bad++ } { last = $1 }
	END { print (NR > 0), bad + 0 }' "$T/out")" "1 0" "-t: which grow, and are no more than have passed"
FILE=$T/good.pcapng
reads -j
jq -rs 'def us: (.[:19] + "Z" | fromdate) * 1000000 + (.[20:26] | tonumber);
	(.[0].ts | us) as $first | .[].ts | us - $first' "$T/out" >"$T/wanted"
reads -t
is "$(awk '{ sub(/\./, "", $1); print $1 + 0 }' "$T/out" | paste -d' ' - "$T/wanted" |
	awk '$1 - $2 > 1 || $2 - $1 > 1 || NF < 2 { bad++ } END { print (NR > 7), bad + 0 }')" "1 0" \
	"-r -t: since the file's first packet"
reads -T
is "$(cut -c1-15 "$T/out")" "$(jq -rs '.[].ts' <("$TOOL" -r "$FILE" -j) |
	while read -r ts; do date -d "$ts" +%T.%6N; done)" "-r -T: the time of the day"
reads -T -t
is "$(grep -cE '^[0-9]{2}:' "$T/out")" "$all" "-T and -t: -T"
reads -F proto -t
is "$(tail -n +2 "$T/out" | grep -cE '^ *[0-9]+\.[0-9]{6} tcp')" "$all" "-F -t: a column in front" ||
	diag <"$T/out"
reads -F proto -T
is "$(tail -n +2 "$T/out" | grep -cE '^[0-9]{2}:[0-9]{2}:[0-9]{2}[.0-9]* +tcp')" "$all" "-F -T: likewise" ||
	diag <"$T/out"
FILE=$T/packets.pcapng

# ---- bad luck ----

"${INSIDE[@]}" bash -c 'while sleep 0.02; do echo x >/dev/udp/127.0.0.1/9; done' 2>/dev/null &
LIVES+=($!)
disown
"${INSIDE[@]}" timeout 20 "$TOOL" -w /dev/full "${HERE[@]}" 2>"$T/err"
is "$?" 1 "-w /dev/full: exit status 1"
like "$(cat "$T/err")" "cannot write /dev/full: No space left" "and the reason"
"${INSIDE[@]}" timeout 20 "$TOOL" -w - "${HERE[@]}" 2>"$T/err" | head -c 100 >"$T/out"
is "${PIPESTATUS[0]} $(wc -c <"$T/out") $(wc -c <"$T/err")" "0 100 0" "-w - | head -c 100: a quiet end"
"${INSIDE[@]}" timeout 20 "$TOOL" -w - -c 5 "${HERE[@]}" 2>"$T/err" >"$FILE"
is "$?" 0 "-w - -c 5"
good "standard output is such a file, too"
"${INSIDE[@]}" timeout 20 "$TOOL" --packets "${HERE[@]}" 2>"$T/err" | head -n 1 >"$T/out"
is "${PIPESTATUS[0]} $(count) $(wc -c <"$T/err")" "0 1 0" "--packets | head -n 1: a quiet end"
tool_run -w "$T/nowhere/file" "${HERE[@]}"
is "$TOOL_STATUS $(wc -l <"$T/err")" "1 1" "-w where nothing can be: exit status 1, one line"
mkdir "$T/small" && mount -t tmpfs -o size=64k small "$T/small" 2>/dev/null && {
	"${INSIDE[@]}" timeout 60 "$TOOL" -w "$T/small/file" "${HERE[@]}" 2>"$T/err" &
	TOOL_PID=$!
	for _ in $(seq 20); do
		alive "$TOOL_PID" && "${INSIDE[@]}" timeout 20 "$T/$NAME" -4 bytes 100000 >/dev/null 2>&1
	done
	wait "$TOOL_PID"
	is "$?" 1 "a full disk: exit status 1"
	TOOL_PID=''
	FILE=$T/small/file
	good "and the file is good as far as it goes"
	umount "$T/small"
}

# interface_goes OPTION...: an interface with traffic goes away while the tool looks at it; then there is more
interface_goes() {
	ip -n "$NS" link add gone0 type veth peer name gone1 && ip -n "$NS" addr add 10.97.0.1/24 dev gone0 &&
		ip -n "$NS" link set gone0 up && ip -n "$NS" link set gone1 up || bail "no veth"
	tool_start "${INSIDE_NS[@]}" "$@"
	"${INSIDE[@]}" bash -c 'echo x >/dev/udp/10.97.0.2/9'
	sleep 0.3 # that has been told
	ip -n "$NS" link del gone0
	"${INSIDE[@]}" bash -c 'echo x >/dev/udp/127.0.0.1/9'
	sleep 0.5
	alive "$TOOL_PID"
	ok $? "an interface goes, $1 goes on"
	tool_wait INT
	is "$TOOL_STATUS $(grep -cvx ready "$T/err")" "0 0" "and ends with 0, without a complaint"
}

interface_goes --packets
is "$(jq -rs 'map(.iface) | unique | map(select(. == "lo" or . == "gone0")) | join(" ")' "$T/out")" "gone0 lo" \
	"what came before and behind that is there"
FORMAT=()
FILE=$T/packets.pcapng
interface_goes -w "$FILE"
FORMAT=(-j)
good "and the file is good"
is "$(jq -rs 'map(select(.type == "statistics")) | length' "$T/blocks")" \
	"$(jq -rs 'map(select(.type == "interface")) | length' "$T/blocks")" "with statistics of each interface"
interface_goes -i gone0 0.2
is "$(jq -rs 'map(select(.type == "total")) | "\(first.interface_tx_bytes | type) \(last.interface_tx_bytes)"' \
	"$T/out")" "number null" "of flows: its counters are known, then null"

# counters JQ-CONDITION: of the totals, . being a list of what the interface has sent
counters() {
	jq -es "map(select(.type == \"total\").interface_tx_bytes) | $1" "$T/out" >/dev/null
}

ip -n "$NS" link add gone0 type veth peer name gone1
tool_start "${INSIDE_NS[@]}" -i gone0 0.1
wait_until 10 counters 'any(. != null)'
ip -n "$NS" link del gone0
wait_until 10 counters 'any(. == null)'
ip -n "$NS" link add gone0 type veth peer name gone1
wait_until 10 counters '.[index(null):] | any(. != null)'
ok $? "it comes back: they are known again" || diag <"$T/out"
tool_wait INT
ip -n "$NS" link del gone0

# ---- damaged files ----

size=$(stat -c %s "$T/good.pcapng")
bad=0
for n in 0 1 7 8 11 12 27 28 60 100 200 $((size / 2)) $((size - 1)); do
	head -c "$n" "$T/good.pcapng" >"$T/cut"
	FILE=$T/cut
	reads
	case $TOOL_STATUS in
	1) [ "$(wc -l <"$T/err")" -eq 1 ] && grep -q 'at byte' "$T/err" || bad=1 ;;
	0) [ "$n" -ge 28 ] || bad=1 ;; # cut between two blocks
	*) bad=1 ;;
	esac
	[ $bad -eq 0 ] || break
done
is "$bad" 0 "-r of a file that is cut short: status 1 and one line" || diag <"$T/err"
"$TOOL" -r - <"$T/good.pcapng" >"$T/out" 2>"$T/err"
is "$? $(count)" "0 $all" "-r -: standard input"
mkfifo "$T/live.fifo"
exec 9<>"$T/live.fifo" # it does not end
env --default-signal=INT "$TOOL" -r - <"$T/live.fifo" >"$T/out" 2>"$T/err" 9>&- &
TOOL_PID=$!
CAT_PID=
cat "$T/good.pcapng" >"$T/live.fifo"
has_all() {
	[ "$(count)" -eq "$all" ]
}
wait_until 10 has_all
ok $? "-r - of a pipe that is open: all that came is shown"
tool_wait INT
is "$TOOL_STATUS $(count) $(cat "$T/err")" "0 $all " "and SIGINT ends it with 0"
exec 9>&-
"$TOOL" -r /dev/zero >"$T/out" 2>"$T/err"
is $? 1 "-r /dev/zero: status 1"
"$TOOL" -r "$T/nofile" >"$T/out" 2>"$T/err"
is "$? $(wc -l <"$T/err")" "1 1" "-r of no file: status 1, one line"
"$TOOL" -r "$T/good.pcapng" 2>"$T/err" | head -n 1 >"$T/out"
is "${PIPESTATUS[0]} $(wc -c <"$T/err")" "0 0" "-r | head -n 1: a quiet end"
e2e_end
