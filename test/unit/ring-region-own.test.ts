/** Own regions: what the kernel lets nobody do, what failures leave, how long taking back waits. */
import assert from 'node:assert/strict';
import { fstatSync, writeSync } from 'node:fs';
import { test, type TestContext } from 'node:test';
import { MessageChannel } from 'node:worker_threads';

import { Fault, type BufferAccess } from '../../core/contract.js';
import {
  ErrorNumber,
  Fcntl,
  MapFlag,
  Protection,
  Seal,
  type Native,
} from '../../transports/ring/native.js';
import type { OwnRegion } from '../../transports/ring/shared-region.js';
import { lookAtHoldings, readMappings, requireNative } from './ring-memory-rig.js';
import {
  accesses,
  describeRegion,
  holdRegion,
  isFilledWith,
  makeHost,
  makeRegion,
  regionBytes,
  residentSharedBytes,
  shareRegion,
} from './ring-region-rig.js';

const { EAGAIN, EINVAL, EMFILE, ENOMEM, ENOSPC, EPERM } = ErrorNumber;

/** 100,000 in a long run. */
const cycles = Number(process.env['IDC_RING_CYCLES'] ?? 2_000);

test('before it is shared, nothing of it can be opened', () => {
  const host = makeHost();
  const before = lookAtHoldings();
  const region = makeRegion(host);
  region.bytes.fill(1);
  assert.deepEqual(lookAtHoldings(), before);
  region.release();
});

test('shared or not, the bytes are at the same address, with what they hold', () => {
  const host = makeHost();
  const region = makeRegion(host);
  const address = host.native.addressOf(region.bytes);
  region.bytes.fill(6);
  for (const access of accesses) {
    assert.equal(region.share(access), undefined);
    assert.equal(host.native.addressOf(region.bytes), address);
    assert.ok(isFilledWith(region.bytes, 6));
    region.revoke();
    assert.equal(host.native.addressOf(region.bytes), address);
    assert.ok(isFilledWith(region.bytes, 6));
  }
  region.release();
});

/** What anybody can try with a file that it opens by its number, other than mapping it. */
function tryToChange(native: Native, descriptor: number): Record<string, number> {
  const status = native.fcntl(descriptor, Fcntl.AddSeals, Seal.Write);
  return {
    shorten: native.truncate(descriptor, 0),
    lengthen: native.truncate(descriptor, 1 << 20),
    seal: status,
    punch: native.punch(descriptor, 0, native.pageBytes),
    write: native.writeAt(descriptor, native.addressOf(new Uint8Array(8)), 8, 0),
  };
}

function reopen(native: Native, descriptor: number): number {
  const reopened = native.open(`/proc/${process.pid}/fd/${descriptor}`, 2);
  assert.ok(reopened >= 0);
  return reopened;
}

test('shared for reading: nobody writes, writably maps, cuts or punches it', () => {
  const host = makeHost();
  const { native } = host;
  const region = shareRegion(host, 'read');
  const { notice } = describeRegion(region);
  const reopened = reopen(native, notice);
  for (const descriptor of [notice, reopened]) {
    const refused = { shorten: -EPERM, lengthen: -EPERM, seal: -EPERM };
    const tried = tryToChange(native, descriptor);
    assert.deepEqual(tried, { ...refused, punch: -EPERM, write: -EPERM });
    assert.throws(() => writeSync(descriptor, new Uint8Array(8), 0, 8, 0), { code: 'EPERM' });
    const writable = Protection.Read | Protection.Write;
    assert.equal(native.map(0n, regionBytes, writable, MapFlag.Shared, descriptor), -EPERM);
  }
  native.close(reopened);
  region.bytes.fill(8);
  const held = holdRegion(host, region);
  assert.ok(isFilledWith(held.bytes, 8), 'the owner goes on writing');
  held.release();
  region.release();
});

test('what holders write cannot be cut short or sealed', () => {
  const host = makeHost();
  const { native } = host;
  for (const access of accesses) {
    const region = shareRegion(host, access);
    const reopened = reopen(native, describeRegion(region).tally);
    const { shorten, lengthen, seal } = tryToChange(native, reopened);
    assert.deepEqual(
      { shorten, lengthen, seal },
      { shorten: -EPERM, lengthen: -EPERM, seal: -EPERM },
    );
    native.close(reopened);
    region.release();
  }
});

