/**
 * Three copies of one image, with one front end and one back end. What differs is where the back
 * end runs, and so the address and the transport behind its scheme.
 */
import { createDomain, type TransportFactory } from 'idc';
import { createMemoryNetwork, memory } from 'idc/memory';
import { tcp } from 'idc/tcp';
import { filter, firstValueFrom } from 'rxjs';
import { startBackEnd } from './back-end-child.js';
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
  /** SHA-256 of the image. */
  readonly digest: string;
  readonly destination: string;
  readonly screen: Screen;
  /** Aborted to give everything up. */
  readonly program: AbortController;
}

type Interference = Pick<CopyOptions, 'onBytes' | 'beforeLastBlock'>;

/** Port 0: the system chooses a free one. */
const loopback = 'tcp://127.0.0.1:0/disk0';

export async function copyOverMemory(setting: Setting): Promise<Row> {
  setting.screen.say('\nOne process, over memory');
  const transport = memory({ network: createMemoryNetwork() });
  const domain = createDomain({ name: 'back end', transports: [transport] });
  try {
    const listener = serveDisk(domain, 'memory://machine/disk0', setting.image);
    return await copyFrom(await listener.ready, transport, setting, 'memory');
  } finally {
    await domain.close();
  }
}

export async function copyOverTcp(setting: Setting): Promise<Row> {
  setting.screen.say('\nTwo processes, over TCP');
  const backEnd = await startBackEnd(setting.image.path, loopback, setting.program);
  try {
    return await copyFrom(backEnd.address, tcp(), setting, 'tcp');
  } finally {
    await backEnd.kill();
  }
}

/** Kills the back end in the middle of the copy, and starts it again at the same address. */
export async function copyAcrossKill(setting: Setting): Promise<Row> {
  const { image, program, screen } = setting;
  screen.say('\nTwo processes, over TCP; the back end is killed in the middle of the copy');
  let backEnd = await startBackEnd(image.path, loopback, program);
  let restart: Promise<void> | undefined;

  async function killAndRestart(byteCount: number): Promise<void> {
    const percentage = Math.floor((100 * byteCount) / image.byteLength);
    screen.say(`SIGKILL to the back end, process ${backEnd.id ?? ''}, at ${percentage} %`);
    await backEnd.kill();
    backEnd = await startBackEnd(image.path, backEnd.address, program);
    screen.say(`the back end is process ${backEnd.id ?? ''} now, at the same address`);
  }

  try {
    return await copyFrom(backEnd.address, tcp(), setting, 'tcp, back end killed', (disk) => ({
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
    screen.say('the copy is right');
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
