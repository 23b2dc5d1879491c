/*
 * The guests on the segment, joined from several lists of the API: ports with the MACs seen there, neighbours and leases of these
 * MACs, and guests that have a lease but no port.
 */

const NAMED_MACS_MAX = 3; /* shown of a port with many MACs behind it */

/* Groups items: value of @keyOf → [items] */
function groupBy(items, keyOf) {
	const groups = new Map();
	for (const item of items) {
		const key = keyOf(item);
		if (!groups.has(key))
			groups.set(key, []);
		groups.get(key).push(item);
	}
	return groups;
}

/* MAC → { name, addresses } */
function knownHosts(state) {
	const hosts = new Map();
	const host = (mac) => {
		if (!hosts.has(mac))
			hosts.set(mac, { mac, name: null, addresses: new Set() });
		return hosts.get(mac);
	};
	const names = new Map(state.names.map((n) => [n.address, n.name]));
	for (const lease of state.leases.filter((l) => l.mac)) {
		host(lease.mac).addresses.add(lease.address);
		host(lease.mac).name = lease.name || host(lease.mac).name;
	}
	for (const neighbour of state.neighbours) {
		host(neighbour.mac).addresses.add(neighbour.address);
		host(neighbour.mac).name = host(neighbour.mac).name || names.get(neighbour.address) || null;
	}
	for (const reservation of state.reservations.filter((one) => one.mac))
		host(reservation.mac).name = reservation.name || host(reservation.mac).name;
	return hosts;
}

function conflictText(conflict) {
	const what = conflict.address ? `address ${conflict.address}` : `MAC ${conflict.mac}`;
	return `the ${what} is also at ${conflict.port ? `port ${conflict.port}` : 'a port that is gone'}`;
}

function portState(port) {
	if (port.blocked)
		return { state: 'blocked', why: port.blocked_because || 'a loop goes through it' };
	if (port.conflict)
		return { state: 'conflict', why: conflictText(port.conflict) };
	return { state: port.congested ? 'busy' : 'up', why: port.congested ? 'frames wait in its queue' : '' };
}

function tagsOf(port) {
	const tags = [port.kind];
	if (port.uplink)
		tags.push('uplink');
	if (port.isolated)
		tags.push('isolated');
	if (port.pinned)
		tags.push('pinned');
	if (!port.guarded && !port.uplink)
		tags.push('not guarded');
	if (port.dhcp_server)
		tags.push('DHCP server');
	if (port.router)
		tags.push('router');
	if (port.bandwidth_in)
		tags.push(`at most ${port.bandwidth_in} bit/s in`);
	if (port.bandwidth_out)
		tags.push(`at most ${port.bandwidth_out} bit/s out`);
	if (port.offloads.length)
		tags.push(port.offloads.join(' '));
	tags.push(`mtu ${port.mtu}`);
	return tags;
}

function guestAtPort(port, macs, hosts) {
	const known = macs.map((mac) => hosts.get(mac) || { mac, name: null, addresses: new Set() });
	const addresses = known.flatMap((host) => [...host.addresses]);
	const names = known.map((host) => host.name).filter(Boolean);
	return {
		key: `port ${port.id}`,
		name: names.length === 1 ? names[0] : names.length ? `${names[0]} and ${names.length - 1} more` : addresses[0] || port.name,
		port,
		macs,
		addresses,
		tags: tagsOf(port),
		...portState(port),
	};
}

function guestWithoutPort(lease, host) {
	return {
		key: `mac ${lease.mac}`,
		name: host.name || lease.address,
		port: null,
		macs: [lease.mac],
		addresses: [...host.addresses],
		tags: ['not connected'],
		state: 'away',
		why: '',
	};
}

/* Sorted by address, connected guests first. */
function guestsOf(state) {
	const hosts = knownHosts(state);
	const byPortName = groupBy(state.fdb, (entry) => entry.port);
	const byPortId = groupBy(state.neighbours, (neighbour) => neighbour.port_id);
	const placed = new Set();
	const guests = state.ports.filter((port) => port.kind !== 'gateway').map((port) => {
		const seen = [...(byPortName.get(port.name) || []), ...(byPortId.get(port.id) || [])].map((entry) => entry.mac);
		const macs = [...new Set(port.pinned ? [...seen, port.pinned] : seen)];
		macs.forEach((mac) => placed.add(mac));
		return guestAtPort(port, macs, hosts);
	});
	for (const lease of state.leases)
		if (!placed.has(lease.mac))
			guests.push(guestWithoutPort(lease, hosts.get(lease.mac)));
	const order = (guest) => (guest.port ? 0 : 2 ** 33) + Math.min(...guest.addresses.map(addressOrder), 2 ** 32);
	return guests.sort((a, b) => order(a) - order(b) || (a.key < b.key ? -1 : 1));
}

function fewOf(list) {
	const rest = list.length - NAMED_MACS_MAX;
	return list.slice(0, NAMED_MACS_MAX).join(', ') + (rest > 0 ? ` and ${rest} more` : '');
}
