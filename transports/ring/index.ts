/**
 * The ring transport: shared memory between the threads and processes of one machine.
 *
 * The address is `ring://NAME/service`. NAME is percent-encoded; one that begins with `/`
 * (`ring://%2Frun%2Fdisk.sock/disk0`) is a socket file, any other a name that the kernel alone
 * keeps, so that nothing is left in the file system however a process ends.
 *
 * Two rings carry a link, one for each direction, and each side alone can write its own: the kernel
 * maps the other's for reading only. For that the optional package `koffi` is needed, and Linux.
 * Without it, rings are SharedArrayBuffers and reach the threads of one process; a link to another
 * process then fails with `Unsupported`.
 *
 * Read `ring-layout.ts`, `ring-writer.ts`, `ring-reader.ts`, `sleeper.ts`, `ring-link.ts`,
 * `rendezvous.ts`, in this order; and `region-layout.ts`, `shared-region.ts`, `region-sharing.ts`,
 * `mapped-region.ts` for buffers that are lent.
 */
import { assert } from '../../core/assert.js';
import { ErrorCode, IdcError } from '../../core/errors.js';
import type { TransportFactory } from '../../core/transport.js';
import type { RingSettings } from './link-group.js';
import { explainNative, loadNative } from './native.js';
import { frameBytesLimit, ringBytesMax, ringBytesMin } from './ring-layout.js';
import { RingTransport } from './ring-transport.js';

const ringBytesDefault = 256 * 1024;
/** Larger ones gained nothing; so four fit into the smallest ring that has them. */
const frameBytesDefault = 64 * 1024;
const framesPerRing = 4;
const frameBytesMin = 1024;
const connectMsDefault = 5000;
const connectMsMax = 2 ** 31 - 1;

export interface RingOptions {
  /**
   * Bytes of the ring that this side writes, for each link: a power of two from 4 KiB to 64 MiB.
   * All of it is resident while the link lives. Default 256 KiB.
   */
  readonly ringBytes?: number;
  /** Largest frame in bytes, from 1024 to half the ring less 4. Default a quarter, or 64 KiB. */
  readonly frameBytesMax?: number;
  /** How long a dial may take, in milliseconds; also who dials us. Default 5000. */
  readonly connectMs?: number;
  /**
   * Whose processes may be at the other end, by the kernel's word: those of this process's user
   * (default), of the users with these numbers, or of any. Others are refused, or if they listen
   * `AccessDenied`.
   */
  readonly users?: 'same' | 'any' | readonly number[];
  /**
   * `mapped`: other processes and threads; `ring` throws `UNSUPPORTED` where that cannot be.
   * `shared`: the threads of this process, without native code; `domain.poll` then needs the event
   * loop to turn as well, and no buffer can be lent: all are copied. Both ends have to use the
   * same. Default: `mapped` where it can be.
   */
  readonly memory?: 'mapped' | 'shared';
}

/** Other threads and processes of this machine: `createDomain({ transports: [ring()] })`. */
export function ring(options: RingOptions = {}): TransportFactory {
  const settings = settle(options);
  const native = options.memory === 'shared' ? undefined : loadNative();
  if (options.memory === 'mapped' && native === undefined) {
    const reason = `no ring in mapped memory: ${explainNative() ?? ''}; try: npm install koffi`;
    throw new IdcError(ErrorCode.Unsupported, 'never', { reason });
  }
  return { scheme: 'ring', create: (host) => new RingTransport(settings, native, host) };
}

/** The options with their defaults; a wrong one is a programmer error. */
function settle(options: RingOptions): RingSettings {
  const { ringBytes = ringBytesDefault, connectMs = connectMsDefault, users = 'same' } = options;
  check(Number.isInteger(ringBytes), 'ringBytes is an integer');
  check(ringBytes >= ringBytesMin && ringBytes <= ringBytesMax, 'ringBytes: 4 KiB to 64 MiB');
  check((ringBytes & (ringBytes - 1)) === 0, 'ringBytes is a power of two');
  const { frameBytesMax = Math.min(frameBytesDefault, ringBytes / framesPerRing) } = options;
  check(Number.isInteger(frameBytesMax), 'frameBytesMax is an integer');
  check(frameBytesMax >= frameBytesMin, 'frameBytesMax is at least 1024');
  check(frameBytesMax <= frameBytesLimit(ringBytes), 'frameBytesMax is below half the ring');
  check(connectMs > 0, 'connectMs is positive');
  check(connectMs <= connectMsMax, 'connectMs is below 2^31');
  return { ringBytes, frameBytesMax, connectMs, mayConnect: makePolicy(users) };
}

function makePolicy(users: 'same' | 'any' | readonly number[]): (uid: number) => boolean {
  if (users === 'any') return () => true;
  const allowed = new Set(users === 'same' ? [process.getuid?.() ?? 0] : users);
  return (uid) => allowed.has(uid);
}

function check(condition: boolean, fact: string): void {
  assert(condition, fact, 'BAD_ARGUMENT');
}
