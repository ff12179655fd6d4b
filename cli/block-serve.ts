/** `idc block serve`: a file, or memory, as a block device for front ends everywhere. */
import { randomUUID } from 'node:crypto';
import { IdcError } from 'idc';
import { createMemoryDevice, serveDevice, type BlockDevice } from 'idc/drivers/block';
import { openFileJournal, type FileJournal } from 'idc/drivers/kit';
import { isAddress, requireAddress } from './address.js';
import { failureOf, openFile } from './block-place.js';
import { ExitCode, Failure } from './failure.js';
import { lockFile } from './file-lock.js';
import { onInterrupt, whenAborted } from './interrupt.js';
import { print } from './print.js';
import { createCommandDomain } from './transports.js';
import { describeBytes } from './units.js';

export interface ServeOptions {
  readonly listen: string;
  readonly memory?: number;
  readonly create?: number;
  readonly blockSize: number;
  readonly readOnly: boolean;
  readonly journal?: string;
  readonly json: boolean;
}

/** What is served, and what has to be given back. */
interface Served {
  readonly what: string;
  readonly device: BlockDevice;
  readonly journal: FileJournal | undefined;
  readonly contents: string;
  readonly unlock: () => void;
}

export async function serve(file: string | undefined, options: ServeOptions): Promise<void> {
  const { listen, blockSize, readOnly, json } = options;
  requireAddress(listen);
  const problem = optionProblem(file, options);
  if (problem !== undefined) throw new Failure(problem, ExitCode.Usage);
  const { what, device, journal, contents, unlock } = await open(file, options);
  const domain = createCommandDomain('idc block serve');
  const interrupt = onInterrupt();
  const backEnd = serveDevice(domain, listen, device, {
    isReadOnly: readOnly,
    contents,
    ...(journal && { journal }),
  });
  try {
    const address = await backEnd.ready;
    const { byteLength } = device;
    const isReadOnly = readOnly || device.isReadOnly;
    const facts = { address, byteLength, blockBytes: blockSize, isReadOnly };
    const size = `${describeBytes(byteLength)} in blocks of ${blockSize}`;
    const words = `serves ${what} (${size}${isReadOnly ? ', read-only' : ''}) at ${address}`;
    print(json ? JSON.stringify(facts) : words);
    await whenAborted(interrupt.signal);
    await backEnd.close();
    await device.flush();
  } catch (error) {
    if (!(error instanceof IdcError)) throw failureOf(error);
    throw new Failure(`${listen}: ${error.code}; is it free, and of this machine?`);
  } finally {
    interrupt.stop();
    await backEnd.close();
    await device.close();
    journal?.close();
    unlock();
    await domain.close();
  }
}

function optionProblem(
  file: string | undefined,
  { memory, create, blockSize, journal }: ServeOptions,
): string | undefined {
  if ((file === undefined) === (memory === undefined)) {
    return 'what to serve? either a FILE or --memory SIZE';
  }
  if (file !== undefined && isAddress(file)) {
    return `${file}: not a file; \`idc block copy\` copies what an address leads to`;
  }
  const isPower = blockSize >= 1 && blockSize <= 65_536 && (blockSize & (blockSize - 1)) === 0;
  if (!isPower) return `--block-size ${blockSize}: expected a power of two up to 64K`;
  if ((memory ?? create ?? 0) % blockSize !== 0) {
    return `the size is no whole number of blocks of ${blockSize} bytes`;
  }
  const hasFileOptions = create !== undefined || journal !== undefined;
  return memory !== undefined && hasFileOptions
    ? '--create and --journal are for files'
    : undefined;
}

async function open(file: string | undefined, options: ServeOptions): Promise<Served> {
  const { memory, create, blockSize: blockBytes, readOnly: isReadOnly } = options;
  if (file === undefined) {
    const device = createMemoryDevice({ byteLength: memory ?? 0, blockBytes });
    // Another run has other contents, which front ends must not take for these.
    const contents = randomUUID();
    return { what: 'memory', device, journal: undefined, contents, unlock: () => undefined };
  }
  const createBytes = isReadOnly ? undefined : create;
  const given = createBytes === undefined ? {} : { createBytes };
  const device = await openFile(file, { isReadOnly, blockBytes, ...given });
  // Who changes nothing disturbs nobody, and leaves nothing that a restart would have to know.
  if (isReadOnly) {
    return { what: file, device, journal: undefined, contents: '', unlock: () => undefined };
  }
  const unlock = await lockFile(file);
  if (unlock === undefined) {
    throw new Failure(`${file}: another \`idc block serve\` has it; end that first`);
  }
  const journal = openJournal(options.journal ?? `${file}.journal`);
  return { what: file, device, journal, contents: '', unlock };
}

function openJournal(path: string): FileJournal {
  try {
    return openFileJournal(path);
  } catch (error) {
    if (!(error instanceof Error) || !('code' in error)) throw error;
    throw new Failure(`${path}: ${String(error.code)}; --journal names a file that can be written`);
  }
}
