/** L8, L12 and L13: how links end, and that nothing of them remains. */
import assert from 'node:assert/strict';
import { ClaimRefusal, Fault, type Address, type LinkSink } from '../../core/contract.js';
import { untilCollected } from './collector.js';
import type { Check, Rig } from './rig.js';
import { Receiver, Sender } from './traffic.js';

export function checkClosing(check: Check): void {
  checkClose(check);
  checkLastFrames(check);
  checkStoppedPeer(check);
  checkRemains(check);
}

function checkClose(check: Check): void {
  check('L8 close: is idempotent; one linkDown and one closed follow, later', async (rig) => {
    const { dialler, acceptor } = await rig.pair();
    for (let count = 0; count < 3; count++) dialler.close();
    assert.ok(dialler.isUp);
    assert.equal(dialler.claim(8), ClaimRefusal.Down);
    await rig.until('closed', () => dialler.isClosed);
    assert.equal(dialler.fault, Fault.Closed);
    await rig.until('linkDown', () => acceptor.fault === Fault.Closed);
    dialler.close();
    await rig.quiet();
    assert.equal(acceptor.isClosed, false);
  });

  check('L8 close: at once after open, with and without a listener', async (rig) => {
    const listener = await rig.listen();
    const dialling = rig.domain(rig.harness.dialler);
    const ends = [
      dialling.open(await rig.dialAddress(listener)),
      dialling.open(await rig.harness.absentAddress()),
    ];
    for (const end of ends) end.close();
    await rig.until('closed', () => ends.every((end) => end.isClosed));
    await rig.quiet();
    assert.ok(listener.ends.every((end) => !end.isUp));
  });

  check('L8 close: after linkDown only closed follows', async (rig) => {
    const { dialler, acceptor } = await rig.pair();
    acceptor.close();
    await rig.until('linkDown', () => dialler.fault === Fault.Closed);
    dialler.close();
    await rig.until('closed', () => dialler.isClosed && acceptor.isClosed);
  });

  check('L8 close: at both ends at once', async (rig) => {
    const { dialler, acceptor } = await rig.pair();
    for (const end of [dialler, acceptor]) {
      assert.ok(end.send(Uint8Array.of(1)));
      end.close();
    }
    await rig.until('closed', () => dialler.isClosed && acceptor.isClosed);
    assert.equal(dialler.frameCount + acceptor.frameCount, 0);
  });

  check('L8 close: the peer that goes on sending is told, and we hear nothing', async (rig) => {
    const { dialler, acceptor, listening } = await rig.pair();
    const { frameBytesMax } = listening.transport.capabilities;
    const sender = new Sender(acceptor, rig.seed, frameBytesMax, 10_000);
    sender.send();
    await rig.until('some arrived', () => dialler.frameCount > 0);
    const { frameCount } = dialler;
    dialler.close();
    await rig.until('linkDown', () => acceptor.fault !== undefined && dialler.isClosed);
    assert.equal(dialler.frameCount, frameCount);
  });
}

function checkLastFrames(check: Check): void {
  for (const countMax of [1, 100]) {
    check(`L8 close: up to ${countMax} committed before it still arrive`, async (rig) => {
      const { dialler, acceptor } = await rig.pair();
      const sentCount = dialler.sendUpTo(countMax, (index) => Uint8Array.of(index));
      dialler.close();
      await rig.until('linkDown', () => acceptor.fault === Fault.Closed);
      assert.equal(acceptor.frameCount, sentCount);
      assert.deepEqual(acceptor.frames.at(-1), Uint8Array.of(sentCount - 1));
    });
  }

  check('L8 close: a full medium still arrives, then linkDown at both ends', async (rig) => {
    const { dialler, acceptor, dialling } = await rig.pair();
    const { frameBytesMax } = dialling.transport.capabilities;
    const sender = new Sender(dialler, rig.seed, frameBytesMax, Infinity);
    const receiver = new Receiver(acceptor, rig.seed, frameBytesMax, rig.monitor);
    sender.send();
    dialler.close();
    await rig.until('both ends know', () => dialler.isClosed && acceptor.fault === Fault.Closed);
    assert.equal(receiver.receivedCount, sender.sentCount);
    assert.equal(dialler.writableCount, 0);
  });

  check('L8 close: the acceptor’s last words arrive, too', async (rig) => {
    const { dialler, acceptor } = await rig.pair();
    acceptor.onFrame = () => {
      assert.ok(acceptor.send(Uint8Array.of(9)));
      acceptor.close();
    };
    assert.ok(dialler.send(Uint8Array.of(1)));
    await rig.until('linkDown', () => dialler.fault === Fault.Closed);
    assert.deepEqual(dialler.frames, [Uint8Array.of(9)]);
  });
}

