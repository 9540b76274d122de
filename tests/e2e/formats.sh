#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# connsnoop's command line and formats: bad input, help, JSON, CSV, tables, names that would like to be
# more. No kernel has a say in any of it.

# shellcheck source-path=SCRIPTDIR source=lib.sh disable=SC2015,SC2016,SC2317
. "$(dirname "$0")/lib.sh"
e2e_begin

# ---- bad input: one line that says what to change ----

# bad STATUS-REGEX MESSAGE-REGEX OPTION...
bad() {
	local status=$1 message=$2
	shift 2
	tool_run "$@"
	[[ $TOOL_STATUS =~ ^$status$ ]] && [ ! -s "$T/out" ] && [ "$(grep -cvx ready "$T/err")" -eq 1 ] &&
		grep -qiE -- "$message" "$T/err"
	ok $? "refused: $*" || {
		echo "exit status $TOOL_STATUS, wanted $status and one line with: $message"
		cat "$T/err"
		head -n 5 "$T/out"
	} | diag
}

bad 2 nonsense -F pid,nonsense
bad 2 'field|empty' -F ''
bad 2 'field|empty' -F pid,,name
bad 2 70000 -P 70000
bad 2 '0' -P 0
bad 2 '65536' -L 65536
bad 2 'http' -D http
bad 2 ',' -P 80,,443
bad 2 '-1' -P -1
bad '[12]' no-such-user -u no-such-user
bad '[12]' 4194305 -p 4194305
bad 2 abc -p abc
bad 2 '0' -p 0
bad '[12]' /no/such/cgroup --cgroup /no/such/cgroup
bad '[12]' 'cgroup' --cgroup /tmp
bad '[12]' /no/such/netns --netns /no/such/netns
bad '[12]' 4194305 --netns 4194305
bad '[12]' 'name' --netns /etc/passwd
bad 2 1.2.3.4/33 --addr 1.2.3.4/33
bad 2 nonsense --addr nonsense
bad 2 ::1/129 --addr ::1/129
bad 2 nonsense --proto tcp,nonsense
bad 2 nonsense -e connect,nonsense
bad 2 xml -o xml
bad 2 abc -d abc
bad 2 '-1' -d -1
bad 2 abc -c abc
bad 2 'follow|-p' -f
bad 2 stray stray
bad 2 '-t|table' -j -t
bad 2 'command' --
bad 2 'command|-p' -p $$ -- true
bad 2 '-l prints' -l -x
bad 2 '-l prints' -l -e connect
bad 2 'existing' -e open
bad 1 no-such-command -- no-such-command
bad 1 /etc/passwd -- /etc/passwd
tool_run --no-such-option
[ "$TOOL_STATUS" -eq 2 ] && grep -q no-such-option "$T/err" && [ ! -s "$T/out" ]
ok $? "refused: unknown option" || diag <"$T/err"

# ---- help ----

tool_run -h
is "$TOOL_STATUS $(wc -c <"$T/err")" "0 0" "-h: status 0, nothing on stderr"
missing=
for option in --pid --follow --name --uid --cgroup --netns --output --json --fields --timestamp \
	--time --duration --count --no-header --verbose --version --stats --strict --list --listening \
	--existing --proto --addr --events --failed --args -P -L -D -4 -6; do
	grep -qE -- "(^|[ ,])$option([ ,=[]|$)" "$T/out" || missing+=" $option"
done
is "$missing" '' "-h: names every option"
like "$(cat "$T/out")" "Kernels: .*Linux 6.3" "-h: what some kernels do not show"
tool_run --version
like "$TOOL_STATUS $(cat "$T/out")" '^0 connsnoop .*[0-9]+\.[0-9]+' "--version"
tool_run -F help
missing=
for key in type ts proto laddr lport raddr rport cookie owner_src pid tid name comm name_src exe args \
	ppid uid cgroup container netns error latency_ns listener_pid backlog duration_ns tx_bytes \
	rx_bytes tx_packets rx_packets retransmits rtt_us closed_by state holders; do
	grep -qw -- "$key" "$T/out" || missing+=" $key"
done
is "$TOOL_STATUS$missing" 0 "-F help: every key"

# ---- formats ----

# formatted OPTION...: the rows of one connect scenario, in $T/out
formatted() {
	seen
	FORMAT=("$@")
	tool_start --netns "/run/netns/$NS"
	traffic -4 -p 5001 connect
	traffic -6 -p 5002 connect
	tool_wait INT
	FORMAT=(-j)
}

# expected_rows JQ-STRING: sorted
expected_rows() {
	jq -r "$1" "$T/expected" | sort
}

