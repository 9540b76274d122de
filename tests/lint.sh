#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# What can be said of the sources without running them. Prints FILE:LINE: what is wrong; changes
# nothing; fails if there was anything to say.
#   lint.sh [CHECK...]   all checks, or these: format shell licence tree layers size words globals
#                        tidy cppcheck
# shellcheck disable=SC2317 # the checks are called by their names

set -u -o pipefail
cd "$(dirname "$0")/.." || exit 1
shopt -s nullglob
BUILD=${BUILD:-build}
FILE_LINES=400    # of a file of lib/ or tools/, at most
FUNCTION_LINES=80 # of a function, at most

C=(bpf/*.c bpf/*.h lib/*.c lib/*.h tools/*.c tools/*.h tests/*/*.c tests/*/*.h)
SCRIPTS=(tests/*.sh tests/*/*.sh vmlinux/*.sh .ci/run)
OBJECTS=(bpf/*.bpf.c)
OBJECTS=("${OBJECTS[@]#bpf/}")
OBJECTS=("${OBJECTS[@]%.bpf.c}")
TOOLS=(tools/*.8.scd)
TOOLS=("${TOOLS[@]#tools/}")
TOOLS=("${TOOLS[@]%.8.scd}")

# need PROGRAM: a check that cannot be made is not one that passed
need() {
	command -v "$1" >/dev/null || {
		echo "$1 is not installed"
		return 1
	}
}

check_format() {
	need clang-format || return
	clang-format --dry-run -Werror "${C[@]}" 2>&1 | grep -E '(error|warning):' |
		sort -t: -k1,1 -k2,2n -u
}

check_shell() {
	need shellcheck || return
	shellcheck -x -f gcc "${SCRIPTS[@]}"
}

check_licence() {
	local file line
	for file in "${C[@]}" "${SCRIPTS[@]}" Makefile tests/*/*.jq tests/*/*.awk; do
		line=1
		[[ $(head -c 2 "$file") == '#!' ]] && line=2
		sed -n "${line}p" "$file" | grep -qE '^(//|/\*|#) SPDX-License-Identifier: GPL-2.0-only( \*/)?$' ||
			echo "$file:$line: no SPDX line with GPL-2.0-only"
	done
}

# Nothing else stands at the top; what a run left there is not for others.
check_tree() {
	git ls-files 2>/dev/null | sed 's|/.*||' | sort -u |
		grep -vxE 'bpf|lib|tests|tools|vmlinux|Makefile|README\.md|LICENSE|\.[a-z-]+' |
		sed 's/$/: has no place in the tree/'
}

# Who may include whom. A file is of a tool if its name begins with the tool's; of a part that tools
# share (connection) or could share (packets) likewise, and that knows no tool.
check_layers() {
	awk -v names="${TOOLS[*]}" -v shared='connection packets' '
	function of_tool(path,    base, i) {
		base = path
		sub(/.*\//, "", base)
		for (i = 1; i <= n; i++)
			if (base ~ "^" tools[i] "[_.]")
				return tools[i]
		return ""
	}
	function bad(why) {
		printf "%s:%d: includes %s: %s\n", FILENAME, FNR, path, why
	}
	BEGIN { n = split(names " " shared, tools, " ") }
	!/^[ \t]*#[ \t]*include[ \t]+"/ { next }
	{
		split($0, parts, "\"")
		path = parts[2]
		own = of_tool(FILENAME)
		other = of_tool(path)
		if (index(" " shared " ", " " other " ") && other != "" && own != "")
			next
	}
	FILENAME ~ /^lib\// && path !~ /^lib\// && path !~ /^bpf\/(record|filter)\.h$/ {
		bad("lib knows only lib, bpf/record.h and bpf/filter.h")
	}
	FILENAME ~ /^lib\// && other != "" { bad("lib knows no tool") }
	FILENAME ~ /^bpf\// && path ~ /\// { bad("bpf knows only bpf") }
	FILENAME ~ /^bpf\// && other != "" && other != own { bad("no more than its own tool") }
	FILENAME ~ /^bpf\// && own == "" && /\.skel\.h"/ { bad("a skeleton") }
	FILENAME ~ /^tools\// && path !~ /^(lib|tools)\// && path != "bpf/" own ".h" &&
		path != own ".skel.h" && path != own "_plain.skel.h" {
		bad("a tool knows lib, its own bpf/<tool>.h and its skeletons")
	}
	FILENAME ~ /^tools\// && path ~ /^tools\// && other != own { bad("another tool") }
	' bpf/*.[ch] lib/*.[ch] tools/*.[ch]
}

