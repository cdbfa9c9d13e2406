/* SPDX-License-Identifier: GPL-2.0-or-later */
/* --- numbers, times and names, for people --- */

const grouped = new Intl.NumberFormat('en');
const count = (n) => (n === null || n === undefined ? 'unknown' : grouped.format(n));
const some = (n, noun) => `${count(n)} ${noun}${n === 1 ? '' : 's'}`;

/* A share in percent. It is 0 % or 100 % only if that is exact. */
function percent(part, whole) {
	if (part === null || whole === null || part === undefined || whole === undefined) {
		return 'unknown';
	}
	if (!whole || !part) {
		return '0 %';
	}
	const tenths = Math.round(part / whole * 1000);

	if (part === whole) {
		return '100 %';
	}
	if (tenths === 0) {
		return '< 0.1 %';
	}
	return tenths === 1000 ? '> 99.9 %' : `${(tenths / 10).toFixed(1)} %`;
}

function iso(seconds) {
	const date = new Date(seconds * 1000);

	return isNaN(date) ? '' : date.toISOString();
}
const day = (seconds) => iso(seconds).slice(0, 10);
const minute = (seconds) => iso(seconds).slice(0, 16).replace('T', ' ');
/* The created_at of a record: seconds, or the text itself if it is no time, or null. */
const stamp = (created) => (typeof created === 'number' ? day(created) : created === null ? 'not recorded' : created);

function age(from, to) {
	const days = Math.floor((to - from) / 86400);

	return days > 0 ? some(days, 'day') : 'less than a day';
}

/* The part of a locale before its territory, in lower case (exporter/body/words.h). */
const languageOf = (name) => name.split(/[-_.@]/, 1)[0].toLowerCase();

/*
 * What a tag is called. A label that is a JSON object, as text, stands for the text in the
 * reader's language, else in English, else for the first one; any other label for itself. If
 * there is none, the tag is called by its name, else by its id. The rule is that of
 * exporter/body/words.h.
 */
function tagName(id, label, name, language = languageOf(navigator.language || 'en')) {
	let text = label;

	if (label && label.length <= 65536 && /^[ \t\r\n]*\{/.test(label)) {
		try {
			const said = Object.entries(JSON.parse(label))
				.filter(([, value]) => typeof value === 'string' && value);
			const find = (wanted) => said.find(([key]) => languageOf(key) === wanted);

			text = (find(language) || find('en') || said[0] || [])[1];
		} catch (error) {
			/* It is no JSON: it stands for itself. */
		}
	}
	return text || name || id;
}
