/** The listener's share of L1, L2, L8 and L13: listening, accepting, and ceasing to. */
import assert from 'node:assert/strict';
import { Fault } from '../../core/contract.js';
import { copyBytes } from './end.js';
import type { Check, Rig } from './rig.js';

export function checkListening(check: Check): void {
  checkListen(check);
  checkAccept(check);
  checkListenerClose(check);
}

function checkListen(check: Check): void {
  check('L1 listen: tells listening once, with an address of its scheme', async (rig) => {
    const listener = await rig.listen();
    await rig.quiet();
    assert.equal(listener.address?.scheme, rig.harness.listener.scheme);
    assert.equal(listener.fault, undefined);
  });

  check('L1 listen: an occupied address gives failed(AddressInUse), then closed', async (rig) => {
    const first = await rig.listen();
    assert.ok(first.address !== undefined);
    const second = rig.domain(rig.harness.listener).listen(first.address);
    await rig.until('failed', () => second.fault !== undefined);
    assert.equal(second.fault, Fault.AddressInUse);
    await rig.quiet();
    second.close();
    await rig.until('closed', () => second.closedCount === 1);
    await rig.dial(rig.domain(rig.harness.dialler), first);
  });

  check('L1 listen: one domain cannot listen twice at one address, either', async (rig) => {
    const domain = rig.domain(rig.harness.listener);
    const first = await rig.listen(domain);
    assert.ok(first.address !== undefined);
    const second = domain.listen(first.address);
    await rig.until('failed', () => second.fault === Fault.AddressInUse);
  });
}

function checkAccept(check: Check): void {
  check('L3 accept: 40 links at once carry their own frames', async (rig) => {
    const listener = await rig.listen();
    const dialling = rig.domain(rig.harness.dialler);
    const address = await rig.dialAddress(listener);
    const diallers = Array.from({ length: 40 }, () => dialling.open(address));
    await rig.until('all are up', () => diallers.every((end) => end.isUp));
    await rig.until('all are accepted', () => listener.ends.filter((e) => e.isUp).length === 40);
    for (const end of listener.ends) {
      end.onFrame = (bytes, offset, byteLength) => {
        end.send(copyBytes(bytes, offset, byteLength));
      };
    }
    for (let round = 1; round <= 5; round++) {
      for (const [index, end] of diallers.entries())
        assert.ok(end.send(Uint8Array.of(index, round)));
      await rig.until('all echoes', () => diallers.every((end) => end.frameCount === round));
    }
    for (const [index, end] of diallers.entries()) {
      assert.deepEqual(end.frames[4], Uint8Array.of(index, 5));
    }
  });

  check('L3 loopback: a transport reaches its own listener', async (rig) => {
    const domain = rig.domain(rig.harness.listener);
    const { dialler, acceptor } = await rig.dial(domain, await rig.listen(domain));
    assert.ok(dialler.send(Uint8Array.of(1)) && acceptor.send(Uint8Array.of(2)));
    await rig.until('both have a frame', () => {
      return dialler.frameCount === 1 && acceptor.frameCount === 1;
    });
  });

  check('L8 accept: closing the link inside it turns the dialler away', async (rig) => {
    const listener = await rig.listen();
    listener.onAccept = (end) => {
      end.close();
    };
    const dialler = rig.domain(rig.harness.dialler).open(await rig.dialAddress(listener));
    await rig.until('linkDown', () => dialler.fault !== undefined);
    await rig.until('closed', () => listener.ends[0]?.isClosed === true);
    assert.equal(listener.ends[0]?.identity, undefined);
  });

  check('L8 accept: a dialler that closed meanwhile leaves nothing behind', async (rig) => {
    const listening = rig.domain(rig.harness.listener);
    const listener = await rig.listen(listening);
    listening.pause();
    const dialler = rig.domain(rig.harness.dialler).open(await rig.dialAddress(listener));
    dialler.close();
    await rig.until('closed', () => dialler.isClosed);
    listening.resume();
    await rig.quiet();
    await rig.until('no end is up', () => listener.ends.every((end) => !end.isUp));
  });
}

function checkListenerClose(check: Check): void {
  check('L8 listener.close: is idempotent, and one closed follows', async (rig) => {
    const listener = await rig.listen();
    for (let count = 0; count < 3; count++) listener.close();
    assert.equal(listener.closedCount, 0);
    await rig.until('closed', () => listener.closedCount === 1);
    await rig.quiet();
  });

  check('L8 listener.close: at once after listen', async (rig) => {
    const listener = rig.domain(rig.harness.listener).listen(rig.harness.listenAddress());
    listener.close();
    await rig.until('closed', () => listener.closedCount === 1);
    await rig.quiet();
  });

  check('L8 listener.close: accepted links live on, and nobody else gets in', async (rig) => {
    const { dialler, acceptor, listener, dialling } = await rig.pair();
    await closeListener(rig, listener);
    const late = dialling.open(await rig.dialAddress(listener));
    await rig.until('linkDown', () => late.fault !== undefined);
    assert.ok(dialler.send(Uint8Array.of(1)) && acceptor.send(Uint8Array.of(2)));
    await rig.until('both have a frame', () => {
      return dialler.frameCount === 1 && acceptor.frameCount === 1;
    });
  });

  check('L8 listener.close: diallers that wait there are told', async (rig) => {
    const listening = rig.domain(rig.harness.listener);
    const listener = await rig.listen(listening);
    listening.pause();
    const dialler = rig.domain(rig.harness.dialler).open(await rig.dialAddress(listener));
    listener.close();
    listening.resume();
    await rig.until('linkDown', () => dialler.fault !== undefined || listener.ends.length === 1);
    for (const end of listener.ends) end.close();
    await rig.until('linkDown', () => dialler.fault !== undefined);
  });

  check('L13 listener.close: the address is free again', async (rig) => {
    const first = await rig.listen();
    await closeListener(rig, first);
    assert.ok(first.address !== undefined);
    const second = rig.domain(rig.harness.listener).listen(first.address);
    await rig.until('listening', () => second.address !== undefined);
    await rig.dial(rig.domain(rig.harness.dialler), second);
  });
}

async function closeListener(rig: Rig, listener: { closedCount: number; close(): void }) {
  listener.close();
  await rig.until('the listener is closed', () => listener.closedCount === 1);
}
