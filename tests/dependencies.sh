#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# The Debian packages that the project needs.
#   dependencies.sh build                 name what is missing to build, and fail
#   dependencies.sh install build|test|bench|vm   say what is missing, install just that
set -euo pipefail

build="gcc make clang llvm bpftool libbpf-dev libelf-dev zlib1g-dev libcap-ng-dev uthash-dev
	libc6-dev libncurses-dev scdoc"
test="$build libcmocka-dev iproute2 jq busybox-static clang-format clang-tidy shellcheck util-linux
	tmux python3-minimal"
bench="$build iproute2 jq lsof procps htop atop tmux util-linux"
vm="$build iproute2 jq busybox-static util-linux python3-minimal xz-utils debian-archive-keyring
	qemu-system-x86"

missing() {
	local package
	for package in "$@"; do
		dpkg-query -W -f '${db:Status-Status}\n' "$package" 2>/dev/null |
			grep -qx installed || printf '%s ' "$package"
	done
}

case "${1-}" in
build)
	command -v dpkg-query >/dev/null || exit 0 # another distribution: the compiler will tell
	# shellcheck disable=SC2086
	absent=$(missing $build)
	[ -z "$absent" ] && exit 0
	echo "missing packages: $absent" >&2
	echo "install them: apt-get install $absent" >&2
	exit 1
	;;
install)
	case "${2-}" in
	build) wanted=$build ;;
	test) wanted=$test ;;
	bench) wanted=$bench ;;
	vm) wanted=$vm ;;
	*) exit 2 ;;
	esac
	# shellcheck disable=SC2086
	absent=$(missing $wanted)
	[ -z "$absent" ] && exit 0
	echo "about to install with apt-get: $absent"
	[ "$(id -u)" = 0 ] || {
		echo "not root: run this again with sudo" >&2
		exit 1
	}
	export DEBIAN_FRONTEND=noninteractive
	apt-get update -q
	# shellcheck disable=SC2086
	apt-get install -q -y --no-install-recommends $absent
	;;
*)
	exit 2
	;;
esac
