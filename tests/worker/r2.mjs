// SPDX-License-Identifier: GPL-2.0-or-later
// r2.mjs WORKER.js PORT SITE PREFIX - runs a Worker with an R2 bucket that holds the files of SITE
// below PREFIX. miniflare is Cloudflare's own: the bucket is R2 as `wrangler dev` has it.
import { readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

const { Miniflare } = createRequire(process.env.MINIFLARE)('miniflare');
const [script, port, site, prefix] = process.argv.slice(2);
const flare = new Miniflare({
	modules: [{ type: 'ESModule', path: 'worker.js', contents: readFileSync(script, 'utf8') }],
	compatibilityDate: '2026-01-01',
	// Past the server that miniflare has in front, which resolves `..` in a path.
	unsafeDirectSockets: [{ host: '127.0.0.1', port: Number(port) }],
	r2Buckets: ['ALBUMEN_BUCKET'],
});
const bucket = await flare.getR2Bucket('ALBUMEN_BUCKET');

for (const entry of readdirSync(site, { recursive: true, withFileTypes: true })) {
	const path = `${entry.parentPath}/${entry.name}`;

	if (entry.isFile()) {
		await bucket.put(prefix + path.slice(site.length), readFileSync(path));
	}
}
process.on('SIGTERM', async () => {
	await flare.dispose();
	process.exit(0);
});
console.log('ready');
