/** The peer's memory: whatever a peer offers is mapped if it is right, refused if not; we live. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { test, type TestContext } from 'node:test';

import { MappedRanges } from '../../transports/ring/mapped-ranges.js';
import {
  EAGAIN,
  ErrorNumber,
  Fcntl,
  MemfdFlag,
  OpenFlag,
  populateRead,
  Seal,
  type Native,
} from '../../transports/ring/native.js';
import { openPassedMemory, openPeerMemory } from '../../transports/ring/peer-memory.js';
import type { MemoryAnnouncement, OwnMemory, PeerOpening } from '../../transports/ring/region.js';
import { Control, memoryBytes, ringBytesMax } from '../../transports/ring/ring-layout.js';
import {
  announce,
  craftMemory,
  lookAtHoldings,
  makeOwn,
  makeToken,
  overriding,
  requireNative,
  ringBytes,
  type Craft,
} from './ring-memory-rig.js';
import { makeTemporaryFolder } from './temporary-folder.js';

const legal: MemoryAnnouncement = {
  ringBytes,
  byteLength: memoryBytes(ringBytes),
  token: makeToken(1),
};
const hugePagesMagic = 0x958458f6;

interface Attempt {
  readonly native?: Native;
  readonly ranges?: MappedRanges;
  readonly announcement?: MemoryAnnouncement;
  readonly own?: OwnMemory;
}

/** Opens what `descriptor` leads to in both ways; the outcome of both must be one. */
function openBothWays(descriptor: number, attempt: Attempt = {}): PeerOpening {
  const native = attempt.native ?? requireNative();
  const ranges = attempt.ranges ?? new MappedRanges(native);
  const announcement = attempt.announcement ?? legal;
  const before = lookAtHoldings();
  const place = { pid: process.pid, descriptor };
  const found = openPeerMemory(native, ranges, place, announcement, attempt.own);
  const reached = found.outcome;
  if (found.outcome === 'opened') found.memory.release();
  assert.deepEqual(lookAtHoldings(), before, 'the way by /proc leaves nothing');
  const passed = native.fcntl(descriptor, Fcntl.DuplicateCloseOnExec, 0);
  const opening = openPassedMemory(native, ranges, passed, announcement, attempt.own);
  assert.equal(opening.outcome, reached, 'by /proc and by passing');
  if (opening.outcome !== 'opened') assert.deepEqual(lookAtHoldings(), before);
  return opening;
}

function assertCorrupt(opening: PeerOpening, reason: RegExp): void {
  assert.equal(opening.outcome, 'corrupt');
  assert.match(opening.reason, reason);
}

/** Offers a crafted memory and closes it. */
function offer(craft: Craft, attempt: Attempt = {}): PeerOpening {
  const native = attempt.native ?? requireNative();
  const descriptor = craftMemory(native, craft);
  const opening = openBothWays(descriptor, attempt);
  native.close(descriptor);
  return opening;
}

test('a legal memory is opened, shows what its owner writes, and goes without a trace', () => {
  const native = requireNative();
  const before = lookAtHoldings();
  const own = makeOwn(native, new MappedRanges(native));
  const opening = openBothWays(own.descriptor);
  assert.equal(opening.outcome, 'opened');
  const { memory } = opening;
  own.closeDescriptor();
  own.views.bytes.set([1, 2, 3]);
  Atomics.store(own.views.control, Control.Produced, 64);
  assert.deepEqual([...memory.views.bytes.subarray(0, 3)], [1, 2, 3]);
  assert.equal(Atomics.load(memory.views.control, Control.Produced), 64);
  own.release();
  assert.deepEqual([...memory.views.bytes.subarray(0, 3)], [1, 2, 3], 'it outlives its owner');
  memory.release();
  memory.release();
  assert.deepEqual(lookAtHoldings(), before);
});

