/** The commands of the README as they stand there, but for names that other processes share. */
import assert from 'node:assert/strict';
import { readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Program } from '../unit/program.js';
import { makeTemporaryFolder } from '../unit/temporary-folder.js';
import { program as idc } from './idc.js';

const root = fileURLToPath(new URL('../../../', import.meta.url));

interface Line {
  readonly words: string;
  readonly isService: boolean;
}

function readLines(): Line[] {
  const readme = readFileSync(join(root, 'README.md'), 'utf8');
  const block = /^```sh\n(idc [^]*?)^```/mu.exec(readme)?.[1] ?? '';
  return block
    .trimEnd()
    .split('\n')
    .map((line) => {
      const words = line.replace(/ +#.*$/u, '').replaceAll('ring://', `ring://${process.pid}-`);
      return { words: words.replace(/ &$/u, ''), isService: words.endsWith(' &') };
    });
}

function start(context: TestContext, folder: string, { words }: Line): Program {
  const command = words.replace(/^idc /u, `"${process.execPath}" "${idc}" `);
  // A person would type this, into a terminal.
  const isAttached = words.startsWith('idc console attach');
  const line = isAttached ? `echo exit | script -qec '${command}' /dev/null` : `exec ${command}`;
  const program = new Program('sh', ['-c', `cd "${folder}" && ${line}`]);
  context.after(() => program.killGroup());
  return program;
}

test('the commands of the README do what they say', async (context) => {
  const folder = await makeTemporaryFolder(context);
  writeFileSync(join(folder, 'other.img'), 'an image');
  truncateSync(join(folder, 'other.img'), 64 << 20);
  const lines = readLines();
  assert.ok(lines.length >= 9);
  for (const line of lines) {
    const program = start(context, folder, line);
    if (line.isService) {
      await program.untilOutput(/\n/u);
      continue;
    }
    const { code } = await program.ended;
    assert.equal(code, 0, `${line.words}: ${program.output}${program.errors}`);
    assert.notEqual(program.output, '', line.words);
  }
  const copied = readFileSync(join(folder, 'disk.img')).subarray(0, 8);
  assert.equal(copied.toString(), 'an image');
});
