# SPDX-License-Identifier: GPL-2.0-or-later
# What contrib/try and contrib/test share: packages, progress, an ordinary user.  Sourced, not run.

top=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

say() { printf '== %s\n' "$*"; }
die() { printf 'error: %s\n' "$*" >&2; exit 1; }

# with_progress WHAT COMMAND...: runs it, output kept aside and shown on failure only; a line every ten seconds.
with_progress() {
	local what=$1 log status=0 start=$SECONDS next=10
	shift
	log=$(mktemp)
	say "$what"
	"$@" >"$log" 2>&1 </dev/null &
	while kill -0 $! 2>/dev/null; do
		sleep 0.2
		if ((SECONDS - start >= next)); then
			printf '   … %d s: %s\n' "$next" "$(tail -n 1 "$log" | tr -d '\r' | cut -c 1-100)"
			((next += 10))
		fi
	done
	wait $! || status=$?
	((status == 0)) || tail -n 40 "$log" >&2
	rm -f "$log"
	return $status
}

as_root() {
	if ((EUID == 0)); then
		"$@"
	else
		sudo "$@"
	fi
}

packages_of() { awk -v groups=" $* " '!/^#/ && NF && index(groups, " " $1 " ") { print $2 }' "$top/contrib/packages"; }

package_is_installed() { [[ $(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null) == installed ]]; }

# install_packages GROUP...: what contrib/packages lists under these groups and this machine lacks.
install_packages() {
	local missing=() package
	command -v dpkg-query >/dev/null || die "this is not Debian: install what contrib/packages lists by hand, then run with --no-install"
	for package in $(packages_of "$@"); do
		package_is_installed "$package" || missing+=("$package")
	done
	((${#missing[@]})) || return 0
	say "packages that are missing here: ${missing[*]}"
	if ((EUID != 0)); then
		command -v sudo >/dev/null || die "no sudo: run as root: apt-get install --no-install-recommends ${missing[*]}"
		say "sudo is used for apt-get only, nothing else runs as root"
		sudo -v || die "sudo refused: run as root: apt-get install --no-install-recommends ${missing[*]}"
	fi
	with_progress "apt-get update" as_root apt-get update || die "apt-get update failed (above)"
	with_progress "apt-get install ${#missing[@]} packages" \
		as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "${missing[@]}" ||
		die "apt-get install failed (above)"
}

# fetch_guest_kernel DIR: leaves DIR/vmlinuz and DIR/modules/*.ko there.  Needs no root.
fetch_guest_kernel() {
	local dir=$1 work release deb package
	[[ ! -r $dir/vmlinuz ]] || return 0
	work=$(mktemp -d)
	for release in $(ls /lib/modules 2>/dev/null | sort -rV); do
		[[ $release == *-cloud-amd64 && -r /boot/vmlinuz-$release && -d /lib/modules/$release/kernel/net ]] || continue
		take_guest_kernel "/boot/vmlinuz-$release" "/lib/modules/$release" "$dir"
		rm -rf "$work"
		return 0
	done
	package=$(apt-cache depends linux-image-cloud-amd64 2>/dev/null | awk '$1 == "Depends:" && /^ *Depends: linux-image-[0-9]/ { print $2; exit }')
	if [[ -z $package ]]; then
		with_progress "apt-get update" as_root apt-get update || return 1
		package=$(apt-cache depends linux-image-cloud-amd64 | awk '$1 == "Depends:" && /^ *Depends: linux-image-[0-9]/ { print $2; exit }')
	fi
	[[ -n $package ]] || { echo "error: apt knows no linux-image-cloud-amd64" >&2; return 1; }
	with_progress "fetch the guest's kernel, $package (unpacked, not installed)" \
		env -C "$work" apt-get download "$package" || return 1
	deb=$(echo "$work"/*.deb)
	dpkg-deb -x "$deb" "$work/root" || return 1
	take_guest_kernel "$work"/root/boot/vmlinuz-* "$(echo "$work"/root/lib/modules/*)" "$dir"
	rm -rf "$work"
}

# The drivers of a virtio network card and console, in the order in which the guest inserts them.
guest_modules=(virtio_ring virtio virtio_pci_legacy_dev virtio_pci_modern_dev virtio_pci failover net_failover virtio_net)

take_guest_kernel() {
	local vmlinuz=$1 modules=$2 dir=$3 name number=10
	mkdir -p "$dir/modules"
	for name in "${guest_modules[@]}"; do
		find "$modules/kernel" -name "$name.ko" -exec cp {} "$dir/modules/$number-$name.ko" \;
		((number += 1))
	done
	cp "$vmlinuz" "$dir/vmlinuz.new"
	chmod 0644 "$dir/vmlinuz.new"
	mv "$dir/vmlinuz.new" "$dir/vmlinuz"
}