test('no file is mapped before its length is sealed, or when somebody has cut it short', () => {
  const native = requireNative();
  const lengthSeals = Seal.Shrink | Seal.Grow;
  let mapped = 0;
  const sealing = makeHost({
    map: (address, byteLength, protection, flags, descriptor, offset) => {
      if (descriptor >= 0) {
        mapped += 1;
        const seals = native.fcntl(descriptor, Fcntl.GetSeals, 0);
        assert.equal(seals & lengthSeals, lengthSeals);
      }
      return native.map(address, byteLength, protection, flags, descriptor, offset);
    },
  });
  for (const access of accesses) shareRegion(sealing, access).release();
  assert.ok(mapped >= 6);
  const cutting = makeHost({
    truncate: (descriptor, byteLength) => {
      const result = native.truncate(descriptor, byteLength);
      native.truncate(descriptor, 0);
      return result;
    },
  });
  const before = lookAtHoldings();
  for (const access of accesses) {
    const region = makeRegion(cutting);
    assert.equal(region.share(access), Fault.Unsupported);
    assert.deepEqual(lookAtHoldings(), before);
    region.release();
  }
});

test('what a holder keeps is zeros after the revocation, and where it may write no page', () => {
  const host = makeHost();
  const { native } = host;
  for (const access of accesses) {
    const region = shareRegion(host, access, 7);
    const { notice, tally } = describeRegion(region);
    const kept = reopen(native, access === 'read' ? notice : tally);
    const held = holdRegion(host, region, access);
    assert.ok(isFilledWith(held.bytes, 7));
    region.revoke();
    const blocks = fstatSync(kept).blocks / (native.pageBytes / 512);
    // A file that nobody may punch keeps its pages until the last holder goes.
    assert.equal(blocks, access === 'read' ? 4 : 1);
    assert.ok(isFilledWith(held.bytes, 0));
    held.release();
    native.close(kept);
    region.release();
  }
});

test('released: no descriptor, no mapping, zeros where the bytes lead, and nobody after it', () => {
  const host = makeHost();
  const before = lookAtHoldings();
  const { pageBytes } = host.native;
  for (const access of accesses) {
    // The first one would fit where pages of words are mapped.
    for (const byteLength of [pageBytes, regionBytes, 4 * pageBytes]) {
      const region = makeRegion(host, byteLength);
      const { bytes } = region;
      bytes.fill(7);
      assert.equal(region.share(access), undefined);
      region.release();
      assert.deepEqual(lookAtHoldings(), before);
      assert.ok(isFilledWith(bytes, 0));
      const next = makeRegion(host, byteLength);
      next.bytes.fill(9);
      assert.equal(next.share(access), undefined);
      const held = holdRegion(host, next, access);
      assert.ok(isFilledWith(bytes, 0), 'its place is never that of other memory');
      bytes.fill(1);
      assert.ok(isFilledWith(next.bytes, 9));
      assert.ok(held.enter());
      held.release();
      next.release();
    }
  }
  assert.deepEqual(lookAtHoldings(), before);
});

test('another thread cannot be handed the bytes: their place would be unmapped under it', () => {
  const region = makeRegion(makeHost());
  const { port1 } = new MessageChannel();
  try {
    const { buffer } = region.bytes;
    assert.ok(buffer instanceof ArrayBuffer);
    port1.postMessage(0, [buffer]);
  } catch (error) {
    // Later versions of Node.js say so, those before ignore the wish.
    assert.ok(error instanceof Error && error.name === 'DataCloneError');
  }
  port1.close();
  assert.equal(region.bytes.byteLength, regionBytes);
  region.release();
});

test('nor can another buffer take the bytes over', () => {
  const region = makeRegion(makeHost());
  for (const name of ['transfer', 'transferToFixedLength']) {
    const transfer: unknown = Reflect.get(region.bytes.buffer, name);
    assert.ok(typeof transfer === 'function');
    assert.throws(() => Reflect.apply(transfer, region.bytes.buffer, []), TypeError);
  }
  assert.equal(region.bytes.byteLength, regionBytes);
  region.release();
});

/** Fails the call number `at` of a kind, among those made once `isArmed`. */
function failingAt(
  native: Native,
  name: 'map' | 'memfdCreate' | 'truncate' | 'allocate' | 'fcntl' | 'writeAt' | 'move',
  at: number,
  error: number,
): { overrides: Partial<Native>; arm: () => void; calls: () => number } {
  let calls = -Infinity;
  // Passes on what it is given.
  const call = native[name].bind(native) as (...values: unknown[]) => number | bigint;
  const failing = (...values: unknown[]): number | bigint => {
    calls += 1;
    return calls === at ? -error : call(...values);
  };
  return {
    overrides: { [name]: failing },
    arm: () => (calls = 0),
    calls: () => calls,
  };
}

