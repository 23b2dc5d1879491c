# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# What contrib/try, contrib/test and contrib/test-on share: packages, progress, an ordinary user.  Sourced, not run.

top=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

# The PATH of an ordinary user on Debian has no sbin folders: nft, dhclient and perfdhcp are there.
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin

# Temporary files and folders of a script go below here; the folder is removed when the script ends.
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

say() { printf '== %s\n' "$*"; }
die() { printf 'error: %s\n' "$*" >&2; exit 1; }

# with_progress WHAT COMMAND...: runs it with a line every ten seconds; its output is shown only when it fails.
with_progress() {
	local what=$1 log status=0 start=$SECONDS next=10
	shift
	log=$(mktemp -p "$scratch")
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
	((status == 0)) || tail -n 100 "$log" >&2
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

# Asks for the password before output is hidden.  `sudo -v` asks for one even where NOPASSWD lets every command run without.
may_sudo() { ((EUID == 0)) || sudo -n true 2>/dev/null || sudo -v; }

package_is_installed() { [[ $(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null) == installed ]]; }
# known_packages: those of the names in the input that apt could install.
known_packages() {
	xargs -r apt-cache policy 2>/dev/null | awk '/^[^ ]/ { name = substr($1, 1, length($1) - 1) } $1 == "Candidate:" && $2 != "(none)" { print name }'
}

packages_of() { awk -v groups=" $* " '!/^#/ && NF && index(groups, " " $1 " ") { print $2 }' "$top/contrib/packages"; }

# choose_package ENTRY: sets $chosen to what has to be installed for an entry of contrib/packages, empty when nothing has to be.
# $known holds the names that apt knows.
choose_package() {
	local name names
	IFS='|' read -ra names <<<"$1"
	chosen=
	for name in "${names[@]}"; do
		[[ $name == none ]] || ! package_is_installed "$name" || return 0
	done
	for name in "${names[@]}"; do
		if [[ $name == none || " $known " == *" $name "* ]]; then
			chosen=${name#none}
			return
		fi
	done
	chosen=${names[0]}
}

# missing_packages GROUP...: sets $missing to what contrib/packages lists under these groups and this machine lacks.
missing_packages() {
	local entry entries chosen known
	mapfile -t entries < <(packages_of "$@")
	# One call for all: on a machine that was never updated each one takes apt a second.
	known=$(packages_of "$@" | tr '|' '\n' | known_packages | tr '\n' ' ')
	missing=()
	for entry in "${entries[@]}"; do
		choose_package "$entry"
		[[ -z $chosen ]] || missing+=("$chosen")
	done
}

# install_packages GROUP...: installs what is missing; sets $installed to whether there was something to install.
installed=false
install_packages() {
	local missing
	command -v dpkg-query >/dev/null || die "this is not Debian: install what contrib/packages lists by hand, then run with --no-install"
	missing_packages "$@"
	((${#missing[@]})) || return 0
	say "packages that are missing here: ${missing[*]}"
	if ((EUID != 0)); then
		command -v sudo >/dev/null || die "no sudo: run as root: apt-get install --no-install-recommends ${missing[*]}"
		say "sudo is used for apt-get only, nothing else runs as root"
		may_sudo || die "sudo refused: run as root: apt-get install --no-install-recommends ${missing[*]}"
	fi
	with_progress "apt-get update" as_root apt-get update || die "apt-get update failed (above)"
	# What this release calls them is known only now.
	missing_packages "$@"
	with_progress "apt-get install ${#missing[@]} packages" \
		as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "${missing[@]}" ||
		die "apt-get install failed (above)"
	installed=true
}

# unpack_package NAME DIR: puts a package's files below DIR without installing it.  Needs root only when apt does not know the package.
unpack_package() {
	local download
	download=$(mktemp -d -p "$scratch")
	if [[ -z $(known_packages <<<"$1") ]]; then
		may_sudo && with_progress "apt-get update" as_root apt-get update || return 1
	fi
	with_progress "fetch $1 (unpacked below build-guest/, not installed)" env -C "$download" apt-get download "$1" &&
		dpkg-deb -x "$download"/*.deb "$2"
}

# fetch_programs DIR: servers for tests.  Their packages are not installed, because they would start a service, or take over this machine's
# resolv.conf.  contrib/packages lists the libraries that they need.
fetch_programs() {
	local dir=$1 package
	for package in unbound systemd-resolved; do
		[[ ! -d $dir/$package ]] || continue
		mkdir -p "$dir"
		rm -rf "$dir/$package.part"
		unpack_package "$package" "$dir/$package.part" && mv "$dir/$package.part" "$dir/$package" || return 1
	done
}

# The drivers of a virtio network card, in the order in which the guest inserts them.
guest_modules=(virtio_ring virtio virtio_pci_legacy_dev virtio_pci_modern_dev virtio_pci failover net_failover virtio_net)

# The drivers of QEMU's other network cards, of VXLAN and Geneve, and what they need.
card_modules=(
	mii 8139cp e1000 e1000e i2c-algo-bit dca igb pcnet32 8390 ne2k-pci vmxnet3 tulip e100
	usb-common usbcore xhci-hcd xhci-pci usbnet cdc_ether
	udp_tunnel ip6_udp_tunnel vxlan geneve
)

# fetch_guest DIR: makes what a guest boots there: busybox, vmlinuz and modules/*.ko, numbered.
fetch_guest() {
	local dir=$1
	fetch_busybox "$dir" &&
		fetch_kernel "$dir" linux-image-cloud-amd64 '*-cloud-amd64' "${guest_modules[@]}"
}

fetch_busybox() {
	local dir=$1 unpacked busybox=/bin/busybox
	[[ ! -r $dir/busybox ]] || return 0
	mkdir -p "$dir"
	if ! package_is_installed busybox-static; then
		unpacked=$(mktemp -d -p "$scratch")
		unpack_package busybox-static "$unpacked" || return 1
		busybox=$(unpacked_path "$unpacked" bin/busybox)
	fi
	cp "$busybox" "$dir/busybox"
}

# fetch_all_drivers DIR: makes vmlinuz and modules/*.ko there for all of QEMU's network cards, and tunnels.  Debian's kernel for clouds
# lacks most drivers.
fetch_all_drivers() { fetch_kernel "$1" linux-image-amd64 '*[0-9]-amd64' "${guest_modules[@]}" "${card_modules[@]}"; }

# fetch_network_manager DIR: NetworkManager below DIR, with the library that nothing else here has.  Installed, its service would take this
# machine's interfaces.
fetch_network_manager() {
	[[ ! -e $1/usr/sbin/NetworkManager ]] || return 0
	mkdir -p "$1"
	unpack_package network-manager "$1" && unpack_package libndp0 "$1"
}

# fetch_kernel DIR PACKAGE RELEASE MODULE...: RELEASE is a pattern of the kernel's name.  The file modules.list has the names of the
# modules that were asked for.
fetch_kernel() {
	local dir=$1 name=$2 pattern=$3 release package root=/
	shift 3
	[[ ! -r $dir/vmlinuz || $* != "$(cat "$dir/modules.list" 2>/dev/null)" ]] || return 0
	rm -rf "$dir/modules"
	mkdir -p "$dir/modules"
	release=$(newest_kernel / "$pattern")
	if [[ ! -r /boot/vmlinuz-$release ]]; then
		# Not in /tmp, which may be memory: a kernel has 400 MB.
		root=$dir/unpacked
		rm -rf "$root"
		mkdir "$root"
		for package in $(kernel_packages "$name"); do
			unpack_package "$package" "$root" || return 1
		done
		release=$(newest_kernel "$root" "$pattern")
	fi
	take_kernel "$root" "$release" "$dir" "$@" && rm -rf "$dir/unpacked"
}

# Below /usr from Debian 13 on.
unpacked_path() {
	if [[ -e $1/usr/$2 ]]; then
		echo "$1/usr/$2"
	else
		echo "$1/$2"
	fi
}

# kernel_packages NAME: what has the files of the kernel that linux-image-cloud-amd64, for example, stands for.  After Debian 13 the
# image and the modules are packages that this one depends on.
kernel_packages() {
	local image
	image=$(dependencies_of "$1" 'linux-image-[0-9]' | head -n 1)
	echo "${image:-$1}"
	[[ -z $image ]] || dependencies_of "$image" 'linux-(binary|modules)-[0-9]'
}

dependencies_of() { apt-cache depends "$1" 2>/dev/null | awk -v pattern="^$2" '$1 == "Depends:" && $2 ~ pattern { print $2 }'; }

# newest_kernel ROOT PATTERN
newest_kernel() {
	find "$(unpacked_path "$1" lib/modules)" -maxdepth 1 -name "$2" -printf '%f\n' 2>/dev/null | sort -V | tail -n 1
}

# take_module FILE DESTINATION: the guest's insmod reads no compressed modules.
take_module() {
	case $1 in
	*.xz) xz -dc "$1" >"$2" ;;
	*.zst) zstd -qdc "$1" >"$2" ;;
	*.gz) gzip -dc "$1" >"$2" ;;
	*) cp "$1" "$2" ;;
	esac
}

# take_kernel ROOT RELEASE DIR MODULE...: a module that this kernel has built in is no file.
take_kernel() {
	local root=$1 release=$2 dir=$3 modules name file number=10
	shift 3
	modules=$(unpacked_path "$root" lib/modules)/$release/kernel
	for name in "$@"; do
		file=$(find "$modules" -name "$name.ko*" -print -quit)
		[[ -z $file ]] || take_module "$file" "$dir/modules/$number-$name.ko" || return 1
		((number += 1))
	done
	file=$root/boot/vmlinuz-$release
	[[ -r $file ]] || file=$(unpacked_path "$root" "lib/modules/$release/vmlinuz")
	install -m 0644 "$file" "$dir/vmlinuz.new" &&
		mv "$dir/vmlinuz.new" "$dir/vmlinuz" &&
		echo "$*" >"$dir/modules.list"
}

# lanlet is a program for ordinary users, so root runs it as one: as nobody, in a copy of the tree.
# enter_copy_of_tree: changes to that copy and redefines run_as_user; for other users it only changes to the top of the tree.
run_as_user() { "$@"; }
enter_copy_of_tree() {
	cd "$top" || return
	((EUID == 0)) || return 0
	copy=$(mktemp -d /var/tmp/lanlet.XXXXXX)
	trap 'rm -rf "$scratch" "$copy"' EXIT
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
	cd "$copy/lanlet" || return
}

# build DIR MESON-OPTION...: configures there and builds $build_targets, or everything.
build_targets=()
build() {
	local dir=$1
	shift
	if [[ ! -e $dir/build.ninja ]]; then
		with_progress "configure $dir${*:+ ($*)}" run_as_user meson setup "$dir" "$@" || return
	elif $installed; then
		# So that it finds the libraries that were missing.
		with_progress "configure $dir again${*:+ ($*)}" run_as_user meson setup --reconfigure "$dir" "$@" || return
	elif (($#)); then
		with_progress "configure $dir ($*)" run_as_user meson configure "$dir" "$@" || return
	fi
	with_progress "build $dir" run_as_user ninja -C "$dir" "${build_targets[@]}"
}
