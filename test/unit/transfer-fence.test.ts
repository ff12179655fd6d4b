/** The owner's judgement of writes: too late, fenced, and what a full table does. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ByteArea } from '../../core/byte-area.js';
import { ErrorCode } from '../../core/errors.js';
import { FenceTable } from '../../core/transfer/fence-table.js';
import { operationBytes } from '../../core/transfer/transfer-wire.js';
import { createRandom, seedOfThisRun } from '../compliance/random.js';
import { VirtualRuntime } from './virtual-runtime.js';

const leaseMs = 100;
/** Operations lie in the middle of a request. */
const at = 24;

function operation(number: number): ByteArea {
  const area = ByteArea.allocate(at + operationBytes);
  area.bytes.fill(0x5a);
  area.view.setFloat64(at + 16, number, true);
  return area;
}

function createTable(capacity?: number) {
  const runtime = new VirtualRuntime(1, 1_000);
  const table = new FenceTable(runtime.clock, leaseMs, 0x1234_5678, capacity);
  const judge = (number: number, stamp: number): ErrorCode =>
    table.judge(operation(number), at, stamp, table.stampNow());
  return { runtime, table, judge };
}

describe('lease', () => {
  it('a stamp is good from its moment to the end of the lease, to the millisecond', () => {
    const { runtime, table, judge } = createTable();
    const stamp = table.stampNow();
    assert.equal(judge(1, stamp), ErrorCode.Ok);
    runtime.advance(leaseMs);
    assert.equal(judge(1, stamp), ErrorCode.Ok);
    runtime.advance(0.001);
    assert.equal(judge(1, stamp), ErrorCode.StaleLease);
  });

  it('a stamp of the future, or of another clock: refused', () => {
    const { table, judge } = createTable();
    assert.equal(judge(1, table.stampNow() + 0.001), ErrorCode.StaleLease);
    assert.equal(judge(1, 1e15), ErrorCode.StaleLease);
  });

  it('a stall of the owner counts as time on the way', () => {
    const { runtime, table, judge } = createTable();
    const stamp = table.stampNow();
    runtime.stall(leaseMs + 1);
    assert.equal(judge(1, stamp), ErrorCode.StaleLease);
    assert.equal(judge(1, table.stampNow()), ErrorCode.Ok);
  });

  it('assertion: a lease is from 1 ms on', () => {
    const { clock } = new VirtualRuntime();
    for (const wrong of [0, 0.5, -1, NaN, 2 ** 32]) {
      assert.throws(() => new FenceTable(clock, wrong, 0), { code: 'BAD_ARGUMENT' });
    }
  });
});

describe('fence', () => {
  it('refuses its operation and no other', () => {
    const { table, judge } = createTable();
    const stamp = table.stampNow();
    assert.equal(table.fence(operation(7), at), false);
    assert.equal(judge(7, stamp), ErrorCode.Cancelled);
    assert.equal(judge(8, stamp), ErrorCode.Ok);
    assert.equal(table.count, 1);
  });

  it('every byte of an operation counts', () => {
    const { table } = createTable();
    const stamp = table.stampNow();
    table.fence(operation(7), at);
    for (let index = 0; index < operationBytes; index++) {
      const other = operation(7);
      other.bytes[at + index] = (other.bytes[at + index] ?? 0) ^ 1;
      assert.equal(table.judge(other, at, stamp, stamp), ErrorCode.Ok, `byte ${index}`);
    }
  });

  it('twice is once, and lasts from the second time', () => {
    const { runtime, table, judge } = createTable();
    table.fence(operation(7), at);
    runtime.advance(leaseMs);
    table.fence(operation(7), at);
    assert.equal(table.count, 1);
    runtime.advance(leaseMs);
    assert.equal(judge(7, runtime.clock.now()), ErrorCode.Cancelled);
  });

  it('is forgotten when the lease refuses what it refused', () => {
    const { runtime, table, judge } = createTable();
    const stamp = table.stampNow();
    table.fence(operation(7), at);
    runtime.advance(leaseMs);
    assert.equal(judge(7, stamp), ErrorCode.Cancelled);
    runtime.advance(0.001);
    assert.equal(judge(7, stamp), ErrorCode.StaleLease);
    assert.equal(judge(8, table.stampNow()), ErrorCode.Ok);
    assert.equal(table.count, 0);
  });
});

