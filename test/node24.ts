/**
 * Runs the built tests with Node 24, whatever Node runs this file: `node dist/test/node24.js`.
 *
 * The binary is an npm package for this platform, put under node_modules/.cache and not among the
 * dependencies, since it is large and only this file needs it. Words after the command are handed
 * on to the runner.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';

import { repositoryRoot } from './source-paths.js';

const packageName = `node-${process.platform}-${process.arch}`;
const cacheFolder = path.join(repositoryRoot, 'node_modules', '.cache', 'node-24');
const binary = path.join(cacheFolder, 'node_modules', packageName, 'bin', 'node');

const leftOut = [
  // The tooling and the sources, which are the same under every Node, and programs of others.
  'test/api',
  'test/clients',
  'test/package',
  'test/planted',
  'test/tidy',
  // Long, and the same under every Node by construction: these two see neither its clock nor its
  // event loop. That it is so is what `test/simulation/digests` shows, which runs.
  'test/exhaustive',
  'test/simulation/simulation',
];

function runToEnd(command: string, words: readonly string[]): void {
  const { status, error } = spawnSync(command, words, { cwd: repositoryRoot, stdio: 'inherit' });
  if (error !== undefined) throw error;
  if (status !== 0) process.exit(status ?? 1);
}

function installBinary(): void {
  mkdirSync(cacheFolder, { recursive: true });
  // Without a package.json of its own, npm would take the repository for the place to install.
  writeFileSync(path.join(cacheFolder, 'package.json'), '{ "private": true }\n');
  const options = ['--silent', '--no-save', '--no-package-lock', '--no-audit', '--no-fund'];
  runToEnd('npm', ['install', '--prefix', cacheFolder, ...options, `${packageName}@24`]);
}

if (!existsSync(binary)) installBinary();
runToEnd(binary, ['--version']);
runToEnd(binary, [
  '--expose-gc',
  '--enable-source-maps',
  path.join(repositoryRoot, 'dist', 'test', 'run.js'),
  ...process.argv.slice(2),
  '--without',
  ...leftOut,
]);