test('a crafted memory that is right in everything is opened, its pages made present first', () => {
  const opening = offer({});
  assert.equal(opening.outcome, 'opened');
  assert.ok(opening.memory.views.bytes.every((byte) => byte === 0));
  opening.memory.release();
});

test('a memory that lacks a seal is refused, whichever it is', () => {
  const all = Seal.FutureWrite | Seal.Shrink | Seal.Grow | Seal.Seal;
  for (const seal of [Seal.FutureWrite, Seal.Shrink, Seal.Grow, Seal.Seal]) {
    assertCorrupt(offer({ seals: all & ~seal }), /not sealed/);
  }
  assertCorrupt(offer({ seals: 0 }), /not sealed/);
  assertCorrupt(offer({ seals: 0, flags: 0 }), /not sealed/);
});

test('a memory whose pages its owner did not pay for is refused', () => {
  assertCorrupt(offer({ isSparse: true }), /not all there/);
});

test('a memory of another size than announced is refused', () => {
  for (const byteLength of [4096, ringBytes, legal.byteLength - 1, 2 * legal.byteLength]) {
    assertCorrupt(offer({ byteLength }), /size/);
  }
});

test('an announcement that contradicts itself or the layout is refused unopened', () => {
  const native = requireNative();
  const unopened = overriding(native, { open: () => assert.fail('it was opened') });
  const ranges = new MappedRanges(unopened);
  const wrong: Partial<MemoryAnnouncement>[] = [
    { byteLength: legal.byteLength + 4096 },
    { byteLength: NaN },
    { token: new Uint8Array(15) },
    ...[0, -4096, 2048, 4095, 12_288, 2 * ringBytesMax, 4096.5, NaN, Infinity].map((bytes) => ({
      ringBytes: bytes,
      byteLength: memoryBytes(bytes),
    })),
  ];
  for (const part of wrong) {
    const announcement = { ...legal, ...part };
    const place = { pid: process.pid, descriptor: 0 };
    assertCorrupt(openPeerMemory(unopened, ranges, place, announcement), /announced/);
    const passed = native.open('/dev/null', OpenFlag.ReadOnly);
    assertCorrupt(openPassedMemory(unopened, ranges, passed, announcement), /announced/);
  }
});

test('a header that is not as announced is refused', () => {
  const spoils: [(control: Int32Array) => void, RegExp][] = [
    [(control) => (control[Control.Magic] = 1), /no ring/],
    [(control) => (control[Control.Version] = 99), /version/],
    [(control) => (control[Control.RingBytes] = 2 * ringBytes), /ring size/],
    [(control) => (control[Control.Token + 3] = 0), /token/],
  ];
  for (const [spoil, reason] of spoils) assertCorrupt(offer({ spoil }), reason);
  assertCorrupt(offer({ token: makeToken(2) }), /token/);
});

test("a third party's memory has another token", () => {
  const native = requireNative();
  const third = makeOwn(native, new MappedRanges(native), makeToken(3));
  assertCorrupt(openBothWays(third.descriptor), /token/);
  third.release();
});

test('our own memory of the same link is refused, under its token and any other', () => {
  const native = requireNative();
  const ranges = new MappedRanges(native);
  const own = makeOwn(native, ranges);
  assertCorrupt(openBothWays(own.descriptor, { ranges, own }), /our own/);
  const announcement = { ...legal, token: makeToken(2) };
  assertCorrupt(openBothWays(own.descriptor, { ranges, own, announcement }), /another token/);
  own.release();
});

test('a domain that dials itself opens the other end in its own ranges', () => {
  const native = requireNative();
  const ranges = new MappedRanges(native);
  const [one, other] = [makeOwn(native, ranges), makeOwn(native, ranges, makeToken(2))];
  const announcement = announce(other);
  const opening = openBothWays(other.descriptor, { ranges, own: one, announcement });
  assert.equal(opening.outcome, 'opened');
  other.views.words[3] = 33;
  assert.equal(opening.memory.views.words[3], 33);
  opening.memory.release();
  other.release();
  one.release();
});

