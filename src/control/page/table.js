/*
 * A table that is updated in place: sortable by its headers, with a limited number of rows.
 *
 *     { key, label, value(row), text(row), fill(cell, row), number, minor }
 *
 * value: sort key of the column; text: what it shows, by default the value; fill: builds more than text when value has changed.
 */
class LiveTable {
	constructor(table, { columns, keyOf, sort, descending = false, limit = Infinity, empty, changed }) {
		Object.assign(this, { columns, keyOf, sort, descending, limit, changed });
		this.rows = new Map();
		this.headers = new Map(columns.map((column) => [column.key, this.makeHeader(column)]));
		this.body = make('tbody');
		this.empty = make('p', { class: 'empty' }, empty);
		table.append(make('thead', {}, make('tr', {}, ...this.headers.values())), this.body);
		table.parentNode.after(this.empty);
		this.table = table;
		this.showOrder();
	}

	makeHeader(column) {
		const header = make('th', { scope: 'col' });
		header.className = this.classOf({ ...column, mono: false });
		header.dataset.key = column.key;
		if (!column.value) {
			header.append(make('span', { class: 'unseen' }, column.label));
			return header;
		}
		const button = make('button', { type: 'button' }, column.label);
		button.addEventListener('click', () => this.sortBy(column));
		header.append(button);
		return header;
	}

	classOf(column) {
		return [column.number && 'number', column.minor && 'minor', column.mono && 'mono'].filter(Boolean).join(' ');
	}

	sortBy(column) {
		this.descending = this.sort === column.key ? !this.descending : Boolean(column.number);
		this.sort = column.key;
		this.showOrder();
		this.changed();
	}

	showOrder() {
		for (const [key, header] of this.headers)
			if (key === this.sort)
				header.setAttribute('aria-sort', this.descending ? 'descending' : 'ascending');
			else
				header.removeAttribute('aria-sort');
	}

	/* Shows @rows up to the limit; returns how many are shown. */
	update(rows) {
		const column = this.columns.find((c) => c.key === this.sort);
		const sorted = rows.map((row) => [column.value(row), row]);
		sorted.sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0) * (this.descending ? -1 : 1));
		const shown = sorted.slice(0, this.limit).map(([, row]) => row);
		keepChildren(this.body, this.rows, shown, this.keyOf, () => this.makeRow(), (tr, row) => this.fillRow(tr, row));
		setShown(this.table.parentNode, shown.length > 0);
		setShown(this.empty, shown.length === 0);
		return shown.length;
	}

	makeRow() {
		const cells = this.columns.map((column, index) => {
			const cell = index ? make('td') : make('th', { scope: 'row' });
			cell.className = this.classOf(column);
			return cell;
		});
		return make('tr', {}, ...cells);
	}

	fillRow(tr, row) {
		this.columns.forEach((column, index) => {
			const cell = tr.cells[index];
			if (column.fill) {
				column.fill(cell, row);
				return;
			}
			setText(cell, disarm(column.text ? column.text(row) : column.value(row)));
		});
	}
}
