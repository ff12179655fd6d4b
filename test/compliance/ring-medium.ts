/**
 * RingMedium: what lies below the ring transport: names for rings, raw peers, and what breaks their
 * links: every wire of theirs is shut down.
 */
import { randomBytes } from 'node:crypto';
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import koffi from 'koffi';
import type { Address } from '../../core/contract.js';
import type { Medium } from '../../transports/ring/medium.js';
import type { RawMedium, RawPeer } from './harness.js';
import { makeRawMedium, RingRawPeer } from './ring-raw-peer.js';

const shutReadingAndWriting = 2;
const shutdown: (descriptor: number, how: number) => number = koffi
  .load('libc.so.6')
  .func('int shutdown(int, int)');

/** Of the rings of the suites; the largest legal frame is half of it less 4. */
export const ringBytes: number = 64 * 1024;
const pad = -1;

/** The position that is published, and the ring's first words. */
function output(produced: number, ...words: readonly number[]): Uint8Array {
  return new Uint8Array(Int32Array.of(produced, ...words).buffer);
}

export class RingMedium implements RawMedium {
  readonly illegal: readonly Uint8Array[] = [
    output(8, 0), // a frame without a byte
    output(8, -2), // a negative length
    output(8, -(2 ** 31)),
    output(ringBytes, ringBytes / 2 - 3), // a byte more than the largest frame
    output(ringBytes, ringBytes - 4), // the whole ring
    output(ringBytes, 2 ** 31 - 1),
    output(8, 5), // beyond what is published
    output(ringBytes, 4, 7, 4, 7, ringBytes / 2), // the third one is too large
    output(16, 4, 7, 12), // the second one goes beyond what is published
    output(8, pad), // a pad at the ring's beginning, and nothing behind it
    output(ringBytes, pad, 7), // a pad of a whole ring
    output(16, 4, 7, pad), // a pad that is not published whole
    output(ringBytes, 4, 7, pad), // a pad, and no record behind it
    output(ringBytes + 8, 4, 7), // more than the ring holds
    output(2 ** 31 - 8, 4, 7),
    output(-8, 4, 7), // published backwards
    output(-(2 ** 31), 4, 7),
    output(4, 1), // half a record
    output(9, 1, 1, 1),
  ];
  readonly #prefix = `test-${randomBytes(8).toString('hex')}`;
  readonly #medium: Medium;
  readonly #peers: RingRawPeer[] = [];
  #count = 0;

  constructor(memory: 'mapped' | 'shared') {
    this.#medium = makeRawMedium(memory);
  }

  /** A name that nobody uses. */
  name(): string {
    this.#count += 1;
    return `${this.#prefix}-${this.#count}`;
  }

  async dial(listening: Address): Promise<RawPeer> {
    const peer = await RingRawPeer.dial(this.#medium, listening, ringBytes);
    this.#peers.push(peer);
    return peer;
  }

  /** Ends the wires that were accepted at its names by this process; both ends notice. */
  sever(): void {
    const inodes = this.#boundSockets();
    for (const entry of readdirSync('/proc/self/fd')) {
      if (inodes.has(targetOf(entry))) shutdown(Number(entry), shutReadingAndWriting);
    }
  }

  dispose(): void {
    for (const peer of this.#peers) peer.dispose();
  }

  /** Sockets at its names, as `/proc` shows descriptors of them. */
  #boundSockets(): Set<string> {
    const lines = readFileSync('/proc/net/unix', 'utf8').split('\n');
    const own = lines.filter((line) => line.includes(` @idc/${this.#prefix}-`));
    // The kernel shows a listening socket with this flag.
    const connected = own.filter((line) => line.split(/ +/u)[3] !== '00010000');
    return new Set(connected.map((line) => `socket:[${line.split(/ +/u)[6] ?? ''}]`));
  }
}

/** The descriptor through which the folder is read is closed by now. */
function targetOf(entry: string): string {
  try {
    return readlinkSync(`/proc/self/fd/${entry}`);
  } catch {
    return '';
  }
}
