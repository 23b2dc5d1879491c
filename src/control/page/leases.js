/* Leases and reservations. */

class Leases {
	constructor() {
		this.guest = null;
		this.rows = [];
		this.table = new LiveTable(byId('leases-table'), {
			keyOf: (row) => `${row.mac} ${row.address}`,
			sort: 'address',
			empty: 'No guest has a DHCP lease.',
			changed: () => this.show(),
			columns: [
				{ key: 'name', label: 'Name', value: (row) => row.name || '–' },
				{ key: 'address', label: 'Address', value: (r) => r.address ? addressOrder(r.address) : 0, text: (r) => r.address || '–', mono: true },
				{ key: 'mac', label: 'MAC', value: (row) => row.mac || '–', mono: true, minor: true },
				{ key: 'left', label: 'Lease', value: (row) => row.left, text: (row) => leaseText(row), number: true },
				{ key: 'kept', label: 'Reserved', value: (row) => row.reserved },
			],
		});
	}

	take(leases, reservations) {
		const kept = new Map(reservations.map((reservation) => [reservation.mac, reservation]));
		const word = { configuration: 'configured', added: 'yes' };
		this.rows = leases.map((lease) => ({
			name: lease.name,
			address: lease.address,
			mac: lease.mac,
			left: lease.seconds_left === null ? Infinity : lease.seconds_left,
			reserved: lease.reserved ? word[kept.get(lease.mac)?.origin] || 'yes' : 'no',
		}));
		const leased = new Set(leases.map((lease) => lease.mac));
		for (const reservation of reservations)
			if (!leased.has(reservation.mac))
				this.rows.push({ ...reservation, mac: reservation.mac || reservation.client, left: -1, reserved: word[reservation.origin] });
		this.show();
	}

	choose(guest) {
		this.guest = guest;
		this.show();
	}

	show() {
		const rows = this.guest ? this.rows.filter((row) => this.guest.macs.includes(row.mac)) : this.rows;
		this.table.update(rows);
		setText(byId('leases-count'), formatCount(rows.length));
	}
}

function leaseText(row) {
	if (row.left === Infinity)
		return 'for ever';
	return row.left < 0 ? 'none now' : `${formatDuration(row.left)} left`;
}
