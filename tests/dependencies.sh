#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# The Debian packages that the project needs.
#   dependencies.sh build [cross-arm64]   name what is missing to build, and fail
#   dependencies.sh install GROUP         say what is missing, install just that
# GROUP: build, test, bench, vm, cross-arm64, vm-arm64
set -euo pipefail

build="gcc make clang llvm bpftool libbpf-dev libelf-dev zlib1g-dev libcap-ng-dev uthash-dev
	libc6-dev libncurses-dev libpcap-dev scdoc"
test="$build libcmocka-dev iproute2 jq busybox-static clang-format clang-tidy shellcheck util-linux
	tmux python3-minimal tshark nftables"
bench="$build iproute2 jq lsof tcpdump nethogs procps htop atop tmux util-linux"
vm="$build iproute2 gojq busybox-static util-linux python3-minimal xz-utils debian-archive-keyring
	qemu-system-x86 nftables"
# what makes connsnoop for another machine: the libraries are that machine's own packages
cross_arm64="$build gcc-aarch64-linux-gnu libc6-dev-arm64-cross libbpf-dev:arm64 libelf-dev:arm64
	zlib1g-dev:arm64 libcap-ng-dev:arm64 libncurses-dev:arm64 libpcap0.8-dev:arm64"
vm_arm64="$cross_arm64 busybox-static xz-utils qemu-system-arm debian-archive-keyring"

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
	[ "${2-}" != cross-arm64 ] || build=$cross_arm64
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
	cross-arm64) wanted=$cross_arm64 ;;
	vm-arm64) wanted=$vm_arm64 ;;
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
	if [[ $absent == *:arm64* ]]; then
		echo "with packages of arm64 beside the machine's own (dpkg --add-architecture arm64)"
		dpkg --add-architecture arm64
	fi
	apt-get update -q
	# shellcheck disable=SC2086
	apt-get install -q -y --no-install-recommends $absent
	;;
*)
	exit 2
	;;
esac
