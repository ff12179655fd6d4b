/** The example driver, run as a person would: its back end dies and comes back while it counts. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import ts from 'typescript';
import { repositoryRoot } from '../../source-paths.js';
import { startExample } from '../../unit/program.js';

it('05-write-a-driver: counts, and waits for a back end that was killed', async () => {
  const first = startExample('05-write-a-driver/back', ['tcp://127.0.0.1:0/counter']);
  const [, address = ''] = await first.untilOutput(/^listening at (.*)$/m);
  const front = startExample('05-write-a-driver/front', [address]);
  assert.deepEqual(await front.ended, { code: 0, signal: null }, front.errors);
  assert.match(front.output, /^changed to 1\nchanged to 3\nchanged to 6\ntotal 6\n$/);
  first.interrupt('SIGKILL');
  await first.ended;
  const waiting = startExample('05-write-a-driver/front', [address, '2']);
  const second = startExample('05-write-a-driver/back', [address]);
  assert.deepEqual(await waiting.ended, { code: 0, signal: null }, waiting.errors);
  assert.match(waiting.output, /total 3\n$/);
  second.interrupt('SIGKILL');
  await second.ended;
  assert.equal(first.errors + front.errors + second.errors + waiting.errors, '');
});

for (const side of ['front', 'back']) {
  it(`05-write-a-driver/${side}.ts has fewer than 10 statements`, () => {
    const file = path.join(repositoryRoot, 'examples', '05-write-a-driver', `${side}.ts`);
    const text = readFileSync(file, 'utf8');
    const syntax = ts.createSourceFile(file, text, ts.ScriptTarget.ES2023, true);
    let count = 0;
    const visit = (node: ts.Node): void => {
      const counts = ts.isStatement(node) && !ts.isImportDeclaration(node) && !ts.isBlock(node);
      if (counts) count += 1;
      ts.forEachChild(node, visit);
    };
    visit(syntax);
    assert.ok(count > 3 && count < 10, `${count} statements`);
  });
}
