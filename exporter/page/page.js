/* SPDX-License-Identifier: GPL-2.0-or-later */
/* --- the page --- */

function figures(root, entries) {
	root.replaceChildren(...entries.filter(Boolean).map(([title, value, wide]) => make('div',
		{ className: wide ? 'wide' : '' }, make('dt', null, title), make('dd', null, ...[value].flat()))));
}

/* A bar of a share, and what stands beside it. */
function gauge(share, words) {
	const bar = make('i', { 'aria-hidden': 'true' });

	bar.style.setProperty('--share', share);
	return make('div', { className: 'gauge' }, bar, make('span', null, words));
}

class Page {
	constructor(source) {
		this.source = source;
		this.albums = [];
		this.byId = new Map();
		this.order = [];
		this.lower = []; /* the ids in lower case, for the filter */
		this.sorted = { key: 'untagged', down: true };
		this.open = null;
		this.loaded = false;
		this.history = [];
		this.makeTables();
		this.listen();
	}

	makeTables() {
		this.table = new Table($('album-table'), 'Albums', [
			{ title: 'Album', key: 'id', style: 'name' },
			{ title: 'Untagged', key: 'untagged', style: 'number' },
			{ title: 'Images', key: 'images', style: 'number' },
			{ title: 'Share', key: 'share', style: 'number' },
		]);
		this.table.sort = (key) => {
			const same = this.sorted.key === key;

			this.sorted = { key, down: same ? !this.sorted.down : key !== 'id' };
			this.sortAlbums();
			this.filterAlbums();
		};
		this.untagged = new ImageList(this, 'untagged', 'Untagged images', true);
		this.untagged.table.tallest = 640;
		this.untagged.table.first = 10;
		this.table.first = 25;
		this.images = new ImageList(this, 'image', 'Untagged images of the album', false);
		this.tags = new Table($('tag-table'), 'Tags', [{ title: 'Tag', style: 'name' }, { title: 'Images', style: 'number' }]);
		this.tags.tallest = 300;
		this.marks = new Table($('marks'), 'Labels and incidents', [
			{ title: 'Snapshot', style: 'number' },
			{ title: 'Time' },
			{ title: 'What', style: 'what' },
		]);
		this.snapshots = new Table($('snapshots'), 'Snapshots', [
			{ title: 'Number', style: 'number extra' },
			{ title: 'Time' },
			{ title: 'Untagged', style: 'number' },
			{ title: 'Images', style: 'number extra' },
			{ title: 'Share', style: 'number' },
			{ title: 'Commit', style: 'extra' },
		]);
		this.plot = new Plot($('plot'));
	}

	listen() {
		$('filter').addEventListener('input', () => {
			this.filterAlbums();
			this.writeHash(true);
		});
		$('filter').addEventListener('keydown', (event) => {
			if (event.key === 'ArrowDown' && this.order.length) {
				event.preventDefault();
				this.table.goTo(0);
			}
		});
		$('close').addEventListener('click', () => this.close());
		$('skip').addEventListener('click', (event) => {
			event.preventDefault();
			$('albums-title').focus();
		});
		document.addEventListener('keydown', (event) => {
			if (event.key === 'Escape' && this.open && event.target !== $('filter')) {
				this.close();
			}
		});
		[['plot-count', false], ['plot-share', true]].forEach(([id, share]) => {
			$(id).addEventListener('click', () => {
				$('plot-count').setAttribute('aria-pressed', !share);
				$('plot-share').setAttribute('aria-pressed', share);
				this.plot.share = share;
				this.plot.draw();
			});
		});
		$('plot-details').addEventListener('toggle', () => this.showSnapshots());
		$('mark-details').addEventListener('toggle', () => this.showMarks());
		window.addEventListener('hashchange', () => this.readHash());
		window.addEventListener('beforeprint', () => this.print(true));
		window.addEventListener('afterprint', () => this.print(false));
		window.matchMedia('print').addEventListener('change', (event) => this.print(event.matches));
	}

	print(on) {
		[this.table, this.untagged.table, this.images.table, this.tags, this.marks, this.snapshots]
			.forEach((table) => table.print(on));
		this.plot.print(on);
	}

