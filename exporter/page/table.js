/* SPDX-License-Identifier: GPL-2.0-or-later */
/* --- a table of any length --- */

/*
 * Shows `length` rows. Only the visible rows, and a few around them, exist as elements. Roles
 * tell screen readers that these elements are a table. If rows have links, arrow keys move
 * between them, and the tab key reaches one of them.
 */
class Table {
	constructor(root, label, columns) {
		this.root = root;
		this.columns = columns;
		this.length = 0;
		this.row = null; /* (index) => { cells, open } */
		this.current = 0;
		this.shown = new Map();
		this.sort = null; /* (key) => ... */
		this.head = make('div', { className: 'head', role: 'row', 'aria-rowindex': 1 });
		this.space = make('div', { className: 'space', role: 'rowgroup' });
		this.more = make('p', { className: 'more', hidden: true });
		this.scroll = make('div', { className: 'scroll', role: 'table', 'aria-label': label, tabIndex: 0 },
			make('div', { role: 'rowgroup', className: 'sticky' }, this.head), this.space);
		root.replaceChildren(this.scroll, this.more);
		columns.forEach((column) => this.addHead(column));
		this.scroll.addEventListener('scroll', () => this.later());
		this.scroll.addEventListener('keydown', (event) => this.key(event));
		this.space.addEventListener('focusin', (event) => {
			const row = event.target.closest('.row');

			this.setCurrent(Number(row.dataset.index));
		});
		new ResizeObserver(() => this.later()).observe(root);
		window.addEventListener('resize', () => this.later());
	}

	addHead(column) {
		const cell = make('div', { className: `cell ${column.style || ''}`, role: 'columnheader' });

		if (column.key) {
			cell.append(make('button', { type: 'button', onclick: () => this.sort(column.key) },
				column.title));
		} else {
			cell.append(column.title);
		}
		column.cell = cell;
		this.head.append(cell);
	}

	/* Marks the column that the rows are sorted by. */
	setSorted(key, down) {
		this.columns.forEach((column) => {
			if (column.key === key) {
				column.cell.setAttribute('aria-sort', down ? 'descending' : 'ascending');
			} else {
				column.cell.removeAttribute('aria-sort');
			}
		});
	}

	/* Shows other rows. `keepPlace`: without scrolling to the top. */
	set(length, row, keepPlace) {
		this.length = length;
		this.row = row;
		this.scroll.setAttribute('aria-rowcount', length + 1);
		if (!keepPlace) {
			this.scroll.scrollTop = 0;
			this.current = 0;
		}
		this.current = Math.max(0, Math.min(this.current, length - 1));
		this.space.replaceChildren();
		this.shown.clear();
		this.update();
	}

	rowHeight() {
		return parseFloat(getComputedStyle(this.root).getPropertyValue('--row')) *
			parseFloat(getComputedStyle(document.documentElement).fontSize);
	}

	later() {
		if (!this.asked) {
			this.asked = true;
			requestAnimationFrame(() => {
				this.asked = false;
				this.update();
			});
		}
	}

	/* Makes the rows that are visible, and removes those that are not. */
	update() {
		if (!this.row || this.printing) {
			return;
		}
		const height = this.rowHeight();
		/* Browsers limit the height of an element to some 17 million pixels. */
		const reach = Math.min(this.length, Math.floor(15e6 / height));

		if (height !== this.height) {
			this.height = height;
			this.space.replaceChildren();
			this.shown.clear();
		}
		this.setMore(reach);
		this.space.style.height = `${reach * height}px`;
		const sight = Table.sight();

		this.scroll.style.maxHeight = `${sight}px`;
		const first = Math.max(0, Math.floor(this.scroll.scrollTop / height) - Table.AROUND);
		const last = Math.min(reach, Math.ceil((this.scroll.scrollTop + sight) / height) +
			Table.AROUND);

		this.render(first, last, (element, i) => {
			element.style.transform = `translateY(${i * height}px)`;
		});
	}

	setMore(reach) {
		this.more.hidden = reach === this.length;
		this.more.textContent = `The first ${count(reach)} of ${count(this.length)}.`;
	}

	render(first, last, place) {
		/* If the row with the focus is removed, the table gets the focus. */
		const focused = this.space.contains(document.activeElement);

		this.shown.forEach((element, i) => {
			if (i < first || i >= last) {
				element.remove();
				this.shown.delete(i);
			}
		});
		for (let i = first; i < last; i++) {
			if (!this.shown.has(i)) {
				const element = this.makeRow(i);

				place(element, i);
				this.shown.set(i, element);
				/* In order, for screen readers and the tab key. */
				this.space.insertBefore(element, this.after(i));
			}
		}
		if (focused && !this.space.contains(document.activeElement)) {
			this.scroll.focus({ preventScroll: true });
		}
		this.setCurrent(this.current);
	}

	after(index) {
		let next = null;

		for (const element of this.space.children) {
			if (Number(element.dataset.index) > index) {
				next = element;
				break;
			}
		}
		return next;
	}

	makeRow(i) {
		const { cells, open } = this.row(i);
		const element = make('div', { className: open ? 'row open' : 'row', role: 'row',
			'aria-rowindex': i + 2 });

		element.dataset.index = i;
		if (open) {
			element.setAttribute('aria-current', 'true');
		}
		cells.forEach((content, n) => {
			const { style } = this.columns[n];

			element.append(make('div', { className: `cell ${style || ''}`,
				role: n ? 'cell' : 'rowheader' }, ...[content].flat()));
		});
		return element;
	}

	link(i) {
		const element = this.shown.get(i);

		return element && element.querySelector('a');
	}

	/* The tab key reaches the current row's link; if there are no links, the table. */
	setCurrent(i) {
		const old = this.link(this.current);

		if (old) {
			old.tabIndex = -1;
		}
		this.current = i;
		const link = this.link(i) || this.link([...this.shown.keys()][0]);

		if (link) {
			link.tabIndex = 0;
		}
		this.scroll.tabIndex = link ? -1 : 0;
	}

	key(event) {
		const page = Math.max(1, Math.floor(Table.sight() / this.height) - 2);
		const step = { ArrowDown: 1, ArrowUp: -1, PageDown: page, PageUp: -page,
			Home: -Infinity, End: Infinity }[event.key];

		if (!step || !this.length || event.ctrlKey || event.altKey || event.metaKey ||
				event.target.closest('.head') || !this.space.querySelector('a')) {
			return;
		}
		event.preventDefault();
		this.goTo(Math.max(0, Math.min(this.length - 1, this.current + step)));
	}

	goTo(i) {
		const head = this.head.parentElement.offsetHeight;
		const top = i * this.height;

		if (top < this.scroll.scrollTop) {
			this.scroll.scrollTop = top;
		} else if (top + this.height + head > this.scroll.scrollTop + this.scroll.clientHeight) {
			this.scroll.scrollTop = top + this.height + head - this.scroll.clientHeight;
		}
		this.update();
		const link = this.link(i);

		if (link) {
			link.focus({ preventScroll: true });
		}
	}

	/* Paper does not scroll: makes as many rows as somebody might read. */
	print(on) {
		if (!this.row) {
			return;
		}
		this.printing = on;
		this.space.replaceChildren();
		this.shown.clear();
		if (on) {
			const reach = Math.min(this.length, Table.PRINTED);

			this.setMore(reach);
			this.render(0, reach, () => {});
		} else {
			this.update();
		}
	}
}
/* The height of a table at most: most of the window. */
Table.sight = () => Math.max(360, Math.min(1200, window.innerHeight - 160));
Table.AROUND = 8;
Table.PRINTED = 1000;
