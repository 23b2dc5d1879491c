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

# unpack_package NAME DIR: a package's files below DIR, without installing it.  Needs no root once apt knows the package.
unpack_package() {
	local download
	if [[ -z $(apt-cache policy "$1" 2>/dev/null) ]]; then
		with_progress "apt-get update" as_root apt-get update || return 1
	fi
	download=$(mktemp -d)
	with_progress "fetch $1 (unpacked below build-guest/, not installed)" env -C "$download" apt-get download "$1" &&
		dpkg-deb -x "$download"/*.deb "$2"
	rm -r "$download"
}

# The drivers of a virtio network card, in the order in which the guest inserts them.
guest_modules=(virtio_ring virtio virtio_pci_legacy_dev virtio_pci_modern_dev virtio_pci failover net_failover virtio_net)

# fetch_guest DIR: leaves what a guest is made of there: busybox, vmlinuz and modules/*.ko, numbered.
fetch_guest() {
	local dir=$1 unpacked release package root=/
	[[ ! -r $dir/vmlinuz ]] || return 0
	mkdir -p "$dir/modules"
	unpacked=$(mktemp -d)
	if package_is_installed busybox-static; then
		cp /bin/busybox "$dir/busybox"
	else
		unpack_package busybox-static "$unpacked" && cp "$unpacked/bin/busybox" "$dir/busybox" || return 1
	fi
	release=$(newest_cloud_kernel /)
	if [[ ! -r /boot/vmlinuz-$release ]]; then
		root=$unpacked
		package=$(apt-cache depends linux-image-cloud-amd64 2>/dev/null | awk '/Depends: linux-image-[0-9]/ { print $2; exit }')
		unpack_package "${package:-linux-image-cloud-amd64}" "$root" || return 1
		release=$(newest_cloud_kernel "$root")
	fi
	take_kernel "$root" "$release" "$dir" || return 1
	rm -r "$unpacked"
}

newest_cloud_kernel() { find "$1/lib/modules" -maxdepth 1 -name '*-cloud-amd64' -printf '%f\n' 2>/dev/null | sort -V | tail -n 1; }

take_kernel() {
	local root=$1 release=$2 dir=$3 name number=10
	for name in "${guest_modules[@]}"; do
		find "$root/lib/modules/$release/kernel" -name "$name.ko" -exec cp {} "$dir/modules/$number-$name.ko" \;
		((number += 1))
	done
	install -m 0644 "$root/boot/vmlinuz-$release" "$dir/vmlinuz.new" &&
		mv "$dir/vmlinuz.new" "$dir/vmlinuz"
}

# lanlet is a program of ordinary users, so root runs it as one: nobody, in a copy of the tree as git sees it.
# enter_copy_of_tree: goes there, and makes run_as_user do what it says; for other users it only goes to the top.
run_as_user() { "$@"; }
enter_copy_of_tree() {
	cd "$top"
	((EUID == 0)) || return 0
	copy=$(mktemp -d /var/tmp/lanlet.XXXXXX)
	trap 'rm -rf "$copy"' EXIT
	say "run by root: a copy of the tree is built and used as the user nobody, in $copy"
	mkdir "$copy/lanlet" "$copy/home"
	tar -c --exclude=./build\* --exclude=./.git . | tar -C "$copy/lanlet" -x --no-same-owner
	[[ ! -d build-guest ]] || cp -r build-guest "$copy/lanlet/"
	chown -R nobody:nogroup "$copy"
	run_as_user() {
		env -u XDG_RUNTIME_DIR -u XDG_STATE_HOME -u XDG_CONFIG_HOME -u SUDO_USER \
			HOME="$copy/home" USER=nobody LOGNAME=nobody \
			setpriv --reuid nobody --regid nogroup --clear-groups --no-new-privs "$@"
	}
	cd "$copy/lanlet"
}

# build DIR MESON-OPTION...: configures there and builds $build_targets, all when there are none.
build_targets=()
build() {
	local dir=$1
	shift
	say "configure $dir${*:+ ($*)}"
	if [[ -e $dir/build.ninja ]]; then
		run_as_user meson configure "$dir" "$@"
	else
		run_as_user meson setup "$dir" "$@"
	fi
	say "build $dir"
	run_as_user ninja -C "$dir" "${build_targets[@]}"
}
