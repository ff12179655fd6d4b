/** Held regions: what an owner may offer, what a holder takes, and what it leaves. */
import assert from 'node:assert/strict';
import { fstatSync, writeSync } from 'node:fs';
import { test } from 'node:test';

import { Fault, type BufferAccess, type PeerIdentity } from '../../core/contract.js';
import type { MappedRegion } from '../../core/shared-memory.js';
import { mapRegion } from '../../transports/ring/mapped-region.js';
import { memorySeals } from '../../transports/ring/mapped-memory.js';
import { ErrorNumber, Fcntl, MemfdFlag, OpenFlag, Seal } from '../../transports/ring/native.js';
import {
  decodeDescription,
  encodeDescription,
  regionDescriptionBytes,
  type RegionDescription,
} from '../../transports/ring/region-description.js';
import { fileLengths, NoticeWord, writeNotice } from '../../transports/ring/region-layout.js';
import { tallySeals } from '../../transports/ring/region-file.js';
import type { OwnRegion } from '../../transports/ring/shared-region.js';
import { lookAtHoldings, makeToken, requireNative } from './ring-memory-rig.js';
import {
  accesses,
  describeRegion,
  holdRegion,
  identityOf,
  isFilledWith,
  makeHost,
  makeRegion,
  ownIdentity,
  regionBytes,
  shareRegion,
} from './ring-region-rig.js';

const { EACCES, EAGAIN, EFAULT, EMFILE, ENOMEM, EPERM } = ErrorNumber;
const native = requireNative();

/** Maps what is described, with changes; the changes are what a test is about. */
function mapAs(
  description: RegionDescription,
  changes: Partial<RegionDescription> = {},
  host = makeHost(),
  identity: PeerIdentity = ownIdentity,
): MappedRegion | Fault {
  const bytes = encodeDescription({ ...description, ...changes });
  return mapRegion(host, identity, bytes, description.byteLength, description.access);
}

interface Craft {
  readonly access?: BufferAccess;
  readonly noticeSeals?: number;
  readonly tallySeals?: number;
  readonly noticeFlags?: number;
  /** More or fewer bytes than there should be. */
  readonly noticeMore?: number;
  readonly tallyMore?: number;
  /** Files that have the pages alone that are written. */
  readonly isSparse?: boolean;
  /** Changes the notice's words, after they were made right. */
  readonly spoil?: (words: Int32Array) => void;
}

/** Both files as an owner with ideas of its own might make them; right in whatever is not said. */
function craft(wish: Craft): { description: RegionDescription; close: () => void } {
  const { access = 'readWrite', noticeMore = 0, tallyMore = 0 } = wish;
  const isFull = wish.isSparse !== true && noticeMore === 0 && tallyMore === 0;
  const token = makeToken(7);
  const lengths = fileLengths(access, regionBytes, native.pageBytes);
  const tally = native.memfdCreate('crafted', MemfdFlag.CloseOnExec | MemfdFlag.AllowSealing);
  assert.equal(native.truncate(tally, lengths.tally + tallyMore), 0);
  const flags = wish.noticeFlags ?? MemfdFlag.AllowSealing;
  const notice = native.memfdCreate('crafted', MemfdFlag.CloseOnExec | flags);
  assert.ok(tally >= 0 && notice >= 0);
  assert.equal(native.truncate(notice, lengths.notice + noticeMore), 0);
  if (isFull) {
    assert.equal(native.allocate(tally, lengths.tally), 0);
    assert.equal(native.allocate(notice, lengths.notice), 0);
  }
  const words = new Int32Array(64);
  const { ino } = fstatSync(tally, { bigint: true });
  writeNotice(words, { access, byteLength: regionBytes, token }, ino);
  wish.spoil?.(words);
  writeSync(notice, new Uint8Array(words.buffer), 0, 256, 0);
  const seal = (descriptor: number, seals: number): void => {
    if (seals !== 0) assert.equal(native.fcntl(descriptor, Fcntl.AddSeals, seals), 0);
  };
  seal(notice, wish.noticeSeals ?? memorySeals);
  seal(tally, wish.tallySeals ?? tallySeals);
  const { pid } = process;
  return {
    description: { access, pid, notice, tally, byteLength: regionBytes, token },
    close: () => {
      for (const descriptor of [notice, tally]) native.close(descriptor);
    },
  };
}

