#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# A kernel that was booted with lockdown=confidentiality: a clear refusal. (Virtual machines only.)

# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
if ! grep -qw lockdown=confidentiality /proc/cmdline; then
	echo "1..0 # SKIP this kernel was not booted with lockdown=confidentiality"
	exit 0
fi
e2e_begin
like "$(cat /sys/kernel/security/lockdown)" '\[confidentiality\]' "the kernel is locked down"
for options in -j -l --existing '-- true'; do
	# shellcheck disable=SC2086 # words
	tool_run $options
	is "$TOOL_STATUS $(wc -l <"$T/err") $(wc -c <"$T/out")" "1 1 0" "$options: status 1, one line" ||
		diag <"$T/err"
	like "$(cat "$T/err")" 'lockdown=confidentiality' "$options: says why"
done
e2e_end
