/**
 * The memory transport: domains of one thread, over a network object that the caller makes.
 *
 * This is the reference implementation of the transport contract; read it first, from here to
 * `memory-transport.ts`, `memory-link.ts` and `memory-pipe.ts`. The address is
 * `memory://NAME/service`, where NAME is what a listener is bound to on the network. Frames are
 * written and read in place; nothing is copied or allocated between `claim` and the peer's sink.
 */
import { assert } from '../../core/assert.js';
import type { TransportFactory } from '../../core/transport.js';
import { MemoryNetwork } from './memory-network.js';
import { ringBytesMax, ringBytesMin } from './memory-pipe.js';
import { MemoryTransport } from './memory-transport.js';

export type { MemoryNetwork } from './memory-network.js';

const frameBytesDefault = 64 * 1024;
const ringBytesDefault = 256 * 1024;
/** The contract's lower bound of `capabilities.frameBytesMax`. */
const frameBytesMin = 1024;

export interface MemoryOptions {
  /** Domains with the same network can reach each other. */
  readonly network: MemoryNetwork;
  /** Largest frame that this domain sends, in bytes, at least 1024. Default 64 KiB. */
  readonly frameBytesMax?: number;
  /**
   * Bytes that each link can hold in the direction away from this domain: a power of two, large
   * enough for two of the largest frames. Default 256 KiB.
   */
  readonly ringBytes?: number;
}

/** An empty network. It holds nothing but what its users open on it. */
export function createMemoryNetwork(): MemoryNetwork {
  return new MemoryNetwork();
}

/** Domains of one thread: `createDomain({ transports: [memory({ network })] })`. */
export function memory(options: MemoryOptions): TransportFactory {
  const { network, frameBytesMax = frameBytesDefault, ringBytes = ringBytesDefault } = options;
  assert(Number.isInteger(frameBytesMax), 'frameBytesMax is an integer', 'BAD_ARGUMENT');
  assert(frameBytesMax >= frameBytesMin, 'frameBytesMax is at least 1024', 'BAD_ARGUMENT');
  assert(Number.isInteger(Math.log2(ringBytes)), 'ringBytes is a power of two', 'BAD_ARGUMENT');
  assert(ringBytes <= ringBytesMax, 'ringBytes is at most 1 GiB', 'BAD_ARGUMENT');
  assert(
    ringBytes >= ringBytesMin(frameBytesMax),
    'ringBytes is at least twice frameBytesMax and its header',
    'BAD_ARGUMENT',
  );
  return {
    scheme: 'memory',
    create: (host) => new MemoryTransport(network, { frameBytesMax, ringBytes }, host),
  };
}
