/** N9, N10 and N14: how lanes end, that memory is free then, and that nothing remains. */
import assert from 'node:assert/strict';
import { Fault, type Address, type LaneSink } from '../../core/contract.js';
import { untilCollected } from './collector.js';
import type { LaneCheck, LaneRig } from './lane-rig.js';

const poison = 0xdd;
const megabyte = 2 ** 20;

export function checkLaneClosing(check: LaneCheck): void {
  checkClose(check);
  checkLateClose(check);
  checkMemory(check);
  checkRemains(check);
}

function checkClose(check: LaneCheck): void {
  check('N9 close: is idempotent; one linkDown and one closed follow, later', async (lanes) => {
    const { dialler, acceptor } = await lanes.pair();
    for (let count = 0; count < 3; count += 1) dialler.close();
    assert.ok(dialler.isUp);
    await lanes.rig.until('closed', () => dialler.isClosed);
    assert.equal(dialler.fault, Fault.Closed);
    await lanes.rig.until('linkDown', () => acceptor.fault === Fault.Closed);
    dialler.close();
    await lanes.rig.quiet();
    assert.equal(acceptor.isClosed, false);
  });

  check('N9 close: at once after openLane, with and without a listener', async (lanes) => {
    const listener = await lanes.listen();
    const dialling = lanes.diallingDomain();
    const ends = [
      lanes.open(dialling, await lanes.dialAddress(listener)),
      lanes.open(dialling, await lanes.rig.harness.absentAddress()),
    ];
    for (const end of ends) end.close();
    await lanes.rig.until('closed', () => ends.every((end) => end.isClosed));
    await lanes.rig.quiet();
    await lanes.rig.until('none is up', () => listener.lanes.every((end) => !end.isUp));
  });

  check('N9 close: inside acceptLane turns the dialler away', async (lanes) => {
    const listener = await lanes.listen();
    listener.onLane = (end) => {
      end.close();
    };
    const dialler = lanes.open(lanes.diallingDomain(), await lanes.dialAddress(listener));
    await lanes.rig.until('linkDown', () => dialler.fault !== undefined);
    assert.equal(dialler.identity, undefined);
    await lanes.rig.until('closed', () => listener.lanes[0]?.isClosed === true);
    assert.equal(listener.lanes[0]?.identity, undefined);
  });
}

function checkLateClose(check: LaneCheck): void {
  check('N9 close: after linkDown only closed follows', async (lanes) => {
    const { dialler, acceptor } = await lanes.pair();
    acceptor.close();
    await lanes.rig.until('linkDown', () => dialler.fault !== undefined);
    dialler.close();
    await lanes.rig.until('closed', () => dialler.isClosed && acceptor.isClosed);
  });

  check('N9 close: in linkDown, and at both ends at once', async (lanes) => {
    const { dialler, acceptor } = await lanes.pair();
    acceptor.onDown = () => {
      acceptor.close();
    };
    for (const end of [dialler, acceptor]) {
      assert.equal(end.send(Uint8Array.of(1), new Uint8Array(megabyte)), 0);
    }
    dialler.close();
    await lanes.rig.until('closed', () => dialler.isClosed && acceptor.isClosed);
  });

  check('N9 close: a peer that does not poll does not hold it up', async (lanes) => {
    const { dialler, acceptor, listening } = await lanes.pair();
    listening.pause();
    for (let count = 0; count < 30; count += 1) {
      assert.equal(dialler.send(Uint8Array.of(1), new Uint8Array(megabyte)), 0);
    }
    await lanes.rig.quiet();
    dialler.close();
    await lanes.rig.until('closed', () => dialler.isClosed);
    listening.resume();
    await lanes.rig.until('the peer knows', () => acceptor.fault !== undefined);
  });

  check('N9 listener.close: accepted lanes live on', async (lanes) => {
    const { dialler, acceptor, listener } = await lanes.pair();
    listener.close();
    await lanes.rig.until('closed', () => listener.closedCount === 1);
    assert.equal(dialler.send(Uint8Array.of(1), new Uint8Array(megabyte)), 0);
    await lanes.rig.until('landed', () => acceptor.landedCount === 1);
  });
}

