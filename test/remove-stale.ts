/**
 * Deletes what was built from sources that are gone; `npm run build` ends with it. The compiler
 * leaves such files in dist, from where they would be packed, imported by mistake or measured.
 */
import { existsSync, readdirSync, rmSync } from 'node:fs';
import path from 'node:path';

import { repositoryRoot } from './source-paths.js';

const dist = path.join(repositoryRoot, 'dist');
const builtEnding = /[.](js|js[.]map|d[.]ts)$/;

for (const entry of readdirSync(dist, { recursive: true, withFileTypes: true })) {
  const built = path.join(entry.parentPath, entry.name);
  if (!entry.isFile() || !builtEnding.test(built)) continue;
  const source = path.join(repositoryRoot, path.relative(dist, built));
  if (!existsSync(source.replace(builtEnding, '.ts'))) rmSync(built);
}