test('each step of sharing that fails is a typed fault, and all is as before', () => {
  const native = requireNative();
  const steps: [Parameters<typeof failingAt>[1], number, Fault][] = [
    ['memfdCreate', EMFILE, Fault.Exhausted],
    ['truncate', ENOMEM, Fault.Exhausted],
    ['allocate', ENOSPC, Fault.Exhausted],
    ['writeAt', ENOSPC, Fault.Exhausted],
    ['map', ENOMEM, Fault.Exhausted],
    ['map', EAGAIN, Fault.Exhausted],
    ['fcntl', EINVAL, Fault.Unsupported],
    ['move', ENOMEM, Fault.Exhausted],
  ];
  for (const access of accesses) {
    for (const [name, error, fault] of steps) {
      let failures = 0;
      for (let at = 1; ; at++) {
        if (!failsAt(native, access, { name, at, error, fault })) break;
        failures += 1;
      }
      assert.ok(failures > 0, name);
    }
  }
});

interface Failure {
  readonly name: Parameters<typeof failingAt>[1];
  readonly at: number;
  readonly error: number;
  readonly fault: Fault;
}

/** False if sharing makes fewer calls. */
function failsAt(native: Native, access: BufferAccess, failure: Failure): boolean {
  const { name, at, error, fault } = failure;
  const { overrides, arm, calls } = failingAt(native, name, at, error);
  const host = makeHost(overrides);
  const region = makeRegion(host);
  region.bytes.fill(3);
  const before = lookAtHoldings();
  arm();
  const result = region.share(access);
  const isFailed = calls() >= at;
  assert.equal(result, isFailed ? fault : undefined, `${name} ${at}`);
  if (isFailed) {
    assert.deepEqual(lookAtHoldings(), before, `${name} ${at}`);
    assert.ok(isFilledWith(region.bytes, 3));
    assert.equal(region.share(access), undefined, 'it can be tried again');
  }
  region.revoke();
  assert.ok(isFilledWith(region.bytes, 3));
  region.release();
  return isFailed;
}

test('taking back works whatever the kernel refuses', () => {
  const native = requireNative();
  const refusals: Record<string, () => number>[] = [
    { advise: () => -ENOMEM },
    { readAt: () => -ENOMEM },
    { punch: () => -ENOMEM },
    { move: () => -ENOMEM },
    { advise: () => -EINVAL, readAt: () => -EINVAL, punch: () => -EINVAL, move: () => -EINVAL },
  ];
  for (const access of accesses) {
    for (const refusal of refusals) {
      let isArmed = false;
      const armed = Object.fromEntries(
        Object.entries(refusal).map(([name, call]) => {
          const real: unknown = Reflect.get(native, name);
          assert.ok(typeof real === 'function');
          return [
            name,
            (...values: unknown[]): unknown => {
              if (isArmed) return call();
              const result: unknown = Reflect.apply(real, native, values);
              return result;
            },
          ];
        }),
      );
      const before = lookAtHoldings();
      const host = makeHost(armed);
      const region = shareRegion(host, access, 7);
      const held = holdRegion(host, region, access);
      isArmed = true;
      region.revoke();
      isArmed = false;
      assert.ok(isFilledWith(region.bytes, 7));
      region.bytes.fill(0xee);
      assert.ok(!held.bytes.includes(0xee));
      if (access !== 'read') held.bytes.fill(1);
      assert.ok(isFilledWith(region.bytes, 0xee));
      held.release();
      region.release();
      assert.deepEqual(lookAtHoldings(), before);
    }
  }
});

/** A region with a clock that says `stepMs` more at each look, and does `each` then. */
function makeTimed(stepMs: number, each: (looks: number) => void = () => undefined): OwnRegion {
  let looks = 0;
  const now = (): number => {
    looks += 1;
    each(looks);
    return looks * stepMs;
  };
  return shareRegion(makeHost(undefined, now), 'readWrite');
}

test('revoke waits for an access in flight, which then is whole and counts', () => {
  const region = makeTimed(0.1, (looks) => {
    if (looks !== 4) return;
    held.bytes.fill(8);
    isWhole = held.leave();
    mayEnter = held.enter();
  });
  const held = holdRegion(makeHost(), region, 'readWrite');
  let isWhole = false;
  let mayEnter = true;
  assert.ok(held.enter());
  region.revoke();
  assert.deepEqual({ isWhole, mayEnter }, { isWhole: true, mayEnter: false });
  assert.ok(isFilledWith(region.bytes, 8), 'what it stored is there');
  held.release();
  region.release();
});