test('huge pages are refused: nobody reserved them', (context) => {
  const native = requireNative();
  const probe = native.memfdCreate('huge', MemfdFlag.HugePages | MemfdFlag.AllowSealing);
  const flags = MemfdFlag.HugePages | MemfdFlag.AllowSealing;
  if (probe >= 0) {
    native.close(probe);
    assertCorrupt(offer({ flags, byteLength: 2 ** 21 }), /no ordinary/);
  } else {
    context.diagnostic(`the kernel makes no huge-page memfd (${-probe}): told by a fake alone`);
  }
  const faked = overriding(native, { fileSystemType: () => hugePagesMagic });
  assertCorrupt(offer({}, { native: faked }), /no ordinary/);
});

/** Descriptors of what is no memory at all. */
function openStrangeFiles(
  native: Native,
  folder: string,
  context: TestContext,
): Map<string, number> {
  const bytes = new Uint8Array(legal.byteLength);
  const disk = path.join(folder, 'disk');
  writeFileSync(disk, bytes);
  const shared = `/dev/shm/idc-test-${process.pid}`;
  writeFileSync(shared, bytes);
  context.after(() => rmSync(shared));
  const fifo = path.join(folder, 'fifo');
  execFileSync('mkfifo', [fifo]);
  mkdirSync(path.join(folder, 'inner'));
  const sharedFolder = `${shared}-folder`;
  mkdirSync(sharedFolder);
  context.after(() => rmSync(sharedFolder, { recursive: true }));
  const sharedFifo = path.join(sharedFolder, 'fifo');
  execFileSync('mkfifo', [sharedFifo]);
  const readWrite = OpenFlag.ReadWrite | OpenFlag.NonBlocking;
  return new Map([
    ['a regular file on disk', native.open(disk, OpenFlag.ReadWrite)],
    ['a file in /dev/shm', native.open(shared, OpenFlag.ReadWrite)],
    ['a FIFO', native.open(fifo, readWrite)],
    ['a folder', native.open(path.join(folder, 'inner'), OpenFlag.ReadOnly)],
    ['a FIFO on tmpfs', native.open(sharedFifo, readWrite)],
    ['a folder on tmpfs', native.open(sharedFolder, OpenFlag.ReadOnly)],
    ['/dev/zero', native.open('/dev/zero', OpenFlag.ReadWrite)],
    ['/dev/null', native.open('/dev/null', OpenFlag.ReadOnly)],
    ['/proc/self/mem', native.open('/proc/self/mem', OpenFlag.ReadOnly)],
    ['a socket', native.socket()],
  ]);
}

test('what is no memory is refused, and not opened but as a place', async (context) => {
  const native = requireNative();
  const folder = await makeTemporaryFolder(context);
  const files = openStrangeFiles(native, folder, context);
  const placesOnly = overriding(native, {
    open: (file, flags) => {
      assert.equal(flags, OpenFlag.PathOnly, file);
      return native.open(file, flags);
    },
  });
  for (const [what, descriptor] of files) {
    assert.ok(descriptor >= 0, what);
    // tmpfs alone is a kind of file system that a memory may be on: it is opened to ask for seals.
    const attempt = what.includes('/dev/shm') ? {} : { native: placesOnly };
    assertCorrupt(openBothWays(descriptor, attempt), /no ordinary|sealed|no regular/);
    if (!what.endsWith('on tmpfs')) continue;
    const place = { pid: process.pid, descriptor };
    const found = openPeerMemory(placesOnly, new MappedRanges(placesOnly), place, legal);
    assertCorrupt(found, /no regular/);
  }
  for (const descriptor of files.values()) native.close(descriptor);
});

