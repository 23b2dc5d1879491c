/* All text goes into the document through these functions: as text, never as HTML. */

function byId(id) {
	return document.getElementById(id);
}

/* Changes the document only when the text differs, so that selections and screen readers are not disturbed. */
function setText(node, text) {
	if (node.textContent !== text)
		node.textContent = text;
}

function setShown(node, shown) {
	node.toggleAttribute('hidden', !shown);
}

function setAttribute(node, name, value) {
	if (node.getAttribute(name) !== value)
		node.setAttribute(name, value);
}

/* make('td', { class: 'mono' }, 'text', otherNode) */
function make(tag, attributes, ...children) {
	const node = document.createElement(tag);
	for (const [name, value] of Object.entries(attributes || {}))
		node.setAttribute(name, value);
	node.append(...children);
	return node;
}

/*
 * Makes the children of @parent match @items, in this order. A child is kept as long as its key is in the list, so that focus and
 * selection stay.  @create(item) makes a node, @update(node, item) fills it.
 */
function keepChildren(parent, known, items, keyOf, create, update) {
	const gone = new Set(known.keys());
	let at = parent.firstChild;
	for (const item of items) {
		const key = keyOf(item);
		gone.delete(key);
		let node = known.get(key);
		if (!node)
			known.set(key, node = create(item));
		update(node, item);
		if (node === at)
			at = at.nextSibling;
		else
			parent.insertBefore(node, at);
	}
	for (const key of gone) {
		known.get(key).remove();
		known.delete(key);
	}
}

/* Announces @text to screen readers. */
function announce(text) {
	setText(byId('news'), text);
}
