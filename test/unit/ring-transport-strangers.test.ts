/** Who comes to a ring's door, or stands behind it: whom the policy lets in, and who says what. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { describe } from 'node:test';
import { Fault, type PeerIdentity } from '../../core/contract.js';
import { ring } from '../../transports/ring/index.js';
import {
  decodeIntroduction,
  encodeIntroduction,
  introductionBytes,
  MemoryKind,
} from '../../transports/ring/introduction.js';
import { Word } from '../../transports/ring/medium.js';
import { StandingTime } from '../compliance/standing-time.js';
import { lookAtHoldings } from './ring-memory-rig.js';
import { check, dial, expectTraffic, freshName, listen } from './ring-transport-rig.js';

const ringBytes = 16_384;
const uid = process.getuid?.() ?? 0;
const impatient = ring({ ringBytes, connectMs: 30 });
const time = new StandingTime();

function introductionOf(kind: MemoryKind): Uint8Array {
  const token = new Uint8Array(16);
  const { pid } = process;
  return encodeIntroduction({ kind, descriptor: 0, pid, ringBytes, byteLength: 20_480, token });
}

/** Introductions that no legal dialler gives. */
function strangeWords(): Uint8Array[] {
  const token = new Uint8Array(16);
  const { pid } = process;
  const legal = {
    kind: MemoryKind.Mapped,
    descriptor: 3,
    pid,
    ringBytes,
    byteLength: 20_480,
    token,
  };
  const spoil = (offset: number): Uint8Array => {
    const bytes = encodeIntroduction(legal);
    bytes[offset] = 0xee;
    return bytes;
  };
  return [
    new TextEncoder().encode('GET / HTTP/1.1\r\nHost: localhost\r\nUser-Agent: nobody\r\n\r\n'),
    randomBytes(introductionBytes),
    new Uint8Array(introductionBytes),
    spoil(0),
    spoil(4),
    spoil(8),
    encodeIntroduction({ ...legal, descriptor: 2 ** 32 - 1 }),
    encodeIntroduction({ ...legal, descriptor: 1 }), // not a ring's memory
    encodeIntroduction({ ...legal, ringBytes: 0 }),
    encodeIntroduction({ ...legal, ringBytes: 12_345 }),
    encodeIntroduction({ ...legal, ringBytes: 2 ** 31 }),
    encodeIntroduction({ ...legal, byteLength: 2 ** 32 - 1 }),
  ];
}

