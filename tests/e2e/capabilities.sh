#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# What this kernel offers, in the tool's own words, against the table of the tree that decides which
# tests apply. The comments are collected by `make matrix`.

# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
e2e_begin

echo "# kernel $(uname -r)"

tool_run --features -j
is "$TOOL_STATUS" 0 "--features: status 0" || diag <"$T/err"
jq -r 'select(.type == "feature") | "\(.name) \(if .available then "yes" else "no" end) \(
	if .used then "used" else "-" end)"' "$T/out" >"$T/features"
is "$(jq -r 'select(.used and (.available | not)) | .name' "$T/out")" "" \
	"--features: nothing is used that is not there"

awk '/^#/ || !NF { next } header++ { print $1 }' "$CAPABILITIES" >"$T/rows"
is "$(cut -d ' ' -f 1 "$T/features" | grep -vxF -f "$T/rows")" "" "each feature has its row in the table"
while read -r row; do
	grep -q "^$row " "$T/features" || echo "$row $(found "$row" && echo yes || echo no) -"
done <"$T/rows" >"$T/facilities"

while read -r name available used; do
	echo "# capability $name $available $used"
	promise=$(promised "$name")
	[ -z "$promise" ] || is "$available" "$promise" "the table's word on $name: $promise"
done < <(cat "$T/features" "$T/facilities")
[ -z "${KERNEL:-}" ] || like "$(awk '$1 == "capability"' "$CAPABILITIES")" "[[:space:]]$KERNEL([[:space:]]|\$)" \
	"the table has this kernel, $KERNEL"

e2e_end
