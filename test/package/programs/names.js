// Every public name resolves and exports something; nothing else of the package can be reached.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';

const manifest = JSON.parse(readFileSync('node_modules/idc/package.json', 'utf8'));
for (const name of Object.keys(manifest.exports)) {
  if (name.endsWith('.json')) continue;
  const exported = await import(name.replace('.', 'idc'));
  assert.notEqual(Object.keys(exported).length, 0, name);
}
for (const name of ['idc/core/frame.js', 'idc/dist/core/index.js', 'idc/transports/tcp']) {
  await assert.rejects(import(name), { code: 'ERR_PACKAGE_PATH_NOT_EXPORTED' }, name);
}
console.log('all there');