describe('ring transport: strangers', () => {
  check('both ends know the other’s process, user and group by the kernel’s word', async (rig) => {
    const name = freshName();
    const listener = await listen(rig, name);
    const dialler = dial(rig, name);
    const acceptor = await expectTraffic(rig, dialler, listener);
    const expected: PeerIdentity = {
      kind: 'process',
      name: `uid:${uid}`,
      origin: `ring://${name} pid ${process.pid}`,
      process: { pid: process.pid, uid, gid: process.getgid?.() ?? 0 },
    };
    assert.deepEqual(dialler.identity, expected);
    assert.deepEqual(acceptor.identity, expected);
  });

  check('who is not among the users is turned away, and gets no memory of ours', async (rig) => {
    const name = freshName();
    const listener = await listen(rig, name, ring({ users: [uid + 1] }));
    const dialler = dial(rig, name);
    await rig.until('linkDown', () => dialler.fault !== undefined);
    assert.equal(dialler.fault, Fault.Refused);
    assert.equal(listener.ends.length, 0);
  });

  check('a dialler is not linked to a listener who is not among its users', async (rig) => {
    const name = freshName();
    const listener = await listen(rig, name);
    const dialler = dial(rig, name, ring({ users: [uid + 1] }));
    await rig.until('linkDown', () => dialler.fault !== undefined);
    assert.equal(dialler.fault, Fault.AccessDenied);
    await rig.quiet();
    assert.equal(listener.ends.length, 0);
  });

  check('who is among the users is let in', async (rig) => {
    for (const users of ['same', 'any', [uid], [uid + 1, uid]] as const) {
      const name = freshName();
      const listener = await listen(rig, name, ring({ users }));
      await expectTraffic(rig, dial(rig, name, ring({ users })), listener);
    }
  });

  check(
    'a dialler that says nothing, or not enough, is cut off',
    async (rig, _context, strangers) => {
      const name = freshName();
      const listener = await listen(rig, name, impatient);
      const before = lookAtHoldings().memfdMappings;
      const silent = strangers.dial(name);
      const slow = strangers.dial(name);
      slow.write(strangeWords()[1]?.subarray(0, introductionBytes - 1) ?? '');
      let cut = 0;
      for (const wire of [silent, slow]) wire.once('close', () => (cut += 1)).resume();
      await rig.until('both are cut off', () => cut === 2);
      assert.equal(lookAtHoldings().memfdMappings, before);
      // An honest one that this machine kept from its words would be cut off, too.
      time.stop();
      await expectTraffic(rig, dial(rig, name), listener);
      assert.equal(listener.ends.length, 1);
      time.goOn();
    },
    ring({ ringBytes }),
    time.runtime,
  );

  check('a listener that says nothing is TimedOut', async (rig, _context, strangers) => {
    const end = dial(
      rig,
      strangers.listen(() => undefined),
      impatient,
    );
    await rig.until('linkDown', () => end.fault !== undefined);
    assert.equal(end.fault, Fault.TimedOut);
  });

  check(
    'strange words of a dialler end its wire and nothing else',
    async (rig, _context, strangers) => {
      const name = freshName();
      const listener = await listen(rig, name);
      await expectTraffic(rig, dial(rig, name), listener);
      const before = lookAtHoldings();
      for (const words of strangeWords()) {
        const wire = strangers.dial(name);
        let isCut = false;
        wire.once('close', () => (isCut = true)).resume();
        wire.write(words);
        await rig.until('it is cut off', () => isCut);
      }
      await expectTraffic(rig, dial(rig, name), listener, 1);
      assert.equal(listener.ends.length, 2);
      assert.equal(lookAtHoldings().memfdMappings, before.memfdMappings + 4);
    },
  );

  check('strange words of a listener are Corrupt', async (rig, _context, strangers) => {
    for (const words of strangeWords().slice(0, 6)) {
      const end = dial(
        rig,
        strangers.listen((wire) => void wire.write(words)),
      );
      await rig.until('linkDown', () => end.fault !== undefined);
      assert.equal(end.fault, Fault.Corrupt);
    }
  });

  check('who repeats a word, or invents one, is cut off', async (rig, _context, strangers) => {
    const name = freshName();
    const listener = await listen(rig, name);
    const { pid } = process;
    const token = new Uint8Array(16);
    // A descriptor that there is not: our side will ask to be passed one, and wait.
    const missing = { kind: MemoryKind.Mapped, descriptor: 2 ** 31 - 1, pid, ringBytes };
    const greeting = encodeIntroduction({ ...missing, byteLength: 4096 + ringBytes, token });
    const { Ready, Pass, Passed } = Word;
    for (const said of [[Ready, Ready], [Pass, Pass], [Ready, Pass], [Passed], [0x7a], [0]]) {
      const wire = strangers.dial(name);
      let isCut = false;
      wire.once('close', () => (isCut = true)).resume();
      wire.write(Buffer.concat([greeting, Uint8Array.from(said)]));
      await rig.until(`${String(said)} is cut off`, () => isCut);
    }
    await expectTraffic(rig, dial(rig, name), listener);
    assert.equal(listener.ends.length, 1);
  });

  check(
    'a listener that uses another kind of memory is Unsupported',
    async (rig, _context, strangers) => {
      const shared = introductionOf(MemoryKind.Shared);
      const end = dial(
        rig,
        strangers.listen((wire) => void wire.write(shared)),
      );
      await rig.until('linkDown', () => end.fault !== undefined);
      assert.equal(end.fault, Fault.Unsupported);
    },
  );

  check(
    'a dialler that uses another kind of memory is told ours',
    async (rig, _context, strangers) => {
      const name = freshName();
      const listener = await listen(rig, name);
      const wire = strangers.dial(name);
      wire.write(introductionOf(MemoryKind.Shared));
      // reason: what `data` of a socket without an encoding carries
      const [answer] = (await once(wire, 'data')) as [Buffer];
      assert.equal(decodeIntroduction(answer)?.kind, MemoryKind.Mapped);
      await once(wire, 'close');
      assert.equal(listener.ends.length, 0);
    },
  );
});
