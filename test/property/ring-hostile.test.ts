/** A peer that writes anything anywhere at any time: the ring answers frames or `Corrupt`. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Worker } from 'node:worker_threads';

import { seedOfThisRun } from '../compliance/random.js';
import { loadRing } from '../exhaustive-ring/load-ring.js';
import {
  Control,
  frameBytesLimit,
  memoryBytes,
  padHeader,
  type RingMemory,
  viewMemory,
} from '../../transports/ring/ring-layout.js';
import { RingReader } from '../../transports/ring/ring-reader.js';
import { RingWriter } from '../../transports/ring/ring-writer.js';
import { Sleeper } from '../../transports/ring/sleeper.js';

/** xorshift32, good for noise. */
class Noise {
  #state: number;

  constructor(seed: number) {
    this.#state = seed | 1;
  }

  next(): number {
    let state = this.#state;
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    this.#state = state;
    return state;
  }

  below(limit: number): number {
    return (this.next() >>> 0) % limit;
  }

  /** A word of the kind that hurts: near 0, near the ring's size, near the wraps, or any. */
  word(ringBytes: number): number {
    const kinds = [0, ringBytes, ringBytes / 2, -ringBytes, 2 ** 31, padHeader];
    const base = kinds[this.below(8)] ?? this.next();
    return (base + (this.below(5) - 2) * (this.below(2) === 0 ? 1 : 8)) | 0;
  }
}

interface Parts {
  readonly reader: RingReader;
  readonly writer: RingWriter;
}

/** Reads and writes as a link does, and checks what the ring answers. Answers the frames read. */
function use(parts: Parts, noise: Noise, ringBytes: number): number {
  const { reader, writer } = parts;
  const limit = frameBytesLimit(ringBytes);
  let frames = 0;
  for (let offset = reader.peek(); offset !== -1 && frames < 100; offset = reader.peek()) {
    if (offset === -2) {
      assert.equal(reader.isCorrupt, true);
      break;
    }
    const byteLength = reader.peekedBytes;
    const isLegal = offset >= 4 && byteLength >= 1 && byteLength <= limit;
    if (!isLegal || offset + byteLength > ringBytes) {
      assert.fail(`a frame of ${byteLength} bytes at ${offset}`);
    }
    reader.release();
    frames++;
  }
  reader.publish();
  const offset = writer.claim(1 + noise.below(limit));
  if (offset >= 0) writer.commit();
  writer.publish();
  writer.takeWritable();
  assert.equal(typeof (writer.isDrained && reader.isPeerEnded), 'boolean');
  return frames;
}

function makeMemory(ringBytes: number): RingMemory {
  return viewMemory(new SharedArrayBuffer(memoryBytes(ringBytes)), ringBytes);
}

/** Some word of what a peer owns becomes something else. */
function mutate(peer: RingMemory, noise: Noise, ringBytes: number): void {
  const words = [Control.Produced, Control.Consumed, Control.Sleep, Control.Ended];
  const control = words[noise.below(8)];
  const word = noise.word(ringBytes);
  if (control !== undefined) peer.control[control] = word;
  else peer.words[noise.below(peer.words.length)] = word;
}

/** As `mutate`, but mostly what a sound peer could have written: so the reader gets somewhere. */
function mutateSlyly(peer: RingMemory, own: RingMemory, noise: Noise, ringBytes: number): void {
  const kind = noise.below(32);
  const ahead = noise.below(ringBytes / 8 + 1) * 8;
  if (kind === 0) mutate(peer, noise, ringBytes);
  else if (kind < 8) peer.control[Control.Produced] = Number(own.control[Control.Consumed]) + ahead;
  else if (kind < 10)
    peer.control[Control.Consumed] = Number(own.control[Control.Produced]) - ahead;
  else peer.words[noise.below(peer.words.length)] = 1 + noise.below(ringBytes / 2);
}

/** A sound link of which one word is wrong: the position, the header, or the peer's progress. */
function structured(noise: Noise, ringBytes: number): boolean {
  const own = makeMemory(ringBytes);
  const peer = makeMemory(ringBytes);
  const start = (noise.below(3) * 2 ** 31 - noise.below(ringBytes)) & ~7;
  for (const { control } of [own, peer])
    control.fill(start, Control.Produced, Control.Produced + 1);
  for (const { control } of [own, peer])
    control.fill(start, Control.Consumed, Control.Consumed + 1);
  const parts = { reader: new RingReader(peer, own), writer: new RingWriter(own, peer) };
  const peerWriter = new RingWriter(peer, own);
  const peerReader = new RingReader(own, peer);
  const sent = 1 + noise.below(4);
  for (let count = 0; count < sent; count++) {
    if (peerWriter.claim(1 + noise.below(frameBytesLimit(ringBytes) / 2)) >= 0) peerWriter.commit();
    if (parts.writer.claim(1 + noise.below(8)) >= 0) parts.writer.commit();
  }
  peerWriter.publish();
  parts.writer.publish();
  if (peerReader.peek() >= 0) peerReader.release();
  peerReader.publish();
  mutate(peer, noise, ringBytes);
  for (let round = 0; round < 3; round++) use(parts, noise, ringBytes);
  return parts.reader.isCorrupt || parts.writer.isCorrupt;
}