	async start() {
		this.summary = await this.source.summary();
		this.showOrigin();
		this.showSummary();
		/* The album in the address is shown first; the list follows. */
		this.readHash();
		const albums = this.source.albums((rows) => {
			this.addAlbums(rows);
			this.refreshLater();
		});
		const snapshots = this.source.history((rows) => rows.forEach((row) => this.history.push(row)));
		const labels = this.source.labels();

		await albums;
		this.loaded = true;
		if (this.albums.length === 1 && !location.hash) {
			history.replaceState(null, '', this.hash(this.albums[0][0]));
		}
		this.refresh();
		await this.showUntagged();
		await snapshots;
		this.showHistory(await labels);
		this.scrollToAlbum();
		document.documentElement.dataset.ready = '';
	}

	/* --- what this is: whose, of when, signed by whom --- */

	showOrigin() {
		const { name, commit, time, number, as_of: asOf } = this.summary;

		if (name) {
			$('library').replaceChildren(own(name));
			$('library').hidden = false;
			document.title = `Untagged images \u2013 ${name}`;
		}
		figures($('origin'), [
			['Snapshot', number ? count(number) : 'without a number'],
			['Taken', `${minute(time)} UTC`],
			asOf && asOf !== time && ['Ages counted to', `${minute(asOf)} UTC`],
			['Signature', this.signatureWords()],
			['Commit', make('span', { className: 'address' }, commit), true],
		]);
		this.showCheck();
	}

	/* Nothing that this page says about itself proves anything: it tells what was found when it
	 * was made, and by whom. */
	signatureWords() {
		const { key, principal } = this.summary;

		if (key === undefined) {
			return 'Not signed';
		}
		const signer = key ? make('span', { className: 'address' }, key) : 'a key that cannot be read';

		if (principal) {
			return [make('strong', null, 'Signed by ', own(principal)), ', verified when this report was made; key ', signer];
		}
		return ['Signed with ', key ? 'key ' : '', signer, ', not verified here: verify with albumen-exporter verify'];
	}

	showCheck() {
		const { key, commit } = this.summary;
		const isSigned = key !== undefined;
		const command = (text) => make('code', null, text);

		$('check-words').replaceChildren(
			make('p', null, isSigned
				? 'A page cannot verify itself. In the repository or a clone of it, verify with '
				: 'This snapshot is not signed: nothing shows who made it. In the repository or a clone of it, ' +
					'check that it is whole with '),
			command(`albumen-exporter verify --repo REPO${isSigned ? ' --signers FILE' : ''}`),
			make('p', null, 'and compare the counts here with'),
			command(`albumen-exporter audit --repo REPO --at ${commit.slice(0, 12)}${isSigned ? ' --signers FILE' : ''}`));
		$('check').hidden = false;
	}

	showSummary() {
		const { images, untagged, albums } = this.summary;
		const isKnown = images !== undefined && untagged !== undefined;
		const isEmpty = images === 0;

		$('share').textContent = isEmpty ? 'No images yet' : percent(untagged, images);
		$('share-words').textContent = isEmpty ? 'The library is empty: there is nothing to tag.'
			: untagged === 0 ? 'is untagged: every image has a tag' : 'of all images are untagged';
		$('share-line').classList.toggle('calm', isEmpty || untagged === 0 || !isKnown);
		$('share-line').classList.toggle('words', isEmpty);
		$('meter-line').hidden = isEmpty || !isKnown;
		$('meter').style.setProperty('--share', isKnown && images ? untagged / images : 0);
		this.figures = isEmpty ? [] : [
			['Untagged', count(untagged)],
			['Tagged', count(isKnown ? images - untagged : null)],
			['Images', count(images)],
			['Albums', count(albums)],
			this.lastFigure(this.summary.last),
		];
		figures($('figures'), this.figures);
		this.showTags();
	}

	/* [image, created, by]; null for what is unknown. */
	lastFigure(last) {
		if (!last) {
			return null;
		}
		const [id, created, by] = last;

		return ['Last tagged', [own(id), created === null ? '' : `, ${stamp(created)}`,
			...(by === null ? [] : [', by ', own(by)])], true];
	}