function tryCraft(wish: Craft): MappedRegion | Fault {
  const { description, close } = craft(wish);
  const before = lookAtHoldings();
  const result = mapAs(description);
  if (typeof result === 'string') assert.deepEqual(lookAtHoldings(), before);
  close();
  return result;
}

test('a description is 48 bytes and says what was put in', () => {
  const region = shareRegion(makeHost(), 'write');
  const bytes = region.describe();
  assert.equal(bytes.byteLength, regionDescriptionBytes);
  const description = decodeDescription(bytes);
  assert.ok(description);
  assert.deepEqual(encodeDescription(description), bytes);
  const { access, pid, byteLength } = description;
  assert.deepEqual(
    { access, pid, byteLength },
    { access: 'write', pid: process.pid, byteLength: regionBytes },
  );
  bytes.fill(0);
  assert.notDeepEqual(description.token, new Uint8Array(16), 'a private copy');
  region.release();
});

test('every bit of a description counts', () => {
  for (const access of accesses) {
    const region = shareRegion(makeHost(), access);
    const legal = region.describe();
    const host = makeHost();
    for (let bit = 0; bit < 8 * legal.byteLength; bit++) {
      const turned = legal.slice();
      turned[bit >> 3] = (turned[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      const result = mapRegion(host, ownIdentity, turned, regionBytes, access);
      assert.ok(result === Fault.Corrupt || result === Fault.Unreachable, `bit ${bit}`);
    }
    holdRegion(host, region, access).release();
    region.release();
  }
});

test('files that are right are taken, those that lack a seal or could change are not', () => {
  for (const access of accesses) {
    const taken = tryCraft({ access });
    if (typeof taken === 'string') assert.fail(taken);
    taken.release();
    for (const seal of [Seal.Shrink, Seal.Grow, Seal.Seal, Seal.FutureWrite]) {
      assert.equal(tryCraft({ access, noticeSeals: memorySeals & ~seal }), Fault.Corrupt);
    }
    for (const seal of [Seal.Shrink, Seal.Grow, Seal.Seal]) {
      assert.equal(tryCraft({ access, tallySeals: tallySeals & ~seal }), Fault.Corrupt);
    }
    assert.equal(tryCraft({ access, noticeSeals: 0 }), Fault.Corrupt);
    assert.equal(tryCraft({ access, tallySeals: 0 }), Fault.Corrupt);
  }
});

test('a tally that holders may not write is refused by the kernel, not by a signal', () => {
  for (const seal of [Seal.Write, Seal.FutureWrite]) {
    assert.equal(tryCraft({ tallySeals: tallySeals | seal }), Fault.Corrupt);
  }
});

test('files of another length are refused', () => {
  for (const access of accesses) {
    for (const more of [-4096, -1, 1, 4096, 2 ** 32]) {
      assert.equal(tryCraft({ access, noticeMore: more }), Fault.Corrupt);
      assert.equal(tryCraft({ access, tallyMore: more }), Fault.Corrupt);
    }
  }
});

test('files whose pages the owner did not pay for are refused', () => {
  for (const access of accesses) assert.equal(tryCraft({ access, isSparse: true }), Fault.Corrupt);
});

test('a notice that says anything else than the description is refused', () => {
  const constant = [
    NoticeWord.Magic,
    NoticeWord.Version,
    NoticeWord.Access,
    ...[0, 1, 2, 3].map((index) => NoticeWord.Token + index),
    NoticeWord.ByteLength,
    NoticeWord.ByteLength + 1,
    NoticeWord.TallyInode,
    NoticeWord.TallyInode + 1,
  ];
  for (const access of accesses) {
    for (const index of constant) {
      const spoil = (words: Int32Array): void => {
        words[index] = (words[index] ?? 0) ^ 1;
      };
      assert.equal(tryCraft({ access, spoil }), Fault.Corrupt, `word ${index}`);
    }
  }
});

test('a region whose state is none is mapped, and never entered', () => {
  for (const state of [0, 2, 3, 4, -1]) {
    const held = tryCraft({
      spoil: (words) => {
        words[NoticeWord.State] = state;
      },
    });
    if (typeof held === 'string') assert.fail(held);
    assert.ok(!held.enter());
    held.release();
  }
});

test("another region's files do not pass for this one's", () => {
  const host = makeHost();
  for (const access of accesses) {
    const [one, other] = [shareRegion(host, access, 1), shareRegion(host, access, 2)];
    const [mine, its] = [describeRegion(one), describeRegion(other)];
    for (const changes of [
      { notice: its.notice },
      { tally: its.tally },
      { notice: its.notice, tally: its.tally },
      { token: its.token },
      { notice: mine.tally, tally: mine.notice },
      { notice: mine.tally },
      { tally: mine.notice },
    ]) {
      assert.equal(mapAs(mine, changes), Fault.Corrupt);
    }
    one.release();
    other.release();
  }
});

test('what is no memory at all is refused', () => {
  const region = shareRegion(makeHost(), 'readWrite');
  const description = describeRegion(region);
  const strange = [
    native.open('/dev/zero', OpenFlag.ReadWrite),
    native.open('/dev/null', OpenFlag.ReadWrite),
    native.open('/proc/self/mem', OpenFlag.ReadOnly),
    native.open('/', OpenFlag.ReadOnly),
    native.socket(),
  ];
  const before = lookAtHoldings();
  for (const descriptor of strange) {
    assert.ok(descriptor >= 0);
    assert.equal(mapAs(description, { notice: descriptor }), Fault.Corrupt);
    assert.equal(mapAs(description, { tally: descriptor }), Fault.Corrupt);
    assert.deepEqual(lookAtHoldings(), before);
  }
  for (const descriptor of strange) native.close(descriptor);
  region.release();
});

test("the pid is the kernel's word, never the owner's", () => {
  const region = shareRegion(makeHost(), 'read');
  const description = describeRegion(region);
  const host = makeHost();
  assert.equal(mapAs(description, { pid: process.ppid }, host), Fault.Unreachable);
  const parent = identityOf(process.ppid);
  assert.equal(mapAs(description, {}, host, parent), Fault.Unreachable);
  // The parent has no such files under these numbers, or others.
  const lied = mapAs(description, { pid: process.ppid }, host, parent);
  assert.ok(lied === Fault.Unreachable || lied === Fault.Corrupt);
  assert.equal(mapAs(description, { pid: 0 }, host, identityOf(0)), Fault.Unreachable);
  const unproven: PeerIdentity = { kind: 'unproven', name: '', origin: '' };
  assert.equal(mapAs(description, {}, host, unproven), Fault.Unreachable);
  const thread: PeerIdentity = { kind: 'thread', name: 'pid', origin: 'ring://test' };
  const held = mapAs(description, {}, host, thread);
  if (typeof held === 'string') assert.fail(held);
  held.release();
  region.release();
});

test('where the owner cannot be seen it is unreachable, not corrupt', () => {
  const region = shareRegion(makeHost(), 'read');
  const description = describeRegion(region);
  for (const error of [EACCES, EPERM]) {
    assert.equal(mapAs(description, {}, makeHost({ open: () => -error })), Fault.Unreachable);
  }
  const absent = { notice: 987_654 };
  assert.equal(mapAs(description, absent), Fault.Unreachable);
  region.release();
});

test('our own lack is exhausted, whichever call meets it, and leaves nothing', () => {
  for (const access of accesses) {
    const region = shareRegion(makeHost(), access);
    const description = describeRegion(region);
    const before = lookAtHoldings();
    for (let at = 1; at <= 4; at++) {
      let calls = 0;
      const open = makeHost({
        open: (path, flags) => (++calls === at ? -EMFILE : native.open(path, flags)),
      });
      assert.equal(mapAs(description, {}, open), Fault.Exhausted);
      calls = 0;
      const map = makeHost({
        map: (...values) => (++calls === at ? -ENOMEM : native.map(...values)),
      });
      assert.equal(mapAs(description, {}, map), Fault.Exhausted);
    }
    assert.equal(mapAs(description, {}, makeHost({ advise: () => -ENOMEM })), Fault.Exhausted);
    assert.deepEqual(lookAtHoldings(), before);
    region.release();
  }
});

test('pages that the kernel cannot supply are never touched', () => {
  const region = shareRegion(makeHost(), 'readWrite');
  for (const error of [EFAULT, EAGAIN]) {
    const host = makeHost({ advise: () => -error });
    assert.equal(mapAs(describeRegion(region), {}, host), Fault.Corrupt);
  }
  region.release();
});

/** The region, and a holder of it that has been released. */
function holdAndRelease(access: BufferAccess): [OwnRegion, MappedRegion] {
  const region = shareRegion(makeHost(), access);
  const held = holdRegion(makeHost(), region, access);
  assert.ok(held.enter());
  assert.ok(held.leave());
  held.release();
  return [region, held];
}

test('released: nothing is left mapped, nothing is entered, the bytes lead to zeros', () => {
  const before = lookAtHoldings();
  for (const access of accesses) {
    const [region, held] = holdAndRelease(access);
    assert.ok(!held.enter());
    assert.ok(!held.leave());
    assert.ok(isFilledWith(held.bytes, 0));
    held.bytes.fill(1);
    assert.ok(isFilledWith(region.bytes, 5));
    held.release();
    region.release();
    assert.deepEqual(lookAtHoldings(), before);
  }
});

test('a holder that comes again serves its former place', () => {
  const host = makeHost();
  const region = shareRegion(makeHost(), 'read');
  const first = holdRegion(host, region);
  first.release();
  const second = holdRegion(host, region);
  assert.equal(second.bytes.buffer, first.bytes.buffer);
  assert.ok(!first.enter(), 'the first is over all the same');
  assert.ok(second.enter());
  second.release();
  region.release();
});

test('of places of many lengths only some are kept', () => {
  const host = makeHost();
  const counted = new Set<bigint>();
  const counting = makeHost({
    view: (address, byteLength) => {
      counted.add(address);
      return native.view(address, byteLength);
    },
  });
  for (let pages = 1; pages <= 20; pages++) {
    const region = shareRegionOf(host, pages * native.pageBytes);
    holdRegion(counting, region).release();
    region.release();
  }
  const before = counted.size;
  const again = shareRegionOf(host, native.pageBytes);
  holdRegion(counting, again).release();
  assert.ok(counted.size > before, 'the first place is given up by now');
  const last = shareRegionOf(host, 20 * native.pageBytes);
  const size = counted.size;
  holdRegion(counting, last).release();
  assert.equal(counted.size, size, 'the last one is not');
  again.release();
  last.release();
});

function shareRegionOf(host: ReturnType<typeof makeHost>, byteLength: number): OwnRegion {
  const region = makeRegion(host, byteLength);
  assert.equal(region.share('read'), undefined);
  return region;
}

test('enter and leave allocate nothing, and cost little beside a copy', (context) => {
  const { gc } = globalThis;
  assert.ok(gc, 'the tests run with --expose-gc');
  const region = shareRegion(makeHost(), 'readWrite');
  const held = holdRegion(makeHost(), region, 'readWrite');
  const rounds = 200_000;
  const round = (): void => {
    for (let index = 0; index < rounds; index++) {
      if (!held.enter() || !held.leave()) assert.fail('it is open');
    }
  };
  round();
  let leastBytes = Infinity;
  let leastMs = Infinity;
  // The compiler may be late on a busy machine; what allocates does so in every attempt.
  for (let attempt = 0; attempt < 5 || (attempt < 50 && leastBytes >= rounds); attempt++) {
    gc();
    const usedBytes = process.memoryUsage().heapUsed;
    const startMs = performance.now();
    round();
    leastMs = Math.min(leastMs, performance.now() - startMs);
    leastBytes = Math.min(leastBytes, process.memoryUsage().heapUsed - usedBytes);
  }
  const nanoseconds = (leastMs * 1e6) / rounds;
  context.diagnostic(`enter and leave: ${nanoseconds.toFixed(1)} ns`);
  assert.ok(leastBytes / rounds < 1, `${leastBytes} bytes of heap`);
  held.release();
  region.release();
});
