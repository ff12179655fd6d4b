/** Own memory: sealed against everybody, released without a trace, and what its failures leave. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { writeSync } from 'node:fs';
import { test } from 'node:test';

import { Fault } from '../../core/transport.js';
import { MappedOwnMemory } from '../../transports/ring/mapped-memory.js';
import { MappedRanges } from '../../transports/ring/mapped-ranges.js';
import {
  ErrorNumber,
  Fcntl,
  MapFlag,
  Protection,
  Seal,
  type Native,
} from '../../transports/ring/native.js';
import { openPeerMemory } from '../../transports/ring/peer-memory.js';
import { headerProblem } from '../../transports/ring/region.js';
import { Control, memoryBytes } from '../../transports/ring/ring-layout.js';
import {
  announce,
  lookAtHoldings,
  makeOwn,
  makeToken,
  overriding,
  readMappings,
  requireNative,
  residentBytes,
  ringBytes,
} from './ring-memory-rig.js';

const { EAGAIN, EINVAL, EMFILE, ENOMEM, ENOSPC, ENOSYS, EPERM } = ErrorNumber;

/** 100,000 in a long run; enough to see a leak of one page each. */
const cycles = Number(process.env['IDC_RING_CYCLES'] ?? 3_000);

test('an own memory holds its header, and zeros', () => {
  const native = requireNative();
  const own = makeOwn(native, new MappedRanges(native));
  assert.equal(own.byteLength, memoryBytes(ringBytes));
  assert.equal(headerProblem(own.views.control, announce(own)), undefined);
  assert.equal(own.views.bytes.byteLength, ringBytes);
  assert.ok(own.views.bytes.every((byte) => byte === 0));
  own.release();
});

test('nobody shortens, lengthens, writes or writably maps it, and no seal is added', () => {
  const native = requireNative();
  const own = makeOwn(native, new MappedRanges(native));
  const path = `/proc/${process.pid}/fd/${own.descriptor}`;
  const reopened = native.open(path, 2);
  assert.ok(reopened >= 0);
  for (const descriptor of [own.descriptor, reopened]) {
    assert.equal(native.truncate(descriptor, 0), -EPERM);
    assert.equal(native.truncate(descriptor, 2 * own.byteLength), -EPERM);
    assert.throws(() => writeSync(descriptor, new Uint8Array(8), 0, 8, 0), { code: 'EPERM' });
    const writable = Protection.Read | Protection.Write;
    const { byteLength } = own;
    assert.equal(native.map(0n, byteLength, writable, MapFlag.Shared, descriptor), -EPERM);
    assert.equal(native.fcntl(descriptor, Fcntl.AddSeals, Seal.Write), -EPERM);
  }
  // The same from another process, with the tools that are there.
  for (const [command, ...words] of [
    ['truncate', '-s', '0', path],
    ['fallocate', '-p', '-o', '0', '-l', '4096', path],
    ['dd', 'if=/dev/zero', `of=${path}`, 'bs=64', 'count=1', 'conv=notrunc'],
  ] as const) {
    const result = spawnSync(command, words, { encoding: 'utf8', env: { LC_ALL: 'C' } });
    assert.notEqual(result.status, 0, command);
    assert.match(result.stderr, /not permitted/, command);
  }
  native.close(reopened);
  own.views.control[Control.Produced] = 8;
  assert.equal(own.views.control[Control.Produced], 8);
  own.release();
});

test('released: no descriptor, no mapping, zeros where the views lead, twice is once', () => {
  const native = requireNative();
  const ranges = new MappedRanges(native);
  const before = lookAtHoldings();
  const own = makeOwn(native, ranges);
  own.views.bytes.fill(7);
  own.closeDescriptor();
  assert.equal(own.descriptor, -1);
  own.closeDescriptor();
  own.release();
  assert.deepEqual(lookAtHoldings(), before);
  assert.ok(own.views.bytes.every((byte) => byte === 0));
  const next = makeOwn(native, ranges);
  own.release();
  assert.equal(headerProblem(next.views.control, announce(next)), undefined);
  next.release();
  assert.deepEqual(lookAtHoldings(), before);
});

