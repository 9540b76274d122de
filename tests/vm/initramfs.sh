#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Makes the file system that the virtual machine runs in, from this machine's programs and the
# kernel's modules.
#   initramfs.sh IMAGE BUILD FILE COMMAND [ARG...]     IMAGE: as fetch.sh prints it

set -euo pipefail
HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
PROJECT=$(cd "$HERE/../.." && pwd)
image=$1 BUILD=$2 file=$3
shift 3

# What tests use. One that this machine lacks will be missed by the test that needs it.
PROGRAMS="bash busybox jq awk mawk gawk ip ss sysctl nsenter unshare setpriv findmnt mount umount
	sed grep diff comm iconv find xargs ps script tmux
	arch basename cat chmod chown chroot cksum cp cut date dd dirname du echo env expr false
	head id kill ln ls md5sum mkdir mkfifo mknod mktemp mv nice nproc od paste printf pwd readlink
	realpath rm rmdir seq sha256sum sleep sort split stat stdbuf stty sync tac tail taskset tee test
	timeout touch tr true truncate tty uname uniq wc whoami yes getent dash sh"
MODULES="virtio_pci virtio_console veth dummy tun inet_diag tcp_diag udp_diag raw_diag netlink_diag
	unix_diag af_packet_diag sch_netem"

R=$(mktemp -d)
trap 'rm -rf "$R"' EXIT
chmod 755 "$R"
mkdir -p "$R"/{dev,proc,sys,run,tmp,root,etc,var,project,usr/{bin,sbin,lib,lib64}}
ln -s usr/bin usr/sbin usr/lib usr/lib64 "$R"
ln -s /run "$R/var/run"
ln -s /tmp "$R/var/tmp"

# ---- programs ----

real=() # files to copy to where they are here
for program in $PROGRAMS; do
	path=$(PATH=/usr/sbin:/usr/bin:/sbin:/bin command -v "$program") || continue
	[[ $path == /* ]] || path=/usr/bin/$program # a word that the shell itself knows
	[ -e "$path" ] || continue
	target=$(readlink -f "$path")
	real+=("$target")
	path=/usr/${path#/usr}
	path=${path//\/\//\/}
	[ "$path" = "$target" ] || {
		mkdir -p "$R/${path%/*}"
		ln -sf "$target" "$R/$path"
	}
done
if python=$(readlink -e /usr/bin/python3); then
	real+=("$python")
	ln -s "$python" "$R/usr/bin/python3"
	mapfile -t -O ${#real[@]} real < <(dpkg-query -L "libpython${python##*python}-minimal" |
		grep '\.py$')
fi
mapfile -t -O ${#real[@]} real < <(find /usr/lib/locale/C.utf8 /lib/terminfo /usr/share/terminfo -type f \
	\( -path '*/C.utf8/*' -o -name 'xterm*' -o -name 'screen*' -o -name dumb -o -name linux \) 2>/dev/null)

# What glibc opens by itself, at pthread_exit().
mapfile -t -O ${#real[@]} real < <(find /usr/lib -maxdepth 2 -name 'libgcc_s.so.1')

# ---- the project ----

mkdir -p "$R/project/build/tests"
for path in "$BUILD"/*; do
	[ -f "$path" ] && [ -x "$path" ] && cp "$path" "$R/project/build/"
done
for path in "$BUILD"/tests/*; do
	[ -f "$path" ] && [ -x "$path" ] && [[ $path != */fuzz_* ]] && cp "$path" "$R/project/build/tests/"
done
cp -r "$PROJECT/tests" "$R/project/"

# ---- what they are linked with ----

mapfile -t -O ${#real[@]} real < <({
	ldd "${real[@]}" "$R"/project/build/* "$R"/project/build/tests/* 2>/dev/null || true
} | awk '$2 == "=>" && $3 ~ /^\// { print $3 } $1 ~ /^\// && $2 ~ /^\(/ { print $1 }' | sort -u)
for path in "${real[@]}"; do
	to=$R/usr/${path#/usr}
	mkdir -p "${to%/*}"
	cp -L "$path" "$to"
done

# ---- modules ----

version=$(basename "$image"/lib/modules/*)
modules=$R/usr/lib/modules/$version
mkdir -p "$modules"
find "$image/lib/modules/$version" -maxdepth 1 -name 'modules.*' -exec cp {} "$modules" \;
declare -A have

# module NAME: copies it, and what it depends on
module() {
	local name=${1//-/_} found to depends
	[ -z "${have[$name]-}" ] || return 0
	have[$name]=1
	found=$(find "$image/lib/modules/$version/kernel" -name "${name//_/[-_]}.ko*" | head -n 1)
	[ -n "$found" ] || return 0 # built in, or not there
	to=$modules/${found#"$image/lib/modules/$version/"}
	mkdir -p "${to%/*}"
	case $found in
	*.xz) xz -dc "$found" >"${to%.xz}" && to=${to%.xz} ;;
	*.zst) zstd -dqc "$found" >"${to%.zst}" && to=${to%.zst} ;;
	*) cp "$found" "$to" ;;
	esac
	depends=$(tr '\0' '\n' <"$to" | sed -n 's/^depends=//p' | tr , ' ')
	for name in $depends; do
		module "$name"
	done
}
for name in $MODULES; do
	module "$name"
done
busybox depmod -b "$R" "$version"
ln -s busybox "$R/usr/bin/modprobe"
ln -s ../bin/busybox "$R/usr/sbin/modprobe"

# ---- the rest ----

echo "virtio_pci virtio_console veth" >"$R/etc/modules"
printf 'root:x:0:0::/root:/bin/bash\ndaemon:x:1:1::/:/bin/false\nnobody:x:65534:65534::/:/bin/false\n' \
	>"$R/etc/passwd"
printf 'root:x:0:\ndaemon:x:1:\nnogroup:x:65534:\n' >"$R/etc/group"
printf '127.0.0.1 localhost guest\n::1 localhost\n' >"$R/etc/hosts"
ln -s /proc/mounts "$R/etc/mtab"
{
	printf 'exec'
	printf ' %q' "$@"
	echo
} >"$R/etc/command"
cp "$HERE/init" "$R/init"
chmod 755 "$R/init"
(cd "$R" && find . -print0 | sort -z | busybox cpio -0 -o -H newc 2>/dev/null) >"$file"