function checkStoppedPeer(check: Check): void {
  check('L8 close: a peer that never polls does not hold it up', async (rig) => {
    const { dialler, acceptor, dialling, listening } = await rig.pair();
    const { frameBytesMax } = dialling.transport.capabilities;
    listening.pause();
    new Sender(dialler, rig.seed, frameBytesMax, Infinity).send();
    await rig.quiet();
    dialler.close();
    await rig.until('closed', () => dialler.isClosed);
    listening.resume();
    await rig.until('the peer knows', () => acceptor.fault !== undefined);
  });

  check('L12 close: of either end, the other learns it', async (rig) => {
    const { dialler, acceptor, dialling, listener } = await rig.pair();
    const other = await rig.dial(dialling, listener);
    dialler.close();
    other.acceptor.close();
    await rig.until('both learned it', () => {
      return acceptor.fault === Fault.Closed && other.dialler.fault === Fault.Closed;
    });
  });

  check('L12 sever: both ends of every link learn it', async (rig) => {
    const { dialler, acceptor, dialling, listener } = await rig.pair();
    const other = await rig.dial(dialling, listener);
    rig.harness.sever();
    const ends = [dialler, acceptor, other.dialler, other.acceptor];
    await rig.until('all are down', () => ends.every((end) => end.fault !== undefined));
  });
}

function checkRemains(check: Check): void {
  check('L13 closed: 100 links one after another leave nothing', async (rig) => {
    const { dialling, listener } = await rig.pair();
    for (let count = 0; count < 100; count++) {
      const { dialler, acceptor } = await rig.dial(dialling, listener);
      assert.ok(dialler.send(Uint8Array.of(count)));
      (count % 2 === 0 ? dialler : acceptor).close();
      await rig.until('both are down', () => !dialler.isUp && !acceptor.isUp);
      dialler.close();
      acceptor.close();
      await rig.until('closed', () => dialler.isClosed && acceptor.isClosed);
    }
    await rig.quiet();
  });

  check('L13 closed: the transport lets go of the link and of its sink', async (rig) => {
    const paused = rig.domain(rig.harness.listener);
    const silent = await rig.listen(paused);
    paused.pause();
    const released = [
      ...(await openAndClose(rig, await rig.dialAddress(await rig.listen()), 'onNews')),
      ...(await openAndClose(rig, await rig.harness.absentAddress(), 'onNews')),
      ...(await openAndClose(rig, await rig.dialAddress(silent), 'atOnce')),
    ];
    await untilCollected(rig, released);
  });
}

/** A link without an End, which the rig would hold: only the transport knows the sink. */
async function openAndClose(rig: Rig, address: Address, when: 'atOnce' | 'onNews') {
  const { transport } = rig.domain(rig.harness.dialler);
  return new Promise<readonly WeakRef<object>[]>((resolve) => {
    const close = (): void => {
      link.close();
    };
    const sink: LinkSink = {
      linkUp: close,
      linkDown: close,
      frame: () => undefined,
      writable: () => undefined,
      closed: () => {
        resolve([new WeakRef(sink), new WeakRef(link)]);
      },
    };
    const link = transport.open(address, sink, 'message');
    if (when === 'atOnce') close();
  });
}