test('who leaves its access when the copying has begun is told that it may be lost', () => {
  const native = requireNative();
  let told: boolean | undefined = undefined;
  const host = makeHost({
    readAt: (...values) => {
      told ??= held.leave();
      return native.readAt(...values);
    },
  });
  const region = shareRegion(host, 'readWrite');
  const held = holdRegion(makeHost(), region, 'readWrite');
  assert.ok(held.enter());
  region.revoke();
  assert.equal(told, false);
  held.release();
  region.release();
});

test('revoke waits a millisecond at most, or no time at all', (context: TestContext) => {
  for (const [holders, looksMost] of [
    [0, 1],
    [1, 12],
    [3, 12],
  ] as const) {
    let count = 0;
    const region = makeTimed(0.1, (looks) => (count = looks));
    const held = Array.from({ length: holders }, () => holdRegion(makeHost(), region, 'readWrite'));
    for (const each of held) assert.ok(each.enter());
    region.revoke();
    assert.ok(count <= looksMost, `${count} looks at the clock`);
    for (const each of held) {
      assert.ok(!each.leave(), 'too late');
      each.release();
    }
    region.release();
  }
  const stopped = makeTimed(0);
  const held = holdRegion(makeHost(), stopped, 'readWrite');
  assert.ok(held.enter());
  const startMs = performance.now();
  stopped.revoke();
  context.diagnostic(`with a clock that stands: ${(performance.now() - startMs).toFixed(1)} ms`);
  held.release();
  stopped.release();
});

test('a hostile count holds nobody up for longer, and lets nothing through', () => {
  for (const count of [-1, 2 ** 31 - 1, -(2 ** 31)]) {
    const region = makeTimed(0.1);
    const host = makeHost();
    const { tally } = describeRegion(region);
    const held = holdRegion(host, region, 'readWrite');
    const range = host.ranges.map(tally, 4096, Protection.Read | Protection.Write);
    assert.ok(typeof range === 'object');
    new Int32Array(range.buffer).fill(count);
    region.revoke();
    held.bytes.fill(1);
    assert.ok(isFilledWith(region.bytes, 5));
    host.ranges.release(range);
    held.release();
    region.release();
  }
});

/** Keeps account of mappings that no range has: each is to be unmapped, or moved into a range. */
function accounting(native: Native): { overrides: Partial<Native>; open: Set<bigint> } {
  const open = new Set<bigint>();
  const overrides: Partial<Native> = {
    map: (address, ...values) => {
      const mapped = native.map(address, ...values);
      if (address === 0n && typeof mapped === 'bigint') open.add(mapped);
      return mapped;
    },
    view: (address, byteLength) => {
      open.delete(address);
      return native.view(address, byteLength);
    },
    move: (address, byteLength, target) => {
      open.delete(address);
      return native.move(address, byteLength, target);
    },
    unmap: (address, byteLength) => {
      open.delete(address);
      return native.unmap(address, byteLength);
    },
  };
  return { overrides, open };
}

test(`${cycles} times shared, held, taken back and released leaves nothing`, (context) => {
  const { overrides, open } = accounting(requireNative());
  const [host, holding] = [makeHost(overrides), makeHost(overrides)];
  const before = lookAtHoldings();
  const resident = residentSharedBytes();
  const mappings = readMappings().length;
  const startMs = performance.now();
  for (let number = 0; number < cycles; number++) {
    const access = accesses[number % 3] ?? 'read';
    const region = shareRegion(host, access, number & 0xff);
    const held = holdRegion(holding, region, access);
    assert.ok(held.enter());
    assert.equal(held.bytes[regionBytes - 1], number & 0xff);
    assert.ok(held.leave());
    region.revoke();
    held.release();
    region.release();
    assert.equal(open.size, 0);
  }
  const eachUs = Math.round(((performance.now() - startMs) * 1000) / cycles);
  context.diagnostic(`${eachUs} us each`);
  assert.deepEqual(lookAtHoldings(), before);
  assert.equal(residentSharedBytes(), resident);
  const moreMappings = readMappings().length - mappings;
  assert.ok(moreMappings < cycles / 20 + 20, `${moreMappings} more mappings`);
});
