/* Formats values for display. Pure functions. */

const UNITS = ['B', 'kB', 'MB', 'GB', 'TB', 'PB'];

/* 1234567 → "1.2 MB", as the commands print it. */
function formatBytes(n) {
	let unit = 0;
	while (n >= 999.95 && unit < UNITS.length - 1) {
		n /= 1000;
		unit++;
	}
	return (unit ? n.toFixed(1) : Math.round(n)) + ' ' + UNITS[unit];
}

function formatRate(bytesPerSecond) {
	return formatBytes(bytesPerSecond) + '/s';
}

function formatCount(n) {
	return n.toLocaleString('en');
}

/* "1 guest", "3 guests" */
function formatNumberOf(n, noun) {
	return formatCount(n) + ' ' + noun + (n === 1 ? '' : 's');
}

/* Seconds → "12 s", "5 min", "3 h 20 min", "4 d 2 h". */
function formatDuration(seconds) {
	const s = Math.max(0, Math.floor(seconds));
	const two = (large, largeUnit, small, smallUnit) => `${large} ${largeUnit}` + (small ? ` ${small} ${smallUnit}` : '');
	if (s < 120)
		return `${s} s`;
	if (s < 7200)
		return `${Math.floor(s / 60)} min`;
	if (s < 2 * 86400)
		return two(Math.floor(s / 3600), 'h', Math.floor(s / 60) % 60, 'min');
	return two(Math.floor(s / 86400), 'd', Math.floor(s / 3600) % 24, 'h');
}

/* Unix seconds → "14:05:09" */
function formatTime(unix) {
	return new Date(unix * 1000).toLocaleTimeString('en-GB');
}

/* IPv6 in brackets; a protocol without ports has none. */
function formatEndpoint(endpoint) {
	const address = endpoint.address.includes(':') ? `[${endpoint.address}]` : endpoint.address;
	return endpoint.port ? `${address}:${endpoint.port}` : address;
}

/* Makes untrusted text safe to show: control and direction characters are shown as escapes. */
function disarm(text) {
	return String(text).replace(/[\u0000-\u001f\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g, '\ufffd');
}

/* "192.168.122.10" → a number that sorts like the address; invalid ones come last. */
function addressOrder(address) {
	const parts = address.split('.').map(Number);
	return parts.length === 4 ? parts.reduce((sum, part) => sum * 256 + part, 0) : Infinity;
}

const ETHERTYPES = new Map([[0x0806, 'arp'], [0x86dd, 'ipv6']]);

/* Describes the first bytes of a frame, hexadecimal from the Ethernet header on: "udp 10.0.0.1:5 → 192.0.2.1:6". */
function describeFrame(hex) {
	const bytes = (hex.match(/[0-9a-f]{2}/gi) || []).map((pair) => parseInt(pair, 16));
	const at16 = (at) => bytes[at] << 8 | bytes[at + 1];
	const mac = (at) => bytes.slice(at, at + 6).map((b) => b.toString(16).padStart(2, '0')).join(':');
	const ip4 = (at) => bytes.slice(at, at + 4).join('.');
	if (bytes.length < 14)
		return '';
	if (at16(12) !== 0x0800 || bytes.length < 34)
		return `${ETHERTYPES.get(at16(12)) || 'ethertype ' + at16(12).toString(16).padStart(4, '0')} ${mac(6)} → ${mac(0)}`;
	const transport = 14 + (bytes[14] & 15) * 4;
	const protocol = { 1: 'icmp', 6: 'tcp', 17: 'udp' }[bytes[23]] || `protocol ${bytes[23]}`;
	if ((protocol === 'tcp' || protocol === 'udp') && bytes.length >= transport + 4)
		return `${protocol} ${ip4(26)}:${at16(transport)} → ${ip4(30)}:${at16(transport + 2)}`;
	return `${protocol} ${ip4(26)} → ${ip4(30)}`;
}
