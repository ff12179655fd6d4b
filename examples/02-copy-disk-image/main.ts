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
import { openImage, type Image } from './image.js';
import { abortOnInterrupt } from './interrupt.js';
import { help, parseOptions, type Options } from './options.js';
import { createScreen, type Screen } from './progress.js';
import { measureMachine, type MachineRates } from './machine.js';
import { copyByAllMeans } from './scenarios.js';
import { formatMachine, formatTable, type Row } from './table.js';

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
    const { rows, rates } = await copyImage(options, folder, screen, program);
    screen.say(`\n${formatTable(rows)}\n\n${formatMachine(rates)}`);
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
  { imagePath, keepFolder, wantsDigest }: Options,
  folder: string,
  screen: Screen,
  program: AbortController,
): Promise<{ rows: readonly Row[]; rates: MachineRates }> {
  const image = await openImage(imagePath);
  try {
    screen.say(`image    ${imagePath}, ${image.byteLength.toLocaleString('en')} bytes`);
    const destination = join(folder, `${basename(imagePath)}.copy`);
    const fate = keepFolder === undefined ? 'removed at the end' : 'kept';
    screen.say(`copy     ${destination}, ${fate}`);
    const digest = wantsDigest ? await digestOf(image, screen, program.signal) : undefined;
    const rows = await copyByAllMeans({ image, digest, destination, screen, program });
    return { rows, rates: await measureMachine(image, `${destination}.plain`) };
  } finally {
    await image.file.close();
  }
}

async function digestOf(image: Image, screen: Screen, signal: AbortSignal): Promise<string> {
  const label = 'SHA-256 of the image';
  const digest = await digestFile(image.path, image.byteLength, label, screen, signal);
  screen.say(`SHA-256  ${digest}`);
  return digest;
}

try {
  await main();
} catch (error) {
  if (!(error instanceof Failure)) throw error;
  process.stderr.write(`copy-disk-image: ${error.message}\n`);
  process.exitCode = error.exitCode;
}
