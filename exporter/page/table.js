/* SPDX-License-Identifier: GPL-2.0-or-later */
/* --- a table of any length --- */

/*
 * Shows `length` rows. In a wide window all rows have one height, and only the visible ones,
 * with a few around them, exist as elements. In a narrow window, and on paper, rows have the
 * height that their texts need, and there are `limit` of them until the reader asks for more.
 *
 * A row may be opened to show details below it; one at a time. Roles tell screen readers that
 * these elements are a table. If rows have links or buttons, arrow keys move between the rows,
 * and the tab key reaches those of one row.
 */
class Table {
	constructor(root, label, columns) {
		this.root = root;
		this.columns = columns;
		this.length = 0;
		this.total = 0;
		this.row = null; /* (index) => { cells, open } */
		this.detail = null; /* (index) => elements, if rows can be opened */
		this.opened = -1;
		this.extra = 0; /* the height of the details */
		this.current = 0;
		this.shown = new Map();
		this.sort = null; /* (key) => ... */
		this.atEnd = null; /* () => ...: the last rows are visible */
		this.first = this.limit = Table.STEP; /* rows in a narrow window at first */
		this.head = make('div', { className: 'head', role: 'row', 'aria-rowindex': 1 });
		this.space = make('div', { className: 'space', role: 'rowgroup' });
		this.scroll = make('div', { className: 'scroll', role: 'table', 'aria-label': label, tabIndex: 0 },
			make('div', { role: 'rowgroup', className: 'sticky' }, this.head), this.space);
		this.moreWords = make('span');
		this.moreButton = make('button', { type: 'button', onclick: () => this.showMore() });
		this.more = make('p', { className: 'more', hidden: true }, this.moreWords, this.moreButton);
		root.replaceChildren(this.scroll, this.more);
		columns.forEach((column) => this.addHead(column));
		this.scroll.addEventListener('scroll', () => this.later());
		this.scroll.addEventListener('keydown', (event) => this.key(event));
		this.space.addEventListener('focusin', (event) => {
			this.setCurrent(Number(event.target.closest('.slot').dataset.index));
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

	/* Shows other rows. `keepPlace`: without scrolling to the top. `total`: how many there
	 * are, of which these are the first. */
	set(length, row, keepPlace, total = length) {
		this.length = length;
		this.total = total;
		this.row = row;
		this.scroll.setAttribute('aria-rowcount', total + 1);
		if (!keepPlace) {
			this.scroll.scrollTop = 0;
			this.current = 0;
			this.opened = -1;
			this.limit = this.first;
		}
		this.current = Math.max(0, Math.min(this.current, length - 1));
		this.redraw();
	}

	/* Shows that there are more rows; those that are shown stay. */
	grow(length) {
		this.length = length;
		this.update();
	}

	/* Makes all rows anew. The control that has the focus gets it back, if its row is there. */
	redraw() {
		const slot = this.space.contains(document.activeElement) && document.activeElement.closest('.slot');
		const index = slot ? Number(slot.dataset.index) : -1;
		const control = slot ? this.controls(index).indexOf(document.activeElement) : -1;

		this.clear();
		this.update();
		if (slot) {
			(this.controls(index)[control] || this.scroll).focus({ preventScroll: true });
		}
	}

	clear() {
		this.space.replaceChildren();
		this.shown.clear();
	}

	/* Whether rows have the height that their texts need. */
	get isFlow() {
		return this.printing || Table.narrow.matches;
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
		if (!this.row) {
			return;
		}
		if (this.isFlow !== this.wasFlow) {
			this.wasFlow = this.isFlow;
			this.root.classList.toggle('flow', this.isFlow);
			this.clear();
		}
		if (this.isFlow) {
			this.updateFlow();
		} else {
			this.updateVirtual();
		}
	}

	updateFlow() {
		const reach = Math.min(this.length, this.printing ? Table.PRINTED : this.limit);

		this.space.style.height = this.scroll.style.maxHeight = '';
		this.setMore(reach);
		this.render(0, reach, (element) => {
			element.style.transform = '';
		});
	}

	updateVirtual() {
		const height = this.rowHeight();
		/* Browsers limit the height of an element to some 17 million pixels. */
		const reach = Math.min(this.length, Math.floor(15e6 / height));

		if (height !== this.height) {
			this.height = height;
			this.clear();
		}
		this.setMore(reach);
		const sight = this.sight();

		this.scroll.style.maxHeight = `${sight}px`;
		const first = Math.max(0, this.indexAt(this.scroll.scrollTop) - Table.AROUND);
		const last = Math.min(reach, this.indexAt(this.scroll.scrollTop + sight) + 1 + Table.AROUND);

		this.render(first, last, (element, i) => {
			element.style.transform = `translateY(${this.top(i)}px)`;
		});
		const open = this.shown.get(this.opened);

		/* The details have the height that they have; the rows below make room. */
		if (open && open.offsetHeight - height !== this.extra) {
			this.extra = open.offsetHeight - height;
			this.shown.forEach((element, i) => {
				element.style.transform = `translateY(${this.top(i)}px)`;
			});
		}
		this.space.style.height = `${this.top(reach)}px`;
		if (last === this.length && this.length < this.total && this.atEnd) {
			this.atEnd();
		}
	}

	top(i) {
		return i * this.height + (this.opened >= 0 && i > this.opened ? this.extra : 0);
	}

	indexAt(y) {
		const end = this.top(this.opened + 1);

		return Math.floor((this.opened >= 0 && y >= end ? y - this.extra : Math.min(y,
			this.opened >= 0 ? this.opened * this.height : y)) / this.height);
	}

	/* The height of the table at most. */
	sight() {
		return Math.min(this.tallest || 1200, Math.max(360, window.innerHeight - 160));
	}

	setMore(reach) {
		const open = reach < this.total;
		const canGo = this.isFlow && !this.printing;

		this.more.hidden = !open || (!canGo && !this.printing && reach === this.length);
		this.moreWords.textContent = `The first ${count(reach)} of ${count(this.total)}.`;
		this.moreButton.hidden = !canGo;
		this.moreButton.textContent = `Show ${Math.min(Table.STEP, this.total - reach)} more`;
	}

	showMore() {
		const next = Math.min(this.limit, this.length);

		this.limit += Table.STEP;
		if (this.limit > this.length && this.length < this.total && this.atEnd) {
			this.atEnd();
		}
		this.update();
		this.focus(next);
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
		const last = this.space.lastElementChild;
		let next = null;

		if (!last || Number(last.dataset.index) < index) {
			return null;
		}
		for (const element of this.space.children) {
			if (Number(element.dataset.index) > index) {
				next = element;
				break;
			}
		}
		return next;
	}

	/* A row, and its details if it is open. */
	makeRow(i) {
		const { cells, open } = this.row(i);
		const row = make('div', { className: open ? 'row open' : 'row', role: 'row', 'aria-rowindex': i + 2 });
		const slot = make('div', { className: 'slot', role: 'none' }, row);

		slot.dataset.index = i;
		if (open) {
			row.setAttribute('aria-current', 'true');
		}
		cells.forEach((content, n) => {
			const { style, title } = this.columns[n];
			const cell = make('div', { className: `cell ${style || ''}`, role: n ? 'cell' : 'rowheader' },
				...[content].flat());

			cell.dataset.title = title;
			row.append(cell);
		});
		if (i === this.opened && this.detail) {
			row.classList.add('expanded');
			slot.append(make('div', { className: 'detail', role: 'row' },
				make('div', { role: 'cell', 'aria-colspan': cells.length }, ...this.detail(i))));
		}
		return slot;
	}

	/* Opens or closes the details of a row. */
	toggle(i) {
		this.opened = this.opened === i ? -1 : i;
		this.extra = 0;
		this.clear();
		this.update();
		this.focus(i);
	}

	controls(i) {
		const element = this.shown.get(i);

		return element ? [...element.querySelectorAll('a, button')] : [];
	}

	/* The tab key reaches the links of the current row; if there are none, the table. */
	setCurrent(i) {
		const reachable = this.isFlow ? [] : this.controls(this.current);

		reachable.forEach((control) => {
			control.tabIndex = -1;
		});
		this.current = i;
		if (this.isFlow) {
			/* All of it is on the page: the tab key goes through it. */
			this.space.querySelectorAll('[tabindex="-1"]').forEach((control) => {
				control.tabIndex = 0;
			});
			this.scroll.removeAttribute('tabindex');
			return;
		}
		const controls = this.controls(i).length ? this.controls(i) : this.controls([...this.shown.keys()][0]);

		controls.forEach((control) => {
			control.tabIndex = 0;
		});
		this.scroll.tabIndex = controls.length ? -1 : 0;
	}

	key(event) {
		const page = this.isFlow ? 10 : Math.max(1, Math.floor(this.sight() / this.height) - 2);
		const step = { ArrowDown: 1, ArrowUp: -1, PageDown: page, PageUp: -page,
			Home: -Infinity, End: Infinity }[event.key];

		if (!step || !this.length || event.ctrlKey || event.altKey || event.metaKey || event.shiftKey ||
				event.target.closest('.head, .detail') || !this.space.querySelector('a, button')) {
			return;
		}
		event.preventDefault();
		this.goTo(Math.max(0, Math.min(this.length - 1, this.current + step)));
	}

	goTo(i) {
		if (this.isFlow) {
			this.limit = Math.max(this.limit, Math.min(i + 1, Table.PRINTED));
		} else {
			const head = this.head.parentElement.offsetHeight;
			const top = this.top(i);

			if (top < this.scroll.scrollTop) {
				this.scroll.scrollTop = top;
			} else if (top + this.height + head > this.scroll.scrollTop + this.scroll.clientHeight) {
				this.scroll.scrollTop = top + this.height + head - this.scroll.clientHeight;
			}
		}
		this.update();
		this.focus(i);
	}

	focus(i) {
		const [first] = this.controls(i);

		if (first) {
			first.focus({ preventScroll: !this.isFlow });
		}
	}

	/* Paper does not scroll: makes as many rows as somebody might read. */
	print(on) {
		this.printing = on;
		this.update();
	}
}
Table.AROUND = 8;
Table.STEP = 50;
Table.PRINTED = 1000;
Table.narrow = window.matchMedia('(max-width: 40rem)');
