#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Fetches the programs that tests use, and their libraries, for machines of another architecture than
# this one: from Debian's packages of that architecture, by apt, which verifies them. The machine must
# know it (dpkg --add-architecture); its own packages are neither used for it nor changed.
#   userland.sh ARCHITECTURE    prints the folder that holds usr/; what is there already is taken as
#                               it is
# Exit status 77, and the reason on stderr, if they cannot be had.

set -euo pipefail
CACHE=${XDG_CACHE_HOME:-$HOME/.cache}/connsnoop-vm
PACKAGES="bash dash busybox-static gojq mawk iproute2 nftables procps util-linux bsdutils mount sed grep
	diffutils findutils coreutils libc-bin tmux ncurses-base ncurses-bin python3-minimal
	libbpf1 libelf1 zlib1g libcap-ng0 libncursesw6 libpcap0.8 libgcc-s1"
UNUSED="doc man locale i18n zoneinfo perl perl5 bash-completion"

# fetch: all that they depend on, as if nothing were installed
fetch() {
	local archives=$CACHE/apt/userland-$architecture new=$root.new deb name unused=()
	for name in $UNUSED; do
		unused+=(--exclude="./usr/share/$name")
	done
	echo "programs of $architecture: fetching them" >&2
	rm -rf "$archives" "$new"
	mkdir -p "$archives/partial" "$new"/usr/{bin,sbin,lib,lib64}
	# shellcheck disable=SC2086 # words
	timeout 600 apt-get -qq -y --no-install-recommends --download-only \
		-o APT::Architecture="$architecture" -o APT::Architectures="$architecture" \
		-o APT::Sandbox::User="$(id -un)" -o Debug::NoLocking=1 \
		-o Dir::State::Status=/dev/null -o Dir::Cache::Archives="$archives" \
		install $PACKAGES >"$archives/log" 2>&1 || {
		echo "programs of $architecture: not to be had: $(tail -n 1 "$archives/log")" >&2
		exit 77
	}
	ln -s usr/bin usr/sbin usr/lib usr/lib64 "$new"
	for deb in "$archives"/*.deb; do
		dpkg-deb --fsys-tarfile "$deb" | tar -x --keep-directory-symlink -C "$new" "${unused[@]}"
	done
	rm -rf "$archives" "$root"
	mv "$new" "$root"
}

architecture=${1:?which architecture?}
root=$CACHE/userland-$architecture
mkdir -p "$CACHE"
exec 9>"$CACHE/lock.userland-$architecture"
flock 9
[ -e "$root" ] || fetch
echo "$root"
