/**
 * The package as its users get it: packed, installed without network into an empty project, run
 * from JavaScript and compiled from TypeScript there. The programs are in `test/package`.
 */
import assert from 'node:assert/strict';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';

import { runProgram } from './package/run-program.js';
import { repositoryRoot } from './source-paths.js';

const project = mkdtempSync(path.join(tmpdir(), 'idc-package-'));
const installed = path.join(project, 'node_modules', 'idc');
const programs = path.join(repositoryRoot, 'test', 'package', 'programs');
let tarball = '';

function inProject(command: string, ...words: string[]): Promise<string> {
  return runProgram(command, words, project);
}

/** A command that the repository has installed. */
function tool(name: string): string {
  return path.join(repositoryRoot, 'node_modules', '.bin', name);
}

/** Packs a folder that has a package.json; answers the path of the tarball. */
async function pack(folder: string): Promise<string> {
  const words = ['--silent', '--ignore-scripts', '--pack-destination', project];
  const output = await inProject('npm', 'pack', folder, ...words);
  return path.join(project, output.trim());
}

before(async () => {
  tarball = await pack(repositoryRoot);
  // What a user would have beside it comes from what is installed here: no registry is asked.
  const beside = await Promise.all(
    ['rxjs', 'tslib', '@types/node', 'undici-types'].map((name) =>
      pack(path.join(repositoryRoot, 'node_modules', name)),
    ),
  );
  writeFileSync(path.join(project, 'package.json'), '{ "private": true, "type": "module" }\n');
  const words = ['--silent', '--offline', '--ignore-scripts', '--no-audit', '--no-fund'];
  // So is every user's whose system has no koffi: the tests below add it where they need it.
  await inProject('npm', 'install', '--omit=optional', ...words, tarball, ...beside);
  cpSync(programs, project, { recursive: true });
});

after(() => {
  rmSync(project, { recursive: true, force: true });
});

describe('the tarball', () => {
  test('holds the documents and what the exports need, and no test', async () => {
    const files = (await runProgram('tar', ['-tzf', tarball], project)).trim().split('\n');
    const wanted = /^package\/(package[.]json|README[.]md|LICENSE|CHANGELOG[.]md)$/;
    const product =
      /^package\/(dist\/)?(cli|core|drivers|transports|test\/(?:compliance|simulation))\/[^.]+[.][a-z.]+$/;
    assert.deepEqual(
      files.filter((file) => !wanted.test(file) && !product.test(file)),
      [],
    );
    assert.equal(files.filter((file) => wanted.test(file)).length, 4);
    assert.deepEqual(
      files.filter((file) => file.includes('.test.')),
      [],
    );
  });

  test('holds every source that a source map names', async () => {
    const files = (await runProgram('tar', ['-tzf', tarball], project)).trim().split('\n');
    const sources = files
      .filter((file) => file.endsWith('.map'))
      .map((file) => file.replace('package/dist/', 'package/').replace(/[.]js[.]map$/, '.ts'));
    assert.ok(sources.length > 0);
    assert.deepEqual(
      sources.filter((source) => !files.includes(source)),
      [],
    );
  });

  test('asks for its libraries and rxjs, for what is optional, and for nothing else', () => {
    // reason: the package's own manifest, whose form npm checks
    const manifest = JSON.parse(
      readFileSync(path.join(installed, 'package.json'), 'utf8'),
    ) as Readonly<Record<string, Readonly<Record<string, string>> | undefined>>;
    const namesOf = (kind: string): string[] => Object.keys(manifest[kind] ?? {});
    assert.deepEqual(namesOf('peerDependencies'), ['rxjs']);
    assert.deepEqual(namesOf('dependencies'), ['@rivetkit/bare-ts', 'cli-progress', 'commander']);
    const optional = ['@lydell/node-pty', '@xterm/addon-serialize', '@xterm/headless', 'koffi'];
    assert.deepEqual(namesOf('optionalDependencies'), optional);
    assert.deepEqual(namesOf('bundleDependencies'), []);
  });

  test('publint finds nothing to say', async () => {
    const output = await inProject(tool('publint'), 'run', tarball, '--strict');
    assert.match(output, /All good!/);
  });

  test('attw finds no wrong types', async () => {
    // It ends with an error if a resolution that counts for this profile fails.
    // Old resolvers look for a file where the public name of a driver points, and find its source;
    // that what is declared resolves for others is shown below, where a program is compiled.
    const ignored = ['--ignore-rules', 'internal-resolution-error'];
    await inProject(tool('attw'), tarball, '--profile', 'esm-only', ...ignored);
  });
});

const ringAddress = `ring://package-test-${process.pid}/hello`;

describe('an empty project with the package, without koffi', () => {
  for (const [name, ...words] of [
    ['memory', 'memory://back/hello'],
    ['tcp', 'tcp://127.0.0.1:0/hello'],
    ['a ring in shared memory', ringAddress, 'shared'],
    ['a ring as it can be had', ringAddress],
  ] as const) {
    test(`runs a plain JavaScript program over ${name}`, async () => {
      assert.equal(await inProject(process.execPath, 'talk.js', ...words), 'hello, world\n');
    });
  }

  test('is told what a ring in mapped memory needs', async () => {
    const output = await inProject(process.execPath, 'mapped.js');
    assert.match(output, /^UNSUPPORTED \(never\): .*koffi.*npm install koffi\n$/);
  });

  test('reaches every public name and nothing behind them', async () => {
    assert.equal(await inProject(process.execPath, 'names.js'), 'all there\n');
  });

  for (const resolution of ['nodenext', 'bundler']) {
    test(`compiles TypeScript with ${resolution} resolution and runs it`, async () => {
      await inProject(tool('tsc'), '--project', `tsconfig.${resolution}.json`);
      const program = path.join(`out-${resolution}`, 'typed.js');
      assert.equal(await inProject(process.execPath, program), 'hello, world\n');
    });
  }
});

describe('a project with the package and koffi', () => {
  before(() => {
    for (const name of ['koffi', '@koromix']) {
      const source = path.join(repositoryRoot, 'node_modules', name);
      cpSync(source, path.join(project, 'node_modules', name), { recursive: true });
    }
  });

  test('has rings in mapped memory', async () => {
    assert.equal(await inProject(process.execPath, 'mapped.js'), 'mapped\n');
    const words = ['talk.js', ringAddress, 'mapped'];
    assert.equal(await inProject(process.execPath, ...words), 'hello, world\n');
  });
});
