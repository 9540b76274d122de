#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Makes the file system that the virtual machine runs in, from this machine's programs (for arm64 from
# those of userland.sh), the kernel's modules, the project's binaries and its tests.
#   initramfs.sh IMAGE BUILD FILE COMMAND [ARG...]     IMAGE: as fetch.sh prints it
# KERNEL, the name in the table `kernels`, is handed on to the command.

set -euo pipefail
HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

# What tests use. One that this machine lacks will be missed by the test that needs it.
PROGRAMS="bash dash sh busybox gojq awk ip ss nft sysctl nsenter unshare setpriv findmnt mount umount sed
	grep diff comm iconv find xargs ps script tmux getent python3 stdbuf
	basename cat chmod chown chroot clear cp cut date dd dirname du echo env expr false head id kill
	ln ls mkdir mkfifo mknod mktemp mv nice nproc od paste printf pwd readlink realpath rm rmdir
	seq sha256sum sleep sort split stat stty sync tac tail taskset tee test timeout touch tr
	true truncate tty uname uniq wc whoami yes"
AT_BOOT="virtio_pci virtio_console veth" # modules; others are loaded when the kernel asks for them
MODULES="$AT_BOOT dummy tun tcp_diag udp_diag raw_diag netlink_diag unix_diag af_packet_diag
	sch_netem sctp sctp_diag bridge nf_conntrack nf_conntrack_netlink nf_tables nft_chain_nat nft_nat
	nft_masq vxlan 8021q ip_gre ipip"

# Programs, what they are linked with, and what they open: $R/usr.
add_programs() {
	local program path target real=()
	for program in $PROGRAMS; do
		path=$(PATH=/usr/sbin:/usr/bin:/sbin:/bin type -P "$program") || continue
		target=$(readlink -f "$path")
		real+=("$target")
		path=$R/usr${path#/usr}
		[ "${path#"$R"}" = "$target" ] || ln -sf "$target" "$path"
	done
	{
		printf '%s\n' "${real[@]}"
		ldd "${real[@]}" "$R"/project/build/* "$R"/project/build/tests/* |
			awk '$2 == "=>" && $3 ~ /^\// { print $3 } $1 ~ /^\// && $2 ~ /^\(/ { print $1 }'
		# what glibc opens by itself at pthread_exit()
		find /usr/lib/*/ -maxdepth 1 -name libgcc_s.so.1
		find /usr/lib/locale/C.utf8 -type f
		find /lib/terminfo /usr/share/terminfo -type f \
			\( -name 'xterm*' -o -name 'screen*' -o -name 'tmux*' \)
		# as far as python3-minimal goes
		dpkg-query -L "libpython3.${real_python##*.}-minimal" | grep '\.py$'
	} >"$R/files" 2>/dev/null || true # some are not dynamic, some not there
	sed 's|^/lib|/usr/lib|' "$R/files" | sort -u | xargs -d '\n' cp -L --parents -t "$R"
	rm "$R/files"
}

# those of another architecture
add_userland() {
	local root
	root=$("$HERE/userland.sh" "$1")
	cp -a "$root/usr/." "$R/usr/"
	ln -sf mawk "$R/usr/bin/awk"
}

add_links() {
	ln -sf gojq "$R/usr/bin/jq" # the same language, and starts seven times as fast
	ln -sf busybox "$R/usr/bin/modprobe"
	ln -sf ../bin/busybox "$R/usr/sbin/modprobe"
}

add_project() {
	local path
	mkdir -p "$R/project/build/tests"
	cp -r "$HERE/.." "$R/project/tests"
	for path in "$BUILD"/* "$BUILD"/tests/*; do
		if [ -f "$path" ] && [ -x "$path" ] && [[ $path != */fuzz_* ]]; then
			cp "$path" "$R/project/build/${path#"$BUILD"/}"
		fi
	done
}

# add_module NAME: and what it depends on
add_module() {
	local name found to
	found=$(grep -m1 -E "/${1//[-_]/[-_]}\.ko(\.xz)?$" "$R/modules") || return 0 # built in
	to=$to_modules/${found#"$from_modules/"}
	to=${to%.xz}
	[ ! -e "$to" ] || return 0
	mkdir -p "${to%/*}"
	case $found in
	*.xz) xz -dc "$found" >"$to" ;;
	*) cp "$found" "$to" ;;
	esac
	for name in $(tr '\0' '\n' <"$to" | sed -n 's/^depends=//p' | tr , ' '); do
		add_module "$name"
	done
}

add_modules() {
	local version name
	version=$(basename "$image"/lib/modules/*)
	from_modules=$image/lib/modules/$version
	to_modules=$R/usr/lib/modules/$version
	mkdir -p "$to_modules"
	find "$from_modules" -maxdepth 1 -name 'modules.*' -exec cp {} "$to_modules" \;
	find "$from_modules/" -name '*.ko*' >"$R/modules"
	for name in $MODULES; do
		add_module "$name"
	done
	rm "$R/modules"
	busybox depmod -b "$R" "$version"
	echo "$AT_BOOT" >"$R/etc/modules"
}

add_etc() {
	printf '%s\n' root:x:0:0::/root:/bin/bash daemon:x:1:1::/:/bin/false \
		nobody:x:65534:65534::/:/bin/false >"$R/etc/passwd"
	printf '%s\n' root:x:0: daemon:x:1: nogroup:x:65534: >"$R/etc/group"
	printf '%s\n' '127.0.0.1 localhost guest' '::1 localhost' >"$R/etc/hosts"
	ln -s /proc/mounts "$R/etc/mtab"
	{
		printf 'export KERNEL=%q\nexec' "${KERNEL:-}"
		printf ' %q' "$@"
		echo
	} >"$R/etc/command"
}

image=$1 BUILD=$2 file=$3
shift 3
R=$(mktemp -d)
trap 'rm -rf "$R"' EXIT
chmod 755 "$R" # some tests are not root
mkdir -p "$R"/{dev,proc,sys,run,tmp,root,etc,var,usr/{bin,sbin,lib,lib64}}
ln -s usr/bin usr/sbin usr/lib usr/lib64 "$R"
real_python=$(readlink -f /usr/bin/python3)
add_project
if [ "${KERNEL:-}" = arm64 ]; then
	add_userland arm64
else
	add_programs
fi
add_links
add_modules
add_etc "$@"
cp "$HERE/init" "$R/init"
(cd "$R" && find . -print0 | busybox cpio -0 -o -H newc 2>/dev/null) >"$file"