	/* --- tags --- */

	showTags() {
		const { tags } = this.summary;

		if (!tags || !tags.length) {
			this.untagged.table.tallest = 400;
			return;
		}
		$('tags').hidden = false;
		$('tag-count').textContent = `${some(tags.length, 'tag')} on these images`;
		this.tags.set(tags.length, (i) => {
			const [id, label, name, n] = tags[i];
			const text = tagName(id, label, name);

			return { cells: [make('bdi', { title: text === id ? id : `${text} (${id})` }, text),
				gauge(n / tags[0][3], count(n))] };
		});
	}

	/* --- all untagged images --- */

	async showUntagged() {
		const { images, untagged } = this.summary;
		const list = this.source.untagged(this.albums);
		const missing = this.albums.filter((row) => row[2] === null).length;

		$('untagged-title').textContent = untagged === 0 ? 'Which images' : this.source.isReport ? 'Which images, untagged for longest first'
			: 'Which images, the oldest first';
		$('untagged-words').textContent = images === 0 ? 'There are no images, so none is untagged.'
			: untagged === 0 ? 'None: every image has at least one tag.'
			: this.source.isReport ? this.countedWords()
			: 'By the time of creation. Since when each was observed to be untagged is in a report: ' +
				'albumen-exporter audit --format html.';
		if (missing && !this.source.isReport) {
			$('untagged-words').append(` ${some(missing, 'album')} cannot be listed: too large for a snapshot.`);
		}
		$('untagged-words').className = untagged === 0 ? 'empty' : 'quiet';
		this.untagged.set(list);
		$('untagged-status').textContent = some(list.total, 'untagged image');
		if (list.more) {
			await this.untagged.more();
		}
		if (list.length) {
			figures($('figures'), [...this.figures.slice(0, 4), this.oldestFigure(list.row(0)),
				...this.figures.slice(4)]);
		}
	}

	oldestFigure(image) {
		const name = own(image.title || image.id);

		if (!this.source.isReport) {
			return ['Oldest untagged', [name, image.created === null ? ', creation not recorded'
				: `, created ${stamp(image.created)}`], true];
		}
		const [long, since] = this.untagged.sinceWords(image);

		return ['Untagged for longest', [name, `, ${long}, ${since}`], true];
	}

	countedWords() {
		return this.summary.counted === 'observed'
			? 'By the first snapshot since which each was untagged.'
			: 'By how long each has been untagged: since its creation if no snapshot shows it tagged, ' +
				'else since the snapshot that observed it.';
	}

	/* --- history --- */

	showHistory(labels) {
		/* Snapshots without counts are not plotted. */
		const rows = this.history.sort((a, b) => a[0] - b[0])
			.filter((row) => row[2] !== null && row[3] !== null);
		const names = new Map();

		if (!rows.length) {
			$('history').hidden = true;
			return;
		}
		labels.filter((label) => !label[2])
			.forEach(([name, commit]) => names.set(commit, [...(names.get(commit) || []), name]));
		const incidents = incidentsOf(rows, labels.filter((label) => label[2]));
		const marks = rows.map((row, i) => (names.has(row[4]) || incidents[i]
			? { labels: names.get(row[4]), incidents: incidents[i] } : null));

		this.plotted = rows;
		this.marked = [...rows.keys()].filter((i) => marks[i]).map((i) => [rows[i], markWords(marks[i])]).reverse();
		$('plot-words').textContent = this.historyWords(rows);
		$('mark-summary').textContent = `Labels and incidents: ${count(this.marked.length)}`;
		$('mark-details').hidden = !this.marked.length;
		if (rows.length === 1) {
			['plot', 'readout', 'plot-choice', 'plot-details'].forEach((id) => {
				$(id).hidden = true;
			});
			return;
		}
		this.plot.set(rows, marks);
		this.showSnapshots();
	}

