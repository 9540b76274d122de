#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Fetches a kernel of the table `kernels` by the name of its package, with apt, which verifies it,
# from the mirror that this machine's own sources name. All of it happens in a folder of our own: the
# machine's package lists, sources and packages are neither used nor changed.
#   fetch.sh [-u] KERNEL    prints the folder that holds vmlinuz and lib/modules; -u: look for a newer one
# Exit status 77, and the reason on stderr, if it cannot be had.

set -euo pipefail
HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
CACHE=${XDG_CACHE_HOME:-$HOME/.cache}/connsnoop-vm
KEYS=/usr/share/keyrings/debian-archive-keyring.gpg

update=
[ "${1-}" != -u ] || {
	update=1
	shift
}
kernel=${1:?which kernel?}

unavailable() {
	echo "kernel $kernel: $*" >&2
	exit 77
}

read -r package suites < <(awk -v kernel="$kernel" '$1 == kernel { $1 = ""; print }' "$HERE/kernels") ||
	{
		echo "kernel $kernel: not in $HERE/kernels" >&2
		exit 2
	}
mkdir -p "$CACHE"
exec 9>"$CACHE/lock"
flock 9 # two that fetch at once would trip over each other

link=$CACHE/$kernel
if [ -z "$update" ] && [ -e "$link/vmlinuz" ]; then
	readlink -f "$link"
	exit
fi

# shellcheck source=/dev/null
codename=$(. /etc/os-release && echo "${VERSION_CODENAME-}")

# archive SUITE: the address where this machine gets SUITE's like
archive() {
	local like=$codename
	[[ $1 != *-security ]] || like=$codename-security
	# shellcheck disable=SC2016 # apt's variables
	apt-get indextargets --format '$(RELEASE) $(REPO_URI)' 'Created-By: Packages' |
		awk -v like="$like" '$1 == like { print $2; exit }'
}

command -v apt-get >/dev/null || unavailable "no apt-get on this machine to fetch it with"
[ -r "$KEYS" ] || unavailable "no $KEYS to verify it with"
apt=$CACHE/apt/$kernel
mkdir -p "$apt/lists/partial" "$apt/archives/partial"
: >"$apt/sources.list"
for suite in $suites; do
	uri=$(archive "$suite")
	[ -z "$uri" ] || echo "deb [signed-by=$KEYS] $uri $suite main" >>"$apt/sources.list"
done
# all suites alike, also those that say of themselves that they are not for everybody
printf 'Package: *\nPin: release *\nPin-Priority: 500\n' >"$apt/preferences"
[ -s "$apt/sources.list" ] || unavailable "this machine's apt sources name no archive of Debian ($suites)"

APT=(-qq -o APT::Architecture=amd64 -o APT::Architectures=amd64 -o Acquire::Languages=none
	-o Acquire::Retries=2 -o APT::Sandbox::User=root
	-o Dir::Etc::SourceList="$apt/sources.list" -o Dir::Etc::SourceParts=/dev/null
	-o Dir::Etc::Preferences="$apt/preferences" -o Dir::Etc::PreferencesParts=/dev/null
	-o Dir::State="$apt" -o Dir::State::Lists="$apt/lists" -o Dir::State::Status=/dev/null
	-o Dir::Cache="$apt" -o Dir::Cache::Archives="$apt/archives")

echo "kernel $kernel: fetching $package ($suites)" >&2
# a suite that is not there must not keep us from the others
timeout 300 apt-get "${APT[@]}" update >"$apt/log" 2>&1 || true
image=$(apt-cache "${APT[@]}" depends --no-recommends --no-suggests "$package" 2>>"$apt/log" |
	awk '$1 == "Depends:" && $2 ~ /^linux-image-[0-9]/ { print $2; exit }')
[ -n "$image" ] || unavailable "the mirror has no $package in $suites; see $apt/log"

# What the image needs of its own kind: newer ones keep kernel and modules in packages apart.
mapfile -t parts < <(apt-cache "${APT[@]}" depends --no-recommends --no-suggests "$image" |
	awk '$1 == "Depends:" && $2 ~ /^linux-(binary|modules|image)-[0-9]/ { print $2 }')
rm -rf "$apt/fetched"
mkdir "$apt/fetched"
(cd "$apt/fetched" && timeout 600 apt-get "${APT[@]}" download "$image" "${parts[@]}") >>"$apt/log" 2>&1 ||
	unavailable "cannot download $image; see $apt/log"

new=$CACHE/$image
rm -rf "$new.new" "$new"
mkdir "$new.new"
for deb in "$apt"/fetched/*.deb; do
	dpkg-deb -x "$deb" "$new.new"
done
rm -rf "$apt/fetched"
vmlinuz=$(find "$new.new" -name 'vmlinuz*' -type f | head -n 1)
[ -n "$vmlinuz" ] || unavailable "no kernel in $image"
mv "$vmlinuz" "$new.new/vmlinuz"
[ -d "$new.new/lib/modules" ] || ln -s usr/lib "$new.new/lib"
mv "$new.new" "$new"
ln -sfn "$image" "$link"
readlink -f "$link"
