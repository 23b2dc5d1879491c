/* Drops: each reason that occurred, its count, and the last example. */

class Drops {
	constructor() {
		this.rows = [];
		this.table = new LiveTable(byId('drops-table'), {
			keyOf: (drop) => drop.reason,
			sort: 'count',
			descending: true,
			empty: 'Nothing has been dropped.',
			changed: () => this.take(this.rows),
			columns: [
				{ key: 'reason', label: 'Reason', value: (drop) => drop.reason, fill: fillReason },
				{ key: 'count', label: 'Count', value: (d) => d.count, text: (d) => formatCount(d.count), number: true },
				{ key: 'last', label: 'Last', value: (drop) => drop.last.time, fill: fillLast },
			],
		});
	}

	take(drops) {
		this.rows = drops.filter((drop) => drop.count > 0);
		this.table.update(this.rows);
		setText(byId('drops-count'), formatCount(this.rows.reduce((sum, drop) => sum + drop.count, 0)));
	}

	get total() {
		return this.rows.reduce((sum, drop) => sum + drop.count, 0);
	}
}

function fillReason(cell, drop) {
	if (cell.firstChild)
		return;
	cell.append(make('span', { class: 'reason' }, disarm(drop.reason)));
	cell.append(make('span', { class: 'why' }, disarm(drop.explanation)));
}

/* Time and port of the example; its frame on demand. */
function fillLast(cell, drop) {
	const { time, port, bytes, len } = drop.last;
	if (!cell.firstChild)
		cell.append(make('span'), make('details', {}, make('summary', { class: 'mono' }), make('code', { class: 'bytes' })));
	const [when, frame] = cell.children;
	setText(when, formatTime(time) + (port ? ` at ${disarm(port)}` : ''));
	setShown(frame, Boolean(bytes));
	if (!bytes)
		return;
	setText(frame.firstChild, describeFrame(bytes) || 'a frame');
	setText(frame.lastChild, `${formatNumberOf(len, 'byte')}: ${bytes.replace(/(..)(?=.)/g, '$1 ')}`);
}