function checkMemory(check: LaneCheck): void {
  check('N10 linkDown: what is stored in a source from then on reaches nobody', async (lanes) => {
    const { dialler, acceptor, listening } = await lanes.pair();
    const targets: Uint8Array[] = [];
    acceptor.onTarget = (_, byteLength) => {
      const target = new Uint8Array(byteLength);
      targets.push(target);
      return target;
    };
    const sources = Array.from({ length: 30 }, () => new Uint8Array(megabyte).fill(1));
    listening.pause();
    for (const source of sources) assert.equal(dialler.send(Uint8Array.of(1), source), 0);
    await lanes.rig.quiet();
    assert.ok(dialler.unsentCount > 0, 'some are under way');
    dialler.onDown = () => {
      for (const source of sources) source.fill(poison);
    };
    dialler.close();
    await lanes.rig.until('linkDown', () => dialler.fault !== undefined);
    listening.resume();
    await lanes.rig.until('the peer knows', () => acceptor.fault !== undefined);
    assert.ok(targets.length > 0 && targets.some((target) => target.includes(1)));
    assert.ok(targets.every((target) => !target.includes(poison)));
  });

  for (const whose of ['of our own', 'of the medium']) {
    check(`N10 linkDown ${whose}: no byte of a target changes any more`, async (lanes) => {
      const { dialler, acceptor } = await lanes.pair();
      const target = new Uint8Array(8 * megabyte);
      acceptor.onTarget = () => target;
      const source = new Uint8Array(8 * megabyte).fill(1);
      assert.equal(dialler.send(Uint8Array.of(1), source), 0);
      await lanes.rig.until('it arrives', () => target[0] === 1);
      assert.equal(acceptor.landedCount, 0, 'not all of it');
      acceptor.onDown = () => {
        target.fill(poison);
      };
      if (whose === 'of our own') acceptor.close();
      else lanes.rig.harness.sever();
      await lanes.rig.until('linkDown', () => acceptor.fault !== undefined);
      await lanes.rig.quiet();
      assert.ok(target.every((byte) => byte === poison));
    });
  }
}

function checkRemains(check: LaneCheck): void {
  check('N14 sever: both ends of every lane learn it', async (lanes) => {
    const { dialler, acceptor, dialling, listener } = await lanes.pair();
    const other = await lanes.dial(dialling, listener);
    lanes.rig.harness.sever();
    const ends = [dialler, acceptor, other.dialler, other.acceptor];
    await lanes.rig.until('all are down', () => ends.every((end) => end.fault !== undefined));
  });

  check('N14 closed: 100 lanes one after another leave nothing', async (lanes) => {
    const { dialling, listener } = await lanes.pair();
    for (let count = 0; count < 100; count += 1) {
      const { dialler, acceptor } = await lanes.dialClaimed(dialling, listener);
      assert.equal(dialler.send(Uint8Array.of(1), new Uint8Array(100_000)), 0);
      (count % 2 === 0 ? dialler : acceptor).close();
      await lanes.rig.until('both are down', () => !dialler.isUp && !acceptor.isUp);
      dialler.close();
      acceptor.close();
      await lanes.rig.until('closed', () => dialler.isClosed && acceptor.isClosed);
    }
    await lanes.rig.quiet();
  });

  check('N14 closed: the transport lets go of the lane, its sink and all memory', async (lanes) => {
    const listener = await lanes.listen();
    listener.onLane = (end) => {
      // The sink must not outlive the test in a record of ours.
      listener.lanes.length = 0;
      end.onDown = () => {
        end.close();
      };
    };
    const released = [
      ...(await openAndClose(lanes, await lanes.dialAddress(listener))),
      ...(await openAndClose(lanes, await lanes.rig.harness.absentAddress())),
    ];
    await untilCollected(lanes.rig, released);
  });
}

/** A lane without a LaneEnd, which the rig would hold: only the transport knows the sink. */
async function openAndClose(lanes: LaneRig, address: Address): Promise<readonly WeakRef<object>[]> {
  const { transport } = lanes.diallingDomain();
  return new Promise((resolve) => {
    const source = new Uint8Array(20 * megabyte);
    const sink: LaneSink = {
      linkUp: () => {
        lane?.send(Uint8Array.of(1), source);
        lane?.send(Uint8Array.of(2), source);
      },
      linkDown: () => lane?.close(),
      target: () => undefined,
      proceed: () => false,
      landed: () => undefined,
      sent: () => lane?.close(),
      writable: () => undefined,
      closed: () => {
        resolve([sink, source, ...(lane === undefined ? [] : [lane])].map((it) => new WeakRef(it)));
      },
    };
    const lane = transport.openLane?.(address, sink);
  });
}