formatted -j -F pid,name,type,lport
is "$(sort "$T/out")" "$(expected_rows \
	'"{\"pid\":\(.pid),\"name\":\"\(.name)\",\"type\":\"\(.type)\",\"lport\":\(.lport)}"')" \
	"-F: JSON has these keys, in this order"
formatted -o json -F backlog,type
is "$(sort "$T/out")" "$(expected_rows '"{\"backlog\":\(.backlog),\"type\":\"\(.type)\"}"')" \
	"-F: null where a record has no such key"
formatted -o csv -F type,pid,lport,name
is "$(head -n 1 "$T/out" | tr -d '\r')" type,pid,lport,name "CSV: header"
is "$(tail -n +2 "$T/out" | tr -d '\r' | sort)" "$(expected_rows '"\(.type),\(.pid),\(.lport),\(.name)"')" \
	"CSV: rows"
formatted -o csv --no-header -F type,pid
is "$(tr -d '\r' <"$T/out" | sort)" "$(expected_rows '"\(.type),\(.pid)"')" "CSV: --no-header"
formatted -F type,pid,name
is "$(head -n 1 "$T/out" | awk '{ print NF }') $(head -n 1 "$T/out" | grep -c '[a-z0-9]')" "3 0" \
	"table: header of three columns, in capitals"
is "$(tail -n +2 "$T/out" | awk '{ print tolower($1), $2, $3 }' | sort)" \
	"$(expected_rows '"\(.type) \(.pid) \(.name)"')" "table: rows"
formatted --no-header -F pid,type
is "$(awk '{ print $1, tolower($2) }' "$T/out" | sort)" "$(expected_rows '"\(.pid) \(.type)"')" \
	"table: --no-header"
formatted -o table
is "$(wc -l <"$T/out")" 11 "table: a header and a row for each record"
is "$(tail -n +2 "$T/out" | grep -c -- "$NAME")" 10 "table: the full name in every row" ||
	diag <"$T/out"
is "$(grep -c '::1' "$T/out") $(grep -c '127\.0\.0\.1' "$T/out")" "5 5" "table: addresses"
is "$(grep -c $'\e' "$T/out")" 0 "table: no colour in a pipe"
formatted -a
is "$(grep -cE -- '-6 -p 5002 connect' "$T/out")" 5 "table: -a: the command line" || diag <"$T/out"
formatted -t
is "$(tail -n +2 "$T/out" | grep -cE '^ *[0-9]+\.[0-9]+ ')" 10 "table: -t: seconds" || diag <"$T/out"
formatted -T
is "$(tail -n +2 "$T/out" | grep -cE '^[0-9]{2}:[0-9]{2}:[0-9]{2}')" 10 "table: -T: time of day" ||
	diag <"$T/out"

# Usual names and addresses fit; long ones make the line wider, but are whole.
cp "$T/$NAME" "$T/sixteen-letters-"
seen
FORMAT=(-o table)
tool_start --netns "/run/netns/$NS"
"${INSIDE[@]}" "$T/sixteen-letters-" -4 bytes 3 >"$T/expected"
tool_wait INT
FORMAT=(-j)
is "$(wc -l <"$T/out") $(awk 'length($0) > 100' "$T/out" | wc -l)" "51 0" \
	"table: 100 columns at most" || diag <"$T/out"

long=$NAME-with-a-name-that-nobody-would-want-to-type-but-that-has-to-be-printed-in-full
cp "$T/$NAME" "$T/$long"
far=fd99:1111:2222:3333:4444:5555:6666:7777
ip -n "$NS" -6 route add $far dev veth0 # where nobody answers
seen
FORMAT=(-o table)
tool_start --netns "/run/netns/$NS"
"${INSIDE[@]}" "$T/$long" -6 unreachable $far EHOSTUNREACH >"$T/expected"
ok $? "generator: a long name"
tool_wait INT
FORMAT=(-j)
is "$(grep -F -- "$long" "$T/out" | grep -cF $far)" 2 \
	"table: a long name and a long address are not cut" || diag <"$T/out"

# ---- names that would like to be more than a name ----

evil=$'evil\e[31m\x9b\x7f\r\n{"type":"lost"}\xff\xc3\xe2\x80\xae,"\'\\name'
cp "$T/$NAME" "$T/$evil"
for format in json table csv; do
	seen
	FORMAT=(-o "$format")
	tool_start -a --netns "/run/netns/$NS"
	"${INSIDE[@]}" "$T/$evil" -4 connect >"$T/expected" 2>/dev/null
	tool_wait INT
	FORMAT=(-j)
	is "$(iconv -f UTF-8 -t UTF-8 "$T/out" 2>&1 >/dev/null)" '' "$format: valid UTF-8"
	is "$(LC_ALL=C tr -d '\n' <"$T/out" | LC_ALL=C grep -cP '[\x00-\x1f\x7f]|\xc2[\x80-\x9f]|\xe2\x80[\xaa-\xae]')" \
		0 "$format: nothing that a terminal obeys" || LC_ALL=C cat -v "$T/out" | diag
	case $format in
	json)
		is "$(jq -r .type "$T/out" 2>&1 | sort | paste -sd' ')" \
			"accept close close connect listen" "json: five records, none made up"
		is "$(jq -r '.name | startswith("evil") and endswith("name")' "$T/out" | sort -u)" \
			true "json: the name from its beginning to its end"
		;;
	table)
		is "$(wc -l <"$T/out")" 6 "table: five rows, none made up"
		;;
	esac
done

e2e_end
