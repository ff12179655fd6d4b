/** The command starts without the library: here it has none, only what declares the commands. */
import assert from 'node:assert/strict';
import { cpSync, mkdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Program } from '../unit/program.js';
import { makeTemporaryFolder } from '../unit/temporary-folder.js';

const root = fileURLToPath(new URL('../../../', import.meta.url));

/** Runs `idc WORDS` where there is nothing but the command and `commander`. */
type Run = (...words: string[]) => Promise<{ code: number | null; output: string; errors: string }>;

async function makeBareCommand(context: TestContext): Promise<Run> {
  const folder = await makeTemporaryFolder(context);
  mkdirSync(join(folder, 'node_modules'));
  symlinkSync(join(root, 'node_modules/commander'), join(folder, 'node_modules/commander'));
  for (const part of ['package.json', 'dist/cli']) {
    cpSync(join(root, part), join(folder, part), { recursive: true });
  }
  return async (...words) => {
    const program = new Program(process.execPath, [join(folder, 'dist/cli/main.js'), ...words]);
    const { code } = await program.ended;
    return { code, output: program.output, errors: program.errors };
  };
}

/** The command and all below it, as their helps list them; each help has an example. */
async function listCommands(run: Run, words: readonly string[]): Promise<string[]> {
  const { code, output, errors } = await run(...words, '--help');
  assert.equal(code, 0, errors);
  if (words.length > 0) assert.match(output, /^Example:\n {2}idc /mu);
  const list = output.split('\nCommands:\n')[1]?.split('\n\n')[0] ?? '';
  const names = [...list.matchAll(/^ {2}(?!help)([a-z]+)/gmu)].map(([, name = '']) => name);
  const below = await Promise.all(names.map((name) => listCommands(run, [...words, name])));
  return [words.join(' '), ...below.flat()];
}

describe('idc without the library', () => {
  it('tells its version, and of each command what it does, with an example', async (context) => {
    const run = await makeBareCommand(context);
    const version = await run('--version');
    assert.match(version.output, /^\d+\.\d+\.\d+\S*\n$/u, version.errors);
    const commands = await listCommands(run, []);
    for (const name of ['ping', 'doctor', 'bench', 'block copy', 'console attach']) {
      assert.ok(commands.includes(name), `${name} in ${commands.join()}`);
    }
  });

  it('refuses words that make no sense', async (context) => {
    const run = await makeBareCommand(context);
    const { code, errors } = await run('ping', 'tcp://127.0.0.1:1/x', '--count', '0');
    assert.equal(code, 1);
    assert.match(errors, /expected a whole number from 1 on/u);
  });

  it('runs no command', async (context) => {
    const run = await makeBareCommand(context);
    const { code, errors } = await run('ping', 'tcp://127.0.0.1:1/x');
    assert.equal(code, 1);
    assert.match(errors, /ERR_MODULE_NOT_FOUND/u);
  });
});
