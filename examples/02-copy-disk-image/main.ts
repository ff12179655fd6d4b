/**
 * `npm start [-- IMAGE]`: copies a disk image through IDC, by all means (see `scenarios.ts`).
 *
 * The exit code is 0 only if every copy has the image's digest. Whatever happens, no half copy, no
 * temporary folder and no process stays behind.
 */
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { digestFile } from './digest.js';
import { asFailure, Failure } from './failure.js';
import { openImage } from './image.js';
import { abortOnInterrupt } from './interrupt.js';
import { help, parseOptions, type Options } from './options.js';
import { createScreen, type Screen } from './progress.js';
import { copyByAllMeans } from './scenarios.js';
import { formatTable, type Row } from './table.js';

async function main(): Promise<void> {
  const options = parseOptions(process.argv.slice(2));
  const screen = createScreen(process.stdout);
  if (options.wantsHelp) {
    screen.say(help);
    return;
  }
  const program = new AbortController();
  abortOnInterrupt(program);
  const folder = await makeFolder(options);
  try {
    const rows = await copyImage(options, folder, screen, program);
    screen.say(`\n${formatTable(rows)}`);
  } finally {
    if (options.keepFolder === undefined) await rm(folder, { recursive: true, force: true });
  }
}

async function makeFolder({ keepFolder }: Options): Promise<string> {
  try {
    if (keepFolder === undefined) return await mkdtemp(join(tmpdir(), 'idc-copy-'));
    await mkdir(keepFolder, { recursive: true });
    return keepFolder;
  } catch (error) {
    throw asFailure(error, keepFolder ?? tmpdir());
  }
}

async function copyImage(
  { imagePath, keepFolder }: Options,
  folder: string,
  screen: Screen,
  program: AbortController,
): Promise<readonly Row[]> {
  const image = await openImage(imagePath);
  try {
    screen.say(`image    ${imagePath}, ${image.byteLength.toLocaleString('en')} bytes`);
    const destination = join(folder, `${basename(imagePath)}.copy`);
    const fate = keepFolder === undefined ? 'removed at the end' : 'kept';
    screen.say(`copy     ${destination}, ${fate}`);
    const label = 'SHA-256 of the image';
    const digest = await digestFile(imagePath, image.byteLength, label, screen, program.signal);
    screen.say(`SHA-256  ${digest}`);
    return await copyByAllMeans({ image, digest, destination, screen, program });
  } finally {
    await image.file.close();
  }
}

try {
  await main();
} catch (error) {
  if (!(error instanceof Failure)) throw error;
  process.stderr.write(`copy-disk-image: ${error.message}\n`);
  process.exitCode = error.exitCode;
}