test('a released range serves the next memory of its size, and starts with zeros', () => {
  const native = requireNative();
  const ranges = new MappedRanges(native);
  const first = makeOwn(native, ranges);
  first.views.bytes.fill(7);
  first.release();
  first.views.bytes.fill(9);
  const other = MappedOwnMemory.create(native, ranges, {
    ringBytes: 2 * ringBytes,
    token: makeToken(2),
  });
  assert.ok(other instanceof MappedOwnMemory);
  assert.notEqual(other.views.bytes.buffer, first.views.bytes.buffer);
  const second = makeOwn(native, ranges);
  assert.equal(second.views.bytes.buffer, first.views.bytes.buffer);
  assert.ok(second.views.bytes.every((byte) => byte === 0));
  other.release();
  second.release();
});

/** Fails the call number `at` of `map`. */
function failingMap(native: Native, at: number, error: number): Partial<Native> {
  let calls = 0;
  return {
    map: (...values) => (++calls === at ? -error : native.map(...values)),
  };
}

test('each failing step is a typed result, and nothing is left', () => {
  const native = requireNative();
  const cases: [string, Partial<Native>, Fault][] = [
    ['too many descriptors', { memfdCreate: () => -EMFILE }, Fault.Exhausted],
    ['no memfd', { memfdCreate: () => -ENOSYS }, Fault.Unsupported],
    ['no sealing', { memfdCreate: () => -EINVAL }, Fault.Unsupported],
    ['no length', { truncate: () => -ENOMEM }, Fault.Exhausted],
    ['no pages', { allocate: () => -ENOSPC }, Fault.Exhausted],
    ['no mapping', failingMap(native, 1, ENOMEM), Fault.Exhausted],
    ['no range', failingMap(native, 2, ENOMEM), Fault.Exhausted],
    ['no mapping into the range', failingMap(native, 3, EAGAIN), Fault.Exhausted],
    ['an older kernel', { fcntl: () => -EINVAL }, Fault.Unsupported],
  ];
  for (const [what, overrides, fault] of cases) {
    const before = lookAtHoldings();
    const failing = overriding(native, overrides);
    const ranges = new MappedRanges(failing);
    const result = MappedOwnMemory.create(failing, ranges, { ringBytes, token: makeToken(1) });
    assert.equal(result, fault, what);
    assert.deepEqual(lookAtHoldings(), before, what);
  }
});

test('a kernel that does not know the flag against execution gets none', () => {
  const native = requireNative();
  const flagsSeen: number[] = [];
  const older = overriding(native, {
    memfdCreate: (name, flags) => {
      flagsSeen.push(flags);
      return (flags & 8) !== 0 ? -EINVAL : native.memfdCreate(name, flags);
    },
  });
  makeOwn(older, new MappedRanges(older)).release();
  assert.deepEqual(flagsSeen, [11, 3]);
});

test('a range that the kernel emptied before it failed is filled again and serves', () => {
  const native = requireNative();
  let isShort = false;
  const failing = overriding(native, {
    map: (address, byteLength, protection, flags, descriptor) => {
      if (!isShort || (flags & MapFlag.Fixed) === 0) {
        return native.map(address, byteLength, protection, flags, descriptor);
      }
      native.unmap(address, byteLength);
      return -ENOMEM;
    },
  });
  const ranges = new MappedRanges(failing);
  const first = makeOwn(failing, ranges);
  isShort = true;
  first.release();
  assert.equal(lookAtHoldings().memfdMappings, 0);
  const result = MappedOwnMemory.create(failing, ranges, { ringBytes, token: makeToken(1) });
  assert.equal(result, Fault.Exhausted);
  isShort = false;
  const second = makeOwn(failing, ranges);
  assert.equal(second.views.bytes.buffer, first.views.bytes.buffer);
  second.release();
});

