#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# What the last runs of the end-to-end tests have found, kernel by kernel, as tables in Markdown: from
# BUILD/matrix, where tests/run.sh (this machine's own kernel) and matrix.sh (the others) leave it.
#   report.sh

set -u
HERE=$(cd "$(dirname "$0")" && pwd)
BUILD=${BUILD:-$HERE/../../build}

mapfile -t files < <({ echo own && awk '!/^#/ { print $1 }' "$HERE/kernels"; } |
	while read -r name; do
		ls "$BUILD/matrix/$name" "$BUILD/matrix/$name.lockdown" 2>/dev/null
	done)
[ ${#files[@]} -gt 0 ] || {
	echo "nothing in $BUILD/matrix yet: make check, or make check-vm KERNEL=all" >&2
	exit 1
}

awk '
function tool_of(script) {
	if (script ~ /^(packets|nat|tunnels)$/)
		return "flowattr"
	for (i = 1; i <= tools; i++)
		if (index(script, tool[i]) == 1)
			return tool[i]
	return tool[1]
}
function cell(kernel, tool, text) {
	text = passed[kernel, tool] + 0 " passed"
	if (failed[kernel, tool])
		text = text ", **" failed[kernel, tool] " failed**"
	if (skipped[kernel, tool])
		text = text ", " skipped[kernel, tool] " skipped"
	return passed[kernel, tool] + failed[kernel, tool] + skipped[kernel, tool] ? text : "-"
}
BEGIN { tools = split("connsnoop proctop flowattr", tool, " ") }
FNR == 1 {
	name = FILENAME
	sub(/.*\//, "", name)
	sub(/\.lockdown$/, "", name)
	if (!seen[name]++)
		order[++kernels] = name
	script = ""
	over = 0
}
/^# failed:$/ { over = 1 } # the same lines once more
over { next }
/^# e2e\// && NF == 2 { script = substr($2, 5) }
/^# kernel / { release[name] = $3 }
/^# capability / {
	if (!($3 in row)) {
		row[$3] = ++rows
		capability[rows] = $3
	}
	has[name, $3] = $5 == "used" ? "used" : $4
}
/^ok .*# *SKIP/ { skipped[name, tool_of(script)]++; next }
/^ok / { passed[name, tool_of(script)]++ }
/^not ok / { failed[name, tool_of(script)]++ }
END {
	printf "| kernel |"
	for (t = 1; t <= tools; t++)
		printf " %s |", tool[t]
	printf "\n|---|---|---|---|\n"
	for (k = 1; k <= kernels; k++) {
		printf "| %s |", release[order[k]] (order[k] == "own" ? " (this machine)" : "")
		for (t = 1; t <= tools; t++)
			printf " %s |", cell(order[k], tool[t])
		print ""
	}
	printf "\n| capability |"
	for (k = 1; k <= kernels; k++)
		printf " %s |", order[k] == "own" ? "this machine" : order[k]
	printf "\n|---|"
	for (k = 1; k <= kernels; k++)
		printf "---|"
	print ""
	for (r = 1; r <= rows; r++) {
		printf "| `%s` |", capability[r]
		for (k = 1; k <= kernels; k++)
			printf " %s |", has[order[k], capability[r]]
		print ""
	}
}' "${files[@]}"
