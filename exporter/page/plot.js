/* SPDX-License-Identifier: GPL-2.0-or-later */
/* --- the plot --- */

const SVG = 'http://www.w3.org/2000/svg';

function draw(parent, name, attributes, text) {
	const element = document.createElementNS(SVG, name);

	Object.entries(attributes).forEach(([key, value]) => element.setAttribute(key, value));
	if (text !== undefined) {
		element.textContent = text;
	}
	parent.append(element);
	return element;
}

/* The smallest 1, 2 or 5 times a power of ten of which `steps` reach `most`. */
function niceStep(most, steps) {
	const power = 10 ** Math.floor(Math.log10(most / steps));

	return [1, 2, 5, 10].map((n) => n * power).find((step) => step * steps >= most * 0.9999);
}

class Plot {
	constructor(root) {
		this.root = root;
		this.rows = [];
		this.share = false;
		this.at = 0;
		root.addEventListener('pointermove', (event) => this.point(event));
		root.addEventListener('pointerdown', (event) => this.point(event));
		root.addEventListener('keydown', (event) => this.key(event));
		new ResizeObserver(() => this.draw()).observe(root);
	}

	set(rows) {
		this.rows = rows;
		this.at = rows.length - 1;
		this.draw();
	}

	value(row) {
		return this.share ? (row[2] ? row[3] / row[2] * 100 : 0) : row[3];
	}

	/* The snapshots to draw: of those on one pixel, the first, lowest, highest and last. */
	points() {
		const kept = [];
		let last = -1, group = [];
		const flush = () => {
			const sorted = [...group].sort((a, b) => this.value(this.rows[a]) - this.value(this.rows[b]));

			[...new Set([group[0], sorted[0], sorted[sorted.length - 1], group[group.length - 1]])]
				.sort((a, b) => a - b).forEach((i) => kept.push(i));
			group = [];
		};

		this.rows.forEach((row, i) => {
			const pixel = Math.round(this.x(row[1]));

			if (pixel !== last && group.length) {
				flush();
			}
			last = pixel;
			group.push(i);
		});
		flush();
		return kept;
	}

	draw() {
		const { width, height } = this.root.getBoundingClientRect();

		if (!this.rows.length || width < 50) {
			return;
		}
		const svg = document.createElementNS(SVG, 'svg');
		const first = this.rows[0][1];
		const span = Math.max(1, this.rows[this.rows.length - 1][1] - first);
		const most = Math.max(this.share ? 1 : 4, this.highest());
		const step = Math.max(niceStep(most, 4), this.share ? 0 : 1);
		const top = Math.ceil(most / step - 1e-9) * step;
		const left = 12 + 7 * (this.share ? 5 : count(top).length);
		const right = width - 14, bottom = height - 26, above = 10;

		svg.setAttribute('viewBox', `0 0 ${width} ${height}`);
		svg.setAttribute('preserveAspectRatio', 'xMinYMid meet');
		svg.setAttribute('aria-hidden', 'true');
		this.left = left;
		this.x = (time) => left + (time - first) / span * (right - left);
		this.y = (value) => bottom - value / top * (bottom - above);
		for (let value = 0; value <= top + step / 2; value += step) {
			const y = Math.round(this.y(value)) + 0.5;

			draw(svg, 'line', { class: 'grid', x1: left, x2: right, y1: y, y2: y });
			draw(svg, 'text', { x: left - 8, y: y + 4, 'text-anchor': 'end' },
				this.share ? `${Math.round(value * 100) / 100} %` : count(value));
		}
		this.drawTimes(svg, first, span, height, right - left);
		/* Counts stay the same until the next snapshot, so the line has steps. */
		const points = this.points();
		let path = '';

		points.forEach((i) => {
			const x = this.x(this.rows[i][1]).toFixed(1), y = this.y(this.value(this.rows[i])).toFixed(1);

			path += path ? `H${x}V${y}` : `M${x} ${y}`;
		});
		const end = this.x(this.rows[points[points.length - 1]][1]).toFixed(1);

		draw(svg, 'path', { class: 'area', d: `${path}H${end}V${bottom}H${left}Z` });
		draw(svg, 'path', { class: 'line', d: path });
		this.cross = draw(svg, 'line', { class: 'cross', y1: above, y2: bottom });
		this.dot = draw(svg, 'circle', { class: 'dot', r: 5 });
		this.root.replaceChildren(svg);
		this.show(this.at);
	}

	highest() {
		return this.rows.reduce((most, row) => Math.max(most, this.value(row)), 0);
	}

	drawTimes(svg, first, span, height, width) {
		/* Dates if neighbouring labels have different ones; else times, which are longer. */
		const fit = (pixels) => Math.max(1, Math.min(6, Math.floor(width / pixels)));
		const dates = span >= 2 * fit(130) * 86400;
		const ticks = this.rows.length === 1 ? 0 : fit(dates ? 130 : 200);
		const label = dates ? day : minute;

		for (let i = 0; i <= ticks; i++) {
			const time = first + (ticks ? span * i / ticks : 0);

			draw(svg, 'text', { x: this.x(time), y: height - 6,
				'text-anchor': i === 0 ? 'start' : i === ticks ? 'end' : 'middle' }, label(time));
		}
	}

	/* Points at one snapshot: with a line, and in words, also for screen readers. */
	show(i) {
		const row = this.rows[i];
		const words = snapshotWords(row);

		this.at = i;
		this.cross.setAttribute('x1', this.x(row[1]));
		this.cross.setAttribute('x2', this.x(row[1]));
		this.dot.setAttribute('cx', this.x(row[1]));
		this.dot.setAttribute('cy', this.y(this.value(row)));
		$('readout').textContent = words;
		this.root.setAttribute('aria-valuemin', this.rows[0][0]);
		this.root.setAttribute('aria-valuemax', this.rows[this.rows.length - 1][0]);
		this.root.setAttribute('aria-valuenow', row[0]);
		this.root.setAttribute('aria-valuetext', words);
	}

	point(event) {
		if (!this.x) {
			return;
		}
		const x = event.clientX - this.root.getBoundingClientRect().left;
		let low = 0, high = this.rows.length - 1;

		while (low < high) {
			const middle = (low + high + 1) >> 1;

			if (this.x(this.rows[middle][1]) <= x) {
				low = middle;
			} else {
				high = middle - 1;
			}
		}
		this.show(low);
	}

	key(event) {
		const tenth = Math.max(1, Math.round(this.rows.length / 10));
		const step = { ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1, PageDown: -tenth,
			PageUp: tenth, Home: -Infinity, End: Infinity }[event.key];

		if (step && this.x && !event.ctrlKey && !event.altKey && !event.metaKey) {
			event.preventDefault();
			this.show(Math.max(0, Math.min(this.rows.length - 1, this.at + step)));
		}
	}
}

function snapshotWords([number, time, images, untagged]) {
	return `Snapshot ${number}, ${minute(time)}: ${count(untagged)} of ${some(images, 'image')} untagged` +
		` (${percent(untagged, images)})`;
}