	historyWords(rows) {
		const first = rows[0], last = rows[rows.length - 1];
		let most = first, least = first;

		if (rows.length === 1) {
			return `There is one snapshot so far, of ${minute(first[1])}` +
				(first[2] ? `: ${count(first[3])} of ${some(first[2], 'image')} untagged.` : ', without images.') +
				' The plot begins with the second.';
		}
		rows.forEach((row) => {
			most = row[3] > most[3] ? row : most;
			least = row[3] < least[3] ? row : least;
		});
		return `All albums: ${some(rows.length, 'snapshot')} from ${minute(first[1])} (${count(first[3])} untagged) to ` +
			`${minute(last[1])} (${count(last[3])}). The most: ${count(most[3])} on ${day(most[1])}; ` +
			`the fewest: ${count(least[3])} on ${day(least[1])}.` +
			(this.marked.length ? ' Flags are labels, triangles incidents.' : '') +
			(first[0] > 1 ? ` The history that is kept begins with snapshot ${count(first[0])}.` : '');
	}

	showMarks() {
		if (!$('mark-details').open) {
			return;
		}
		this.marks.set(this.marked.length, (i) => {
			const [row, words] = this.marked[i];

			return { cells: [count(row[0]), minute(row[1]), own(words.join('. '))] };
		});
	}

	showSnapshots() {
		if (!$('plot-details').open || !this.plotted) {
			return;
		}
		const rows = this.plotted;

		this.snapshots.set(rows.length, (i) => {
			const [number, time, images, untagged, commit] = rows[rows.length - 1 - i];

			return { cells: [count(number), minute(time), count(untagged), count(images),
				percent(untagged, images), make('span', { title: commit }, commit.slice(0, 12))] };
		});
	}

	/* --- the list of albums --- */

	addAlbums(rows) {
		rows.forEach((row) => {
			this.byId.set(row[0], this.albums.length);
			this.albums.push(row);
			this.lower.push(row[0].toLowerCase());
		});
	}

	/* Refreshes at most a few times a second while albums arrive. */
	refreshLater() {
		if (!this.timer) {
			this.timer = setTimeout(() => this.refresh(), 250);
		}
	}

	refresh() {
		clearTimeout(this.timer);
		this.timer = null;
		this.sortAlbums();
		this.filterAlbums(true);
		this.readHash();
	}

	sortAlbums() {
		const { albums } = this;
		const { key, down } = this.sorted;
		const byId = (a, b) => (albums[a][0] < albums[b][0] ? -1 : albums[a][0] > albums[b][0] ? 1 : 0);
		const value = {
			untagged: (row) => row[2],
			images: (row) => row[1],
			share: (row) => row[2] / row[1],
		}[key];
		const sign = down ? -1 : 1;

		this.all = albums.map((row, i) => i);
		if (value) {
			this.all.sort((a, b) => sign * (value(albums[a]) - value(albums[b])) || byId(a, b));
		} else {
			this.all.sort((a, b) => sign * byId(a, b));
		}
		this.table.setSorted(key, down);
	}

	filterAlbums(keepPlace) {
		const wanted = $('filter').value.toLowerCase();

		this.order = wanted ? this.all.filter((i) => this.lower[i].includes(wanted)) : this.all;
		this.table.set(this.order.length, (i) => this.albumRow(this.order[i]), keepPlace);
		const total = count(this.albums.length);
		const none = this.loaded && !this.order.length;
		const words = !this.loaded ? `${total} albums so far`
			: wanted && this.albums.length ? `${count(this.order.length)} of ${total} albums` : some(this.albums.length, 'album');

		if ($('count').textContent !== words) {
			$('count').textContent = words;
		}
		$('filter-line').hidden = this.loaded && !this.albums.length;
		$('album-table').hidden = none;
		$('no-albums').hidden = !none;
		if (none) {
			$('no-albums').replaceChildren(...(this.albums.length
				? ['No album id contains \u201c', own($('filter').value), '\u201d. Upper and lower case are the same here.']
				: ['There are no albums yet.']));
		}
	}

	albumRow(i) {
		const [id, images, untagged] = this.albums[i];

		return {
			open: id === this.open,
			cells: [make('a', { href: this.hash(id), title: id, tabIndex: -1 }, make('bdi', null, id)),
				count(untagged), count(images), gauge(images ? untagged / images : 0, percent(untagged, images))],
		};
	}