describe('a hostile peer', () => {
  it('10000 sound rings with one wrong word each are read to frames or to Corrupt', () => {
    const noise = new Noise(seedOfThisRun());
    let corrupt = 0;
    for (let run = 0; run < 10_000; run++) if (structured(noise, 1 << (6 + (run % 4)))) corrupt++;
    assert.ok(corrupt > 1000, `only ${corrupt} were found`);
    assert.ok(corrupt < 9000, `as many as ${corrupt} were refused`);
  });

  it('a million wrong words between the calls are harmless', () => {
    const noise = new Noise(seedOfThisRun() ^ 0x5bd1e995);
    let frames = 0;
    for (let life = 0; life < 20_000; life++) {
      const ringBytes = 1 << (5 + (life % 5));
      const [own, peer] = [makeMemory(ringBytes), makeMemory(ringBytes)];
      peer.words.fill(4);
      const parts = { reader: new RingReader(peer, own), writer: new RingWriter(own, peer) };
      for (let round = 0; round < 10; round++) {
        for (let count = 0; count < 5; count++) mutateSlyly(peer, own, noise, ringBytes);
        frames += use(parts, noise, ringBytes);
      }
    }
    assert.ok(frames > 1000, `only ${frames} frames`);
  });

  it('words that change between two looks inside one call are harmless', () => {
    const noise = new Noise(seedOfThisRun() ^ 0x2545f491);
    assert.ok(readChangingWords(noise, 40_000) > 1000);
  });

  it('a reader that looks at a length twice would be found', () => {
    const noise = new Noise(seedOfThisRun() ^ 0x2545f491);
    const fault = {
      name: 'a length is read twice',
      file: 'ring-reader.js',
      replace: 'this.peekedBytes = byteLength;',
      by: 'this.peekedBytes = this.#words[index >> 2] ?? 0;',
    } as const;
    assert.throws(() => readChangingWords(noise, 40_000, fault), /a frame of/);
  });
});

/** Every look at the peer's memory sees another word. Answers the frames that came of it. */
function readChangingWords(
  noise: Noise,
  runs: number,
  fault?: Parameters<typeof loadRing>[1],
): number {
  const ringBytes = 64;
  const own = makeMemory(ringBytes);
  const real = new Map<object, Int32Array>();
  const changing = (words: Int32Array, any: () => number): Int32Array => {
    const proxy = new Proxy(new Int32Array(0), {
      get: (_target, name) => (name === 'length' ? words.length : any()),
    });
    real.set(proxy, words);
    return proxy;
  };
  const length = (): number => noise.word(ringBytes);
  const near = (): number => (noise.below(4) === 0 ? noise.word(ringBytes) : noise.below(12) * 8);
  const peer: RingMemory = {
    control: changing(new Int32Array(1024), near),
    words: changing(new Int32Array(ringBytes / 4), () =>
      noise.below(3) === 0 ? length() : 1 + noise.below(20),
    ),
    bytes: new Uint8Array(ringBytes),
  };
  const atomics = {
    load: (view: object, index: number): number =>
      real.has(view) ? near() : Atomics.load(own.control, index),
    store: (view: object, index: number, value: number): number => {
      if (real.has(view)) assert.fail("the peer's memory is written");
      return Atomics.store(own.control, index, value);
    },
  };
  const ring = loadRing(atomics, fault);
  let frames = 0;
  for (let run = 0; run < runs; run++) {
    own.control.fill(0);
    const parts = { reader: ring.makeReader(peer, own), writer: ring.makeWriter(own, peer) };
    frames += use(parts, noise, ringBytes);
  }
  return frames;
}

/** Scribbles over the peer's memory until the first word of `flag` is set. */
const scribbler = `
const { workerData } = require('node:worker_threads');
const { control, words, ownControl, flag, places, ringBytes, seed } = workerData;
let state = seed | 1;
const next = () => {
  state ^= state << 13; state ^= state >>> 17; state ^= state << 5;
  return state >>> 0;
};
while (Atomics.load(flag, 0) === 0) {
  for (let count = 0; count < 64; count++) {
    const kind = next() % 4096;
    const ahead = next() % (ringBytes + 8) & ~7;
    if (kind === 0) control[places[next() % places.length]] = next();
    else if (kind < 1000) control[places[0]] = Atomics.load(ownControl, places[1]) + ahead;
    else if (kind < 1100) control[places[1]] = Atomics.load(ownControl, places[0]) - ahead;
    else words[next() % words.length] = kind < 1110 ? next() : kind < 1130 ? -1 : next() % 80;
  }
  Atomics.add(flag, 1, 1);
}
`;

describe('a hostile thread', () => {
  it('scribbles over its memory while it is read: a million words and more', async () => {
    const ringBytes = 256;
    const [own, peer] = [makeMemory(ringBytes), makeMemory(ringBytes)];
    const flag = new Int32Array(new SharedArrayBuffer(8));
    const noise = new Noise(seedOfThisRun());
    const places = [Control.Produced, Control.Consumed, Control.Sleep, Control.Ended];
    const { control, words } = peer;
    const worker = new Worker(scribbler, {
      eval: true,
      workerData: {
        control,
        words,
        ownControl: own.control,
        flag,
        places,
        ringBytes,
        seed: noise.next(),
      },
    });
    const ended = new Promise<number>((resolve) => worker.once('exit', resolve));
    const sleeper = new Sleeper(own);
    let frames = 0;
    let lives = 0;
    // The scribbler counts rounds of 64 words. Who reads alone, on a busy machine, reads nothing.
    while (Atomics.load(flag, 1) < 20_000 || frames < 1000) {
      const parts = { reader: new RingReader(peer, own), writer: new RingWriter(own, peer) };
      sleeper.sleep(lives % 2 === 0);
      for (let round = 0; round < 20 && !parts.reader.isCorrupt; round++) {
        frames += use(parts, noise, ringBytes);
      }
      sleeper.wake();
      lives++;
    }
    Atomics.store(flag, 0, 1);
    assert.equal(await ended, 0);
    assert.ok(lives > 0);
  });
});
