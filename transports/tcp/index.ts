/**
 * The TCP transport: domains of different processes and machines, over `node:net`.
 *
 * The address is `tcp://HOST:PORT/service`; HOST is an IPv4 address, an IPv6 address in brackets or
 * a host name, and PORT is 0 to listen on any free one. A listener binds the first address of its
 * name, a dialler tries them all. What is not such an address fails with `Unsupported`, a name that
 * nobody knows with `NotFound`, and a peer that stops in the middle of a frame with `Reset`.
 *
 * Long data has bulk lanes: connections of their own, whose bytes are read straight into their
 * target, so that they delay no frame. They come to the listener's address like any link.
 *
 * Peers are not authenticated and bytes are not encrypted; therefore nothing listens beyond
 * loopback unless an option says so. That a peer's machine has vanished without a word is found
 * by core's keep-alive, not here.
 *
 * Read `tcp-transport.ts`, `tcp-link.ts`, `framing.ts`, `send-buffer.ts`, in this order; then, for
 * lanes, `tcp-lane.ts`, `lane-reader.ts`, `lane-writer.ts`.
 */
import { assert } from '../../core/assert.js';
import type { TransportFactory } from '../../core/transport.js';
import { recordBytes } from './framing.js';
import type { TcpSettings } from './link-group.js';
import { TcpTransport } from './tcp-transport.js';

const frameBytesDefault = 64 * 1024;
const connectMsDefault = 5000;
/**
 * Four of the default largest frames; a little less would waste the room of a whole one. With eight
 * bulk data was a fifth faster, but V8 counts each link's buffers as pressure to collect garbage,
 * resident or not, and that is felt when links come by the thousand.
 */
const sendBytesDefault = 4 * recordBytes(frameBytesDefault);
/** With half as much, reads cut most large frames, which are then copied; more gained nothing. */
const readBytesDefault = 256 * 1024;
/** The contract's lower bound of `capabilities.frameBytesMax`. */
const frameBytesMin = 1024;
const bufferBytesMax = 2 ** 28;
/** The longest time that a timer of Node can wait. */
const connectMsMax = 2 ** 31 - 1;

export interface TcpOptions {
  /**
   * Largest frame in bytes, at least 1024; the same at both ends, for a longer frame than one's own
   * largest counts as corrupt. Default 64 KiB.
   */
  readonly frameBytesMax?: number;
  /** How long a dial may take, name and all, in milliseconds. Default 5000. */
  readonly connectMs?: number;
  /**
   * `allow`: listen also where other machines can connect. Anybody there can then read, alter and
   * send everything. Default `deny`: such a listener fails with `AccessDenied`.
   */
  readonly plaintextBeyondLoopback?: 'deny' | 'allow';
  /**
   * Bytes that a link collects for one write while another is under way; it has two such buffers,
   * and what is never used of them is never resident. A multiple of 4 with room for the largest
   * frame and 4 bytes. Default 256 KiB and 16 bytes, or one largest frame if that is more; twice
   * that is a fifth faster for bulk data.
   */
  readonly sendBytes?: number;
  /** Most bytes of one read, into a buffer that all links of a domain share. Default 256 KiB. */
  readonly readBytes?: number;
}

/** Other processes and machines: `createDomain({ transports: [tcp()] })`. */
export function tcp(options: TcpOptions = {}): TransportFactory {
  const settings = settle(options);
  return { scheme: 'tcp', create: (host) => new TcpTransport(settings, host) };
}

/** The options with their defaults; a wrong one is a programmer error. */
function settle(options: TcpOptions): TcpSettings {
  const { frameBytesMax = frameBytesDefault, connectMs = connectMsDefault } = options;
  const recordBytesMax = recordBytes(frameBytesMax);
  const { sendBytes = Math.max(sendBytesDefault, recordBytesMax) } = options;
  const { readBytes = readBytesDefault, plaintextBeyondLoopback = 'deny' } = options;
  check(Number.isInteger(frameBytesMax), 'frameBytesMax is an integer');
  check(frameBytesMax >= frameBytesMin, 'frameBytesMax is at least 1024');
  check(frameBytesMax <= bufferBytesMax, 'frameBytesMax is at most 256 MiB');
  check(connectMs > 0, 'connectMs is positive');
  check(connectMs <= connectMsMax, 'connectMs is below 2^31');
  check(Number.isInteger(sendBytes / 4), 'sendBytes is a multiple of 4');
  check(sendBytes >= recordBytesMax, 'sendBytes has room for the largest frame and its header');
  check(sendBytes <= 2 * bufferBytesMax, 'sendBytes is at most 512 MiB');
  check(Number.isInteger(readBytes), 'readBytes is an integer');
  check(readBytes > 0, 'readBytes is positive');
  check(readBytes <= bufferBytesMax, 'readBytes is at most 256 MiB');
  return { frameBytesMax, connectMs, sendBytes, readBytes, plaintextBeyondLoopback };
}

function check(holds: boolean, fact: string): void {
  assert(holds, fact, 'BAD_ARGUMENT');
}