test('a FIFO that nobody writes does not hold us', async (context) => {
  const native = requireNative();
  const folder = await makeTemporaryFolder(context);
  execFileSync('mkfifo', [path.join(folder, 'fifo')]);
  const flags = OpenFlag.ReadOnly | OpenFlag.NonBlocking;
  const descriptor = native.open(path.join(folder, 'fifo'), flags);
  assertCorrupt(openBothWays(descriptor), /no ordinary|sealed/);
  native.close(descriptor);
});

test('a descriptor that cannot be read is refused, and costs no range', () => {
  const native = requireNative();
  const ranges = new MappedRanges(native);
  const own = makeOwn(native, new MappedRanges(native));
  const path = `/proc/self/fd/${own.descriptor}`;
  const first = native.open(path, OpenFlag.WriteOnly);
  assertCorrupt(openPassedMemory(native, ranges, first, announce(own)), /cannot be read/);
  own.release();
});

test('what is not there, or cannot be seen, is unreachable', () => {
  const native = requireNative();
  const ranges = new MappedRanges(native);
  const own = makeOwn(native, ranges);
  const { descriptor } = own;
  const cases: [string, number, number][] = [
    ['a pid that this namespace does not see', 0, descriptor],
    ['no such process', 2 ** 22 + 1, descriptor],
    ['no such descriptor', process.pid, 987_654],
  ];
  for (const [what, pid, number] of cases) {
    const opening = openPeerMemory(native, ranges, { pid, descriptor: number }, legal);
    assert.equal(opening.outcome, 'unreachable', what);
  }
  for (const error of [ErrorNumber.EACCES, ErrorNumber.EPERM]) {
    const denied = overriding(native, { open: () => -error });
    const opening = openPeerMemory(denied, ranges, { pid: process.pid, descriptor }, legal);
    assert.equal(opening.outcome, 'unreachable');
  }
  own.release();
});

test('a number that is no descriptor is corrupt', () => {
  const native = requireNative();
  const ranges = new MappedRanges(native);
  for (const descriptor of [-1, 1.5, NaN, 2 ** 31, Infinity]) {
    const place = { pid: process.pid, descriptor };
    assertCorrupt(openPeerMemory(native, ranges, place, legal), /descriptor/);
  }
});

test("our own lack of descriptors or memory is exhausted, not the peer's fault", () => {
  const native = requireNative();
  const own = makeOwn(native, new MappedRanges(native));
  const { EMFILE, ENOMEM } = ErrorNumber;
  const place = { pid: process.pid, descriptor: own.descriptor };
  let maps = 0;
  const cases: Partial<Native>[] = [
    { open: () => -EMFILE },
    { map: () => -ENOMEM },
    { map: (...values) => (++maps === 3 ? -ENOMEM : native.map(...values)) },
    { advise: () => -ENOMEM },
  ];
  for (const overrides of cases) {
    const failing = overriding(native, overrides);
    const before = lookAtHoldings();
    const opening = openPeerMemory(failing, new MappedRanges(failing), place, announce(own));
    assert.equal(opening.outcome, 'exhausted');
    assert.deepEqual(lookAtHoldings(), before);
  }
  own.release();
});

test('pages that the kernel cannot supply are never touched; an old kernel is not asked', () => {
  const native = requireNative();
  const own = makeOwn(native, new MappedRanges(native));
  const place = { pid: process.pid, descriptor: own.descriptor };
  const open = (error: number): PeerOpening => {
    const failing = overriding(native, {
      advise: (_address, _byteLength, advice) => {
        assert.equal(advice, populateRead);
        return -error;
      },
    });
    return openPeerMemory(failing, new MappedRanges(failing), place, announce(own));
  };
  assertCorrupt(open(ErrorNumber.EFAULT), /pages/);
  assertCorrupt(open(EAGAIN), /pages/);
  const opening = open(ErrorNumber.EINVAL);
  assert.equal(opening.outcome, 'opened');
  opening.memory.release();
  own.release();
});
