#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Fetches a kernel of the table `kernels` by the name of its package, with apt, which verifies it,
# from the mirror that this machine's own sources name. All of it happens in a folder of our own:
# the machine's package lists, sources and packages are neither used for it nor changed.
#   fetch.sh [-u] KERNEL    prints the folder that holds vmlinuz and lib/modules; what is there
#                           already is taken as it is, but for -u: the newest
# Exit status 77, and the reason on stderr, if it cannot be had.

set -euo pipefail
HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
CACHE=${XDG_CACHE_HOME:-$HOME/.cache}/connsnoop-vm
KEYS=/usr/share/keyrings/debian-archive-keyring.gpg

unavailable() {
	echo "kernel $kernel: not to be had: $*" >&2
	exit 77
}

# archive SUITE: the address where this machine gets suites of that kind
archive() {
	local codename
	# shellcheck source=/dev/null
	codename=$(. /etc/os-release && echo "${VERSION_CODENAME-}")
	[[ $1 != *-security ]] || codename+=-security
	# shellcheck disable=SC2016 # apt's variables
	apt-get indextargets --format '$(RELEASE) $(REPO_URI)' 'Created-By: Packages' |
		awk -v codename="$codename" '$1 == codename && !n++ { print $2 }'
}

# sources SUITE...: apt's configuration in the folder $apt
sources() {
	local suite uri
	mkdir -p "$apt/lists/partial" "$apt/archives/partial"
	# all suites alike, also those that say of themselves that they are not for everybody
	printf 'Package: *\nPin: release *\nPin-Priority: 500\n' >"$apt/preferences"
	: >"$apt/sources.list"
	for suite in "$@"; do
		uri=$(archive "$suite")
		[ -z "$uri" ] || echo "deb [signed-by=$KEYS] $uri $suite main" >>"$apt/sources.list"
	done
	[ -s "$apt/sources.list" ] || unavailable "this machine's sources name no archive for $*"
	APT=(-qq -o APT::Architecture="$architecture" -o APT::Architectures="$architecture"
		-o APT::Sandbox::User="$(id -un)" -o Acquire::Languages=none -o Acquire::Retries=2
		-o Dir::Etc::SourceList="$apt/sources.list" -o Dir::Etc::SourceParts=/dev/null
		-o Dir::Etc::Preferences="$apt/preferences" -o Dir::Etc::PreferencesParts=/dev/null
		-o Dir::State="$apt" -o Dir::State::Lists="$apt/lists"
		-o Dir::State::Status=/dev/null -o Dir::Cache="$apt"
		-o Dir::Cache::Archives="$apt/archives")
}

# depends PACKAGE REGEX: which of these it depends on; nothing if there is no such package
depends() {
	{ apt-cache "${APT[@]}" depends --no-recommends --no-suggests "$1" 2>>"$apt/log" || true; } |
		awk -v regex="$2" '$1 == "Depends:" && $2 ~ regex { print $2 }'
}

# unpack IMAGE DEB...: into a folder of that name
unpack() {
	local new=$CACHE/$1.new deb vmlinuz
	rm -rf "$new"
	mkdir "$new"
	for deb in "${@:2}"; do
		dpkg-deb -x "$deb" "$new"
	done
	vmlinuz=$(find "$new" -name 'vmlinuz*' -type f | head -n 1)
	[ -n "$vmlinuz" ] || unavailable "no kernel in $1"
	mv "$vmlinuz" "$new/vmlinuz"
	[ -d "$new/lib/modules" ] || ln -s usr/lib "$new/lib"
	rm -rf "${CACHE:?}/$1"
	mv "$new" "$CACHE/$1"
}

fetch() {
	local package=$1 suites=("${@:2}") architecture=${1##*-} image parts
	command -v apt-get >/dev/null || unavailable "there is no apt on this machine"
	[ -r "$KEYS" ] || unavailable "there is no $KEYS to verify it with"
	echo "kernel $kernel: fetching $package from ${suites[*]}" >&2
	apt=$CACHE/apt/$kernel
	sources "${suites[@]}"
	# a suite that is not there must not keep us from the others
	timeout 300 apt-get "${APT[@]}" update >"$apt/log" 2>&1 || true
	image=$(depends "$package" '^linux-image-[0-9]' | head -n 1)
	[ -n "$image" ] || unavailable "the mirror has no $package in ${suites[*]} (log: $apt/log)"
	if [ ! -e "$CACHE/$image/vmlinuz" ]; then
		# newer ones have the kernel and its modules in packages of their own
		mapfile -t parts < <(depends "$image" '^linux-(binary|modules)-[0-9]')
		rm -rf "$apt/fetched"
		mkdir "$apt/fetched"
		(cd "$apt/fetched" && timeout 600 apt-get "${APT[@]}" download "$image" "${parts[@]}") \
			>>"$apt/log" 2>&1 || unavailable "$image does not come (log: $apt/log)"
		unpack "$image" "$apt"/fetched/*.deb
		rm -rf "$apt/fetched"
	fi
	ln -sfn "$image" "$CACHE/$kernel"
}

main() {
	local update='' entry
	[ "${1-}" != -u ] || {
		update=1
		shift
	}
	kernel=${1:?which kernel?}
	read -ra entry < <(awk -v kernel="$kernel" '$1 == kernel' "$HERE/kernels") || {
		echo "no kernel $kernel in $HERE/kernels" >&2
		exit 2
	}
	mkdir -p "$CACHE"
	exec 9>"$CACHE/lock.$kernel"
	flock 9
	if [ -n "$update" ] || [ ! -e "$CACHE/$kernel/vmlinuz" ]; then
		fetch "${entry[@]:2}"
	fi
	readlink -f "$CACHE/$kernel"
}

main "$@"