describe('full table', () => {
  const capacity = 16;

  it('is emptied, and every stamp from before is refused', () => {
    const { table, judge } = createTable(capacity);
    const stamp = table.stampNow();
    for (let number = 0; number < capacity; number++) {
      assert.equal(table.fence(operation(number), at), false);
    }
    assert.equal(judge(1000, stamp), ErrorCode.Ok);
    assert.equal(table.fence(operation(capacity), at), true);
    assert.equal(table.count, 0);
    for (const number of [0, 3, capacity, 1000]) {
      assert.equal(judge(number, stamp), ErrorCode.StaleLease);
    }
  });

  it('a stamp from after is good at once, though the clock stands', () => {
    const { runtime, table, judge } = createTable(capacity);
    let before = table.stampNow();
    for (let number = 0; number < 5 * (capacity + 1); number++) {
      const isFloor = table.fence(operation(number), at);
      const stamp = table.stampNow();
      assert.equal(judge(1000, stamp), ErrorCode.Ok);
      assert.equal(stamp > before, isFloor);
      before = stamp;
    }
    runtime.advance(1);
    assert.equal(table.stampNow(), runtime.clock.now());
    assert.equal(judge(1000, before), ErrorCode.Ok);
  });

  it('fencing again what is in a full table empties nothing', () => {
    const { table, judge } = createTable(capacity);
    const stamp = table.stampNow();
    for (let number = 0; number < capacity; number++) table.fence(operation(number), at);
    assert.equal(table.fence(operation(3), at), false);
    assert.equal(table.count, capacity);
    assert.equal(judge(3, stamp), ErrorCode.Cancelled);
    assert.equal(judge(1000, stamp), ErrorCode.Ok);
  });
});

describe('against a model', () => {
  /** What a table without a bound would know: when an operation was fenced last. */
  it('nothing fenced, nothing too late, and no stamp of before a floor is executed', () => {
    const seed = seedOfThisRun();
    const random = createRandom(seed);
    const { runtime, table, judge } = createTable(32);
    const fencedAt = new Map<number, number>();
    const counts = { ok: 0, cancelled: 0, stale: 0, floors: 0 };
    for (let step = 0; step < 20_000; step++) {
      const number = random() % 200;
      const nowMs = table.stampNow();
      if (random() % 8 === 0) runtime.advance((random() % 64) / 4);
      if (random() % 4 === 0) {
        fencedAt.set(number, table.stampNow());
        if (table.fence(operation(number), at)) counts.floors++;
        continue;
      }
      assert.equal(judge(number + 1_000, table.stampNow()), ErrorCode.Ok, 'fresh, never fenced');
      const stamp = Math.max(0, nowMs - (random() % 400) / 2);
      const verdict = judge(number, stamp);
      const fenced = fencedAt.get(number) ?? -Infinity;
      const place = `seed ${seed}, step ${step}`;
      if (verdict === ErrorCode.Ok) {
        counts.ok++;
        assert(table.stampNow() - stamp <= leaseMs, place);
        // A piece that was submitted before its operation was fenced.
        assert(stamp > fenced, place);
      } else if (verdict === ErrorCode.Cancelled) {
        counts.cancelled++;
        assert(fenced > -Infinity, place);
      } else counts.stale++;
    }
    const summary = `seed ${seed}: ${JSON.stringify(counts)}`;
    assert(counts.ok > 200 && counts.cancelled > 200, summary);
    assert(counts.stale > 200 && counts.floors > 5, summary);
  });
});