check_size() {
	awk -v most="$FILE_LINES" '
	FNR == most + 1 { printf "%s:%d: the file goes on beyond %d lines\n", FILENAME, FNR, most }
	' lib/*.[ch] tools/*.[ch]
	awk -v most="$FUNCTION_LINES" '
	FNR == 1 { begin = 0 }
	/^[a-zA-Z].*\(/ { name = $0; sub(/\(.*/, "", name); sub(/.*[ *]/, "", name) }
	/^\{/ { begin = FNR }
	/^\}/ && begin && FNR - begin - 1 > most {
		printf "%s:%d: %s() has %d lines, more than %d\n", FILENAME, begin, name,
			FNR - begin - 1, most
	}
	/^\}/ { begin = 0 }
	' bpf/*.[ch] lib/*.[ch] tools/*.[ch]
}

check_words() {
	grep -nE 'TO''DO|FIX''ME' "${C[@]}" "${SCRIPTS[@]}" Makefile
}

# In lib/ and tools/ no variable outlives its function, but constants: with a pointer, both ends.
check_globals() {
	awk '
	/^[ \t]*static / || (/^[a-z_].*[;={]$/ && !/^(extern|typedef|return|goto|else|do|case) ?/) {
		text = $0
		sub(/=.*/, "", text)
		local = /^[ \t]/
		if (text ~ /^[ \t]*(static )?[a-z_0-9 *]+\(\*[a-z]/)
			printf "%s:%d: a function pointer that lasts: %s\n", FILENAME, FNR, $0
		if (text ~ /\(/ || text ~ /^(struct|union|enum)( [a-z_0-9]+)?( \{|;)/)
			next
		if (text ~ /\*/ ? text ~ /\*[ ]*const[ \[a-z_A-Z0-9]/ : text ~ /(^|[ \t])const /)
			next
		if (local || text ~ /^(static )?(const )?[a-z_0-9]+ /)
			printf "%s:%d: a variable that lasts: %s\n", FILENAME, FNR, $0
	}
	' lib/*.[ch] tools/*.[ch]
}

# In parallel. The analyzer, which takes long, is for what is installed. It does not see through the
# macros of uthash, and helpers of BPF (there it is the verifier that knows what was never set).
check_tidy() {
	local flags bpf_flags tool
	need clang-tidy || return
	for tool in "${OBJECTS[@]}"; do
		[ -e "$BUILD/$tool.skel.h" ] || {
			echo "no $BUILD/$tool.skel.h: build it first"
			return
		}
	done
	flags="-- -std=gnu17 -D_GNU_SOURCE -DVERSION=__FILE__ -I. -I$BUILD"
	bpf_flags="--checks=-clang-analyzer-core.UndefinedBinaryOperatorResult -- -target bpf -O2"
	bpf_flags+=" -D__TARGET_ARCH_$(uname -m | sed 's/x86_64/x86/; s/aarch64/arm64/')"
	bpf_flags+=" -Ivmlinux -Ibpf"
	{
		for tool in "${OBJECTS[@]}"; do
			echo "bpf/$tool.bpf.c $bpf_flags"
		done
		printf "%s $flags\n" lib/*.c tools/*.c
		printf "%s --checks=-clang-analyzer-* $flags\n" tests/*/*.c
	} | xargs -P "$(nproc)" -L 1 clang-tidy --quiet 2>/dev/null |
		grep -E '(warning|error): .*\[' | sed "s|^$PWD/||" | sort -t: -k1,1 -k2,2n -u |
		while IFS=: read -r file line rest; do
			sed -n "${line}p" "$file" | grep -q 'HASH_' || echo "$file:$line:$rest"
		done
}

check_cppcheck() {
	command -v cppcheck >/dev/null || return # one more pair of eyes, where there is one
	cppcheck -q -j"$(nproc)" --std=c11 --enable=warning,performance,portability --inline-suppr \
		--template='{file}:{line}: {severity}: {message} [{id}]' \
		--suppress=internalAstError --suppress=preprocessorErrorDirective \
		--suppress=nullPointerRedundantCheck \
		-D_GNU_SOURCE -D'HASH_ITER(a,b,c,d)=for(;;)' -D'LIBBPF_OPTS(...)=' -I. \
		lib tools 2>&1
}

CHECKS=("$@")
[ $# -gt 0 ] || CHECKS=(format shell licence tree layers size words globals tidy cppcheck)
T=$(mktemp -d) || exit 1
trap 'rm -rf "$T"' EXIT
for check in "${CHECKS[@]}"; do
	"check_$check" >"$T/$check" &
done
wait
failed=0
for check in "${CHECKS[@]}"; do
	[ -s "$T/$check" ] || continue
	sed "s/^/$check: /" "$T/$check"
	failed=1
done
exit $failed