test("a range that may be another thread's by now is never touched again", () => {
  const native = requireNative();
  let isShort = false;
  let touched = 0n;
  const failing = overriding(native, {
    map: (address, byteLength, protection, flags, descriptor) => {
      if (!isShort || address === 0n) {
        return native.map(address, byteLength, protection, flags, descriptor);
      }
      touched = address;
      return (flags & MapFlag.FixedNoReplace) === 0 ? -ENOMEM : -ErrorNumber.EEXIST;
    },
  });
  const ranges = new MappedRanges(failing);
  const first = makeOwn(failing, ranges);
  isShort = true;
  first.release();
  assert.notEqual(touched, 0n);
  isShort = false;
  const second = makeOwn(failing, ranges);
  assert.notEqual(second.views.bytes.buffer, first.views.bytes.buffer);
  second.release();
  const left = { address: touched, byteLength: memoryBytes(ringBytes) };
  assert.equal(native.unmap(left.address, left.byteLength), 0);
});

test('after the end ranges go with their views, and not before', async () => {
  const { gc } = globalThis;
  assert.ok(gc, 'the tests run with --expose-gc');
  const native = requireNative();
  const unmapped = new Set<bigint>();
  const reserved = new Set<bigint>();
  const counting = overriding(native, {
    unmap: (address, byteLength) => {
      unmapped.add(address);
      return native.unmap(address, byteLength);
    },
    view: (address, byteLength) => {
      reserved.add(address);
      return native.view(address, byteLength);
    },
  });
  const kept: Uint8Array[] = [];
  const useAndEnd = (): void => {
    const ranges = new MappedRanges(counting);
    const memories = [1, 2, 3].map((number) => makeOwn(counting, ranges, makeToken(number)));
    const [first, , last] = memories;
    assert.ok(first && last);
    kept.push(first.views.bytes);
    for (const memory of memories.slice(0, 2)) memory.release();
    last.release();
  };
  useAndEnd();
  assert.equal(reserved.size, 3);
  const gone = (): bigint[] => [...reserved].filter((address) => unmapped.has(address));
  unmapped.clear();
  for (let turn = 0; turn < 200 && gone().length < 2; turn++) {
    gc();
    await new Promise(setImmediate);
  }
  assert.equal(gone().length, 2);
  assert.equal(kept[0]?.[0], 0, 'the view that is kept still leads to memory');
  kept.length = 0;
  for (let turn = 0; turn < 200 && gone().length < 3; turn++) {
    gc();
    await new Promise(setImmediate);
  }
  assert.equal(gone().length, 3);
});

test(`${cycles} memories made, mapped by a peer and released leave nothing`, (context) => {
  const native = requireNative();
  const ranges = new MappedRanges(native);
  const peerRanges = new MappedRanges(native);
  const { pid } = process;
  const cycle = (number: number): void => {
    const own = makeOwn(native, ranges, makeToken(number));
    const place = { pid, descriptor: own.descriptor };
    const opening = openPeerMemory(native, peerRanges, place, announce(own));
    assert.equal(opening.outcome, 'opened');
    own.closeDescriptor();
    own.views.words.fill(number);
    assert.equal(opening.memory.views.words[0], number | 0);
    opening.memory.release();
    own.release();
  };
  for (let number = 1; number <= 1_000; number++) cycle(number);
  globalThis.gc?.();
  const before = lookAtHoldings();
  const mappings = readMappings().length;
  const resident = residentBytes();
  const startMs = performance.now();
  for (let number = 1; number <= cycles; number++) cycle(number);
  const eachUs = Math.round(((performance.now() - startMs) * 1000) / cycles);
  globalThis.gc?.();
  const grown = residentBytes() - resident;
  context.diagnostic(`${cycles} cycles, ${eachUs} us each, RSS grew by ${grown >> 10} KiB`);
  assert.deepEqual(lookAtHoldings(), before);
  // The engine's own pages come and go by dozens; one left by each would be thousands.
  const moreMappings = readMappings().length - mappings;
  assert.ok(moreMappings < cycles / 20, `${moreMappings} more mappings`);
  // One page of each would be 12 MiB even in the short run.
  assert.ok(grown < 10 * 2 ** 20, `RSS grew by ${grown} bytes`);
});
