/* SPDX-License-Identifier: GPL-2.0-or-later */
/* --- a table of any length --- */

/*
 * Shows `length` rows, of which only those in sight (and a few around them) exist. The
 * roles tell a screen reader what the elements, which are laid out freely, amount to.
 * Where rows hold a link, arrow keys go from one to the next, and one of them alone is
 * in the order of the tab key.
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

	/* Other rows than before. */
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

	/* Makes the rows that are in sight, and removes those that are not. */
	update() {
		if (!this.row || this.printing) {
			return;
		}
		const height = this.rowHeight();
		/* A browser's elements are not higher than some 17 million pixels. */
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
		/* A row that has the focus takes it along only as far as it is in sight. */
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
				/* In order, for who reads or goes through them. */
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

	/* One link is in the order of the tab key; without any, the table itself is. */
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

	/* On paper there is no scrolling: as many rows as somebody might read. */
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
/* How high a table may be: most of the window. */
Table.sight = () => Math.max(360, Math.min(1200, window.innerHeight - 160));
Table.AROUND = 8;
Table.PRINTED = 1000;
