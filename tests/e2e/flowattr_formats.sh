#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# flowattr's command line and formats: tables, CSV, --by, sorting, bad input. No kernel has a say in any
# of it.

# shellcheck source-path=SCRIPTDIR source=lib.sh disable=SC2015,SC2016,SC2317
. "$(dirname "$0")/lib.sh"
TOOL=$BUILD/flowattr
e2e_begin
SILENT=(sh -c 'exec "$@" >/dev/null' sh "$T/$NAME") # the generator, without its log

tool_run -- "${SILENT[@]}" -4 connect
like "$(cat "$T/out")" "PID NAME .*$NAME +tcp +127.0.0.1:[0-9]+ +127.0.0.1:[0-9]+ .*$NAME\[" \
	"a table for people"
tool_run --by process -- "${SILENT[@]}" -4 connect
is "$(grep -c "$NAME\$" "$T/out")" 2 "--by process: both of them"
tool_run -j --by user -- "${SILENT[@]}" -4 connect
is "$(jq -rs 'map(select(.type == "user")) | "\(length) \(.[0].uid) \(.[0].tx_bytes + 0)"' "$T/out")" \
	"1 0 300" "--by user: what both ends sent"
tool_run -j --by remote -- "${SILENT[@]}" -4 connect
is "$(jq -rs 'map(select(.type == "remote")) | "\(length) \(.[0].raddr) \(.[0].tx_bytes)"' "$T/out")" \
	"1 127.0.0.1 100" "--by remote: once"
tool_run -j --by cgroup -- "${SILENT[@]}" -4 connect
is "$(jq -rs 'map(select(.type == "cgroup")) | length' "$T/out")" 1 "--by cgroup"
tool_run -j -n 'no such*' -- "${SILENT[@]}" -4 connect
is "$(jq -s 'map(select(.type == "flow")) | length' "$T/out")" 0 "-n: only these"
tool_run -o csv -F type,pid,name,tx_bytes -- "${SILENT[@]}" -4 connect
is "$(head -n 1 "$T/out")" "type,pid,name,tx_bytes" "CSV: a header"
is "$(grep -c "^flow,[0-9]*,$NAME,100\$" "$T/out")" 1 "CSV: a line"
tool_run -m 1 -s NAME -F pid,NAME -- "${SILENT[@]}" -4 prefork
is "$(grep -c "$NAME\$" "$T/out")" 1 "-m: so many lines"
for word in "--by nobody" "-s nonsense" "-i nosuch0" "-F nonsense" "0.01" "abc" "1 0" "1 2 3" "-m 0" \
	"--proto nonsense" "--packets -m 2" "--packets -s PID" "--packets --by user" "-r /dev/null -m 2"; do
	# shellcheck disable=SC2086 # words
	tool_run $word
	is "$TOOL_STATUS $(wc -l <"$T/err")" "2 1" "refused in one line: $word"
done
tool_run --packets -i nosuch0 -- true
is "$TOOL_STATUS $(grep -c 'no such interface' "$T/err")" "0 1" "--packets of an interface that is not there: a warning"
e2e_end
