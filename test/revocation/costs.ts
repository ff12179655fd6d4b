/**
 * What regions cost on this machine: `node dist/test/revocation/costs.js`.
 *
 * A table of sharing, mapping and taking back, with nobody else at work; then the speed at which a
 * holder copies into a region of another process, beside copying between two arrays of its own.
 */
import { createRuntime, type BufferAccess, type MappedRegion } from '../../core/contract.js';
import { loadNative } from '../../transports/ring/native.js';
import { RegionMemory } from '../../transports/ring/region-memory.js';
import { identityOf } from '../unit/ring-region-rig.js';
import type { Offer } from './orders.js';
import { ProcessParty } from './parties.js';

const lengths = [4096, 2 ** 20, 16 * 2 ** 20] as const;
const accesses: readonly BufferAccess[] = ['read', 'readWrite'];
const roundsMax = 1000;
const bulkBytes = 2 ** 20;
const smallWords = 16;
const copyMs = 300;
const attempts = 7;

const native = loadNative();
if (native === undefined) throw new Error('regions need the package koffi');
const owner = new RegionMemory(native, createRuntime());
const holder = new RegionMemory(native, createRuntime());

function print(cells: readonly string[]): void {
  process.stdout.write(`${cells.map((cell) => cell.padEnd(17)).join('')}\n`);
}

function describeTimes(milliseconds: number[]): string {
  milliseconds.sort((a, b) => a - b);
  const at = (share: number): string => {
    return ((milliseconds[Math.floor(milliseconds.length * share)] ?? 0) * 1000).toFixed(0);
  };
  return `${at(0.5)} / ${at(0.99)}`;
}

function map(offer: Offer): MappedRegion {
  const { description, byteLength, access } = offer;
  const bytes = Uint8Array.from(description);
  const held = holder.map(identityOf(offer.owner), bytes, byteLength, access);
  if (typeof held === 'string') throw new Error(`map: ${held}`);
  return held;
}

/** Share, map, take back, release, and once more with nobody who maps it. */
function measureSteps(byteLength: number, access: BufferAccess): void {
  const region = owner.allocate(byteLength);
  if (typeof region === 'string') throw new Error(`allocate: ${region}`);
  region.bytes.fill(1);
  const [share, mapped, revoke, release] = [[], [], [], []] as [
    number[],
    number[],
    number[],
    number[],
  ]; // filled below
  const rounds = Math.min(roundsMax, Math.ceil((200 * 2 ** 20) / byteLength));
  const time = <T>(list: number[], step: () => T): T => {
    const startMs = performance.now();
    const result = step();
    list.push(performance.now() - startMs);
    return result;
  };
  for (let round = 0; round < rounds; round++) {
    const fault = time(share, () => region.share(access));
    if (fault !== undefined) throw new Error(`share: ${fault}`);
    const description = [...region.describe()];
    const held = time(mapped, () => map({ owner: process.pid, description, byteLength, access }));
    time(revoke, () => region.revoke());
    time(release, () => held.release());
  }
  region.release();
  const times = [share, mapped, revoke, release].map(describeTimes);
  print([String(byteLength), access, ...times]);
}

/** How often in a second `step` runs, in the best of some attempts. */
function rateOf(step: () => void): number {
  let best = 0;
  for (let attempt = 0; attempt < attempts; attempt++) {
    const startMs = performance.now();
    let count = 0;
    let nowMs = startMs;
    for (; nowMs < startMs + copyMs / attempts; nowMs = performance.now()) {
      for (let index = 0; index < 16; index++) step();
      count += 16;
    }
    best = Math.max(best, (count * 1000) / (nowMs - startMs));
  }
  return best;
}

function measureBulk(held: MappedRegion): void {
  const source = new Uint8Array(bulkBytes).fill(3);
  const target = new Uint8Array(bulkBytes).fill(4);
  const describe = (rate: number): string => `${((rate * bulkBytes) / 1e9).toFixed(1)} GB/s`;
  const local = rateOf(() => target.set(source));
  const write = rateOf(() => {
    if (!held.enter()) throw new Error('revoked');
    held.bytes.set(source);
    held.leave();
  });
  const read = rateOf(() => {
    if (!held.enter()) throw new Error('revoked');
    target.set(held.bytes);
    held.leave();
  });
  print(['1 MiB', describe(local), describe(write), describe(read)]);
}

/** Some thousand at a time, so that the clock costs nothing. */
function measureSmall(held: MappedRegion): void {
  const { buffer, byteOffset, byteLength } = held.bytes;
  const words = new Int32Array(buffer, byteOffset, byteLength / 4);
  const source = new Int32Array(smallWords).fill(5);
  const copies = 4096;
  const copy = (target: Int32Array, from: number): void => {
    for (let index = 0; index < smallWords; index++) target[from + index] = source[index] ?? 0;
  };
  const own = new Int32Array(words.length);
  const local = rateOf(() => {
    for (let index = 0; index < copies; index++) copy(own, index * smallWords);
  });
  const mapped = rateOf(() => {
    for (let index = 0; index < copies; index++) {
      if (!held.enter()) throw new Error('revoked');
      copy(words, index * smallWords);
      held.leave();
    }
  });
  const bare = rateOf(() => {
    for (let index = 0; index < copies; index++) {
      if (!held.enter()) throw new Error('revoked');
      held.leave();
    }
  });
  const describe = (rate: number): string => `${((rate * copies) / 1e6).toFixed(1)} M/s`;
  print(['64 B', describe(local), describe(mapped), '']);
  print(['enter and leave', `${(1e9 / (bare * copies)).toFixed(1)} ns`]);
}

print(['bytes', 'access', 'share', 'map', 'revoke', 'release', '(us, p50 / p99)']);
for (const byteLength of lengths) {
  for (const access of accesses) measureSteps(byteLength, access);
}
const party = new ProcessParty({ id: 1, isHonest: false });
const { offer } = await party.ask({ order: 'lend', byteLength: bulkBytes, access: 'readWrite' });
if (offer === undefined) throw new Error('the other process lends nothing');
const held = map(offer);
print([]);
print(['copies of', 'in own memory', 'into the region', 'out of the region']);
measureBulk(held);
measureSmall(held);
held.release();
await party.end();
