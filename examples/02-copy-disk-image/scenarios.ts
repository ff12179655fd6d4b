/**
 * Copies of one image, with one front end and one back end. What differs is where the back end
 * runs, and so the address and the transport behind its scheme.
 */
import { createDomain, IdcError, type TransportFactory } from 'idc';
import { createMemoryNetwork, memory } from 'idc/memory';
import { ring } from 'idc/ring';
import { tcp } from 'idc/tcp';
import { filter, firstValueFrom } from 'rxjs';
import { startProcess, startThread } from './back-end-child.js';
import { serveDisk } from './back-end.js';
import { copyDisk, type CopyOptions } from './copy.js';
import { Disk } from './front-end.js';
import type { Image } from './image.js';
import { describeLifecycle } from './lifecycle.js';
import type { Screen } from './progress.js';
import type { Geometry } from './protocol.js';
import type { Row } from './table.js';

export interface Setting {
  readonly image: Image;
  /** SHA-256 of the image; undefined if none is to be compared. */
  readonly digest: string | undefined;
  readonly destination: string;
  readonly screen: Screen;
  /** Aborted to give everything up. */
  readonly program: AbortController;
}

/** What leads to another thread or process. */
interface Medium {
  /** As the table calls it. */
  readonly name: string;
  /** As a sentence calls it. */
  readonly title: string;
  /** Where the back end is to listen. */
  readonly address: string;
  readonly transport: TransportFactory;
}

type Interference = Pick<CopyOptions, 'onBytes' | 'beforeLastBlock'>;

/** All copies there can be here, one after the other; one row each. */
export async function copyByAllMeans(setting: Setting): Promise<readonly Row[]> {
  const rows = [await copyOverMemory(setting), await copyFromThread(setting)];
  for (const medium of [mappedRing(setting.screen), loopback()]) {
    if (medium === undefined) continue;
    rows.push(await copyFromProcess(setting, medium), await copyAcrossKill(setting, medium));
  }
  return rows;
}

/** A name that no other run of this program uses; it is gone with the last who listens there. */
function ringAddress(): string {
  return `ring://copy-disk-image-${process.pid}/disk0`;
}

/** The ring between processes. Undefined where memory cannot be mapped; the user is told why. */
function mappedRing(screen: Screen): Medium | undefined {
  try {
    const transport = ring({ memory: 'mapped' });
    return { name: 'ring', title: 'the ring', address: ringAddress(), transport };
  } catch (error) {
    if (!(error instanceof IdcError)) throw error;
    screen.say(`\nTwo processes, over the ring: left out. ${error.reason}`);
    return undefined;
  }
}

function loopback(): Medium {
  // Port 0: the system chooses a free one.
  return { name: 'tcp', title: 'TCP', address: 'tcp://127.0.0.1:0/disk0', transport: tcp() };
}

async function copyOverMemory(setting: Setting): Promise<Row> {
  setting.screen.say('\nOne thread, over memory');
  const transport = memory({ network: createMemoryNetwork() });
  const domain = createDomain({ name: 'back end', transports: [transport] });
  try {
    const listener = serveDisk(domain, 'memory://machine/disk0', setting.image);
    return await copyFrom(await listener.ready, transport, setting, 'memory');
  } finally {
    await domain.close();
  }
}

async function copyFromThread(setting: Setting): Promise<Row> {
  setting.screen.say('\nTwo threads, over the ring');
  const backEnd = await startThread(setting.image.path, ringAddress(), setting.program);
  try {
    return await copyFrom(backEnd.address, ring(), setting, 'ring, two threads');
  } finally {
    await backEnd.kill();
  }
}

async function copyFromProcess(setting: Setting, medium: Medium): Promise<Row> {
  setting.screen.say(`\nTwo processes, over ${medium.title}`);
  const backEnd = await startProcess(setting.image.path, medium.address, setting.program);
  try {
    return await copyFrom(backEnd.address, medium.transport, setting, medium.name);
  } finally {
    await backEnd.kill();
  }
}

/** Kills the back end in the middle of the copy, and starts it again at the same address. */
async function copyAcrossKill(setting: Setting, medium: Medium): Promise<Row> {
  const { image, program, screen } = setting;
  screen.say(
    `\nTwo processes, over ${medium.title}; the back end is killed in the middle of the copy`,
  );
  let backEnd = await startProcess(image.path, medium.address, program);
  let restart: Promise<void> | undefined;

  async function killAndRestart(byteCount: number): Promise<void> {
    const percentage = Math.floor((100 * byteCount) / image.byteLength);
    screen.say(`SIGKILL to the back end, ${backEnd.name}, at ${percentage} %`);
    await backEnd.kill();
    backEnd = await startProcess(image.path, backEnd.address, program);
    screen.say(`the back end is ${backEnd.name} now, at the same address`);
  }

  const name = `${medium.name}, back end killed`;
  try {
    return await copyFrom(backEnd.address, medium.transport, setting, name, (disk) => ({
      onBytes: (byteCount, geometry) => {
        if (restart !== undefined || !isMiddle(byteCount, geometry)) return;
        restart = killAndRestart(byteCount);
        restart.catch((error: unknown) => {
          program.abort(error);
        });
      },
      // However small the disk, the back end is lost before all of it was read.
      beforeLastBlock: firstOf(disk, 'disconnect'),
    }));
  } finally {
    await restart?.catch(() => undefined);
    await backEnd.kill();
  }
}

/** Connects a front end to `address` and copies what it finds there. */
async function copyFrom(
  address: string,
  transport: TransportFactory,
  { destination, digest, screen, program }: Setting,
  name: string,
  interfere: (disk: Disk) => Interference = () => ({}),
): Promise<Row> {
  const domain = createDomain({ name: 'front end', transports: [transport] });
  const disk = new Disk(domain, address);
  screen.say(`the front end connects to ${address}`);
  const startMs = performance.now();
  disk.lifecycle$.subscribe((event) => {
    const passedMs = Math.round(performance.now() - startMs);
    screen.say(`${String(passedMs).padStart(7)} ms  ${describeLifecycle(event)}`);
  });
  try {
    const { signal } = program;
    const result = await copyDisk({
      ...{ disk, destination, digest, screen, signal },
      ...interfere(disk),
    });
    if (digest !== undefined) screen.say('the copy is right');
    return { transport: name, ...result };
  } finally {
    await domain.close();
  }
}

/** The middle is at 40 %, or at the last block if that comes first. */
function isMiddle(byteCount: number, { blockByteLength, deviceByteLength }: Geometry): boolean {
  return byteCount >= Math.min(0.4 * deviceByteLength, deviceByteLength - blockByteLength);
}

async function firstOf(disk: Disk, type: 'disconnect'): Promise<void> {
  const wanted$ = disk.lifecycle$.pipe(filter((event) => event.type === type));
  await firstValueFrom(wanted$, { defaultValue: undefined });
}