	/* --- one album --- */

	async show(id) {
		const i = this.byId.get(id);

		this.open = id;
		$('main').classList.add('open');
		$('album').hidden = false;
		$('album-id').textContent = id;
		$('image-table').hidden = true;
		$('image-tools').hidden = true;
		figures($('album-figures'), []);
		if (i === undefined) {
			$('album-words').textContent = this.loaded ? 'The snapshot has no album with this id.'
				: 'Loading …';
			return;
		}
		const row = this.albums[i];

		this.shownRow = row;
		if (row[2] === null) {
			$('album-words').textContent = 'The list of its untagged images is too large for a snapshot.';
			return;
		}
		$('album-words').textContent = row[2] ?
			`${count(row[2])} of ${some(row[1], 'image')} untagged (${percent(row[2], row[1])})`
			: `All of its ${some(row[1], 'image')} are tagged.`;
		try {
			const album = await this.source.album(row);

			if (this.shownRow === row && this.open === id) {
				this.showAlbum(album);
				this.scrollToAlbum();
			}
		} catch (error) {
			$('album-words').textContent += ` The list could not be loaded: ${error.message}.`;
		}
	}

	/* Brings an album that was just opened into view: at once, and again when there is more of
	 * the page, unless the reader has gone elsewhere. */
	scrollToAlbum() {
		if (document.activeElement === $('album-title')) {
			$('album').scrollIntoView({ block: 'start' });
		}
	}

	showAlbum({ images, tags, last }) {
		figures($('album-figures'), [
			tags && ['Tags', tags.length ? tags.slice(0, 50).flatMap(([id, label, name, n], i) =>
				[i ? ', ' : '', own(tagName(id, label, name)), ` ${count(n)}`]) : 'none', true],
			this.lastFigure(last),
		]);
		$('image-status').textContent = some(images.total, 'untagged image');
		this.images.set(images);
	}

	close() {
		const id = this.open;

		this.hide();
		this.writeHash(false);
		const place = this.order.indexOf(this.byId.get(id));

		if (place >= 0) {
			this.table.goTo(place);
		} else {
			$('albums-title').focus();
		}
	}

	hide() {
		this.open = this.shownRow = null;
		$('main').classList.remove('open');
		$('album').hidden = true;
		this.filterAlbums(true);
	}

	/* --- the address: #album=ID&filter=TEXT --- */

	hash(id) {
		const parts = [];

		if (id !== null) {
			parts.push(`album=${encodeURIComponent(id)}`);
		}
		if ($('filter').value) {
			parts.push(`filter=${encodeURIComponent($('filter').value)}`);
		}
		return `#${parts.join('&')}`;
	}

	writeHash(replace) {
		const hash = this.hash(this.open);

		if (replace) {
			history.replaceState(null, '', hash);
		} else {
			history.pushState(null, '', hash);
		}
	}

	readHash() {
		const wanted = { album: null, filter: '' };

		location.hash.slice(1).split('&').forEach((part) => {
			const equals = part.indexOf('=');
			const key = part.slice(0, equals);

			if (equals > 0 && key in wanted) {
				try {
					wanted[key] = decodeURIComponent(part.slice(equals + 1));
				} catch (error) {
					/* A link that was cut off within an escape. */
				}
			}
		});
		if (wanted.filter !== $('filter').value) {
			$('filter').value = wanted.filter;
			this.all && this.filterAlbums();
		}
		if (wanted.album === null && this.open !== null) {
			this.hide();
		} else if (wanted.album !== null && (wanted.album !== this.open || !this.shownRow)) {
			const linked = wanted.album !== this.open;

			this.show(wanted.album);
			if (this.all && linked) {
				this.filterAlbums(true);
			}
			if (linked) {
				$('album-title').focus({ preventScroll: true });
				this.scrollToAlbum();
			}
		}
	}
}

const report = document.querySelector('script.summary');
const page = new Page(report ? reportSource(report) : siteSource());

page.start().catch((error) => {
	$('problem').textContent = `The page cannot show its data: ${error.message}.`;
	$('problem').hidden = false;
});
