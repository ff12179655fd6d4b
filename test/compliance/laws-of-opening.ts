/** L1, L2 and L5: how links begin, and when a sink may be called. */
import assert from 'node:assert/strict';
import { ClaimRefusal, Fault } from '../../core/contract.js';
import { withService } from './test-domain.js';
import type { Check } from './rig.js';

const identityKinds = ['unproven', 'thread', 'process', 'key', 'certificate'];
const absenceFaults: readonly (Fault | undefined)[] = [
  Fault.Refused,
  Fault.Unreachable,
  Fault.NotFound,
  Fault.TimedOut,
];

export function checkOpening(check: Check): void {
  checkOpen(check);
  checkLinkUp(check);
  checkReentrancy(check);
}

function checkOpen(check: Check): void {
  check('L1 capabilities: frozen facts within their ranges', async (rig) => {
    for (const factory of [rig.harness.listener, rig.harness.dialler]) {
      const { scheme, capabilities } = rig.domain(factory).transport;
      assert.equal(scheme, factory.scheme);
      assert.ok(Object.isFrozen(capabilities));
      assert.ok(capabilities.frameBytesMax >= 1024);
      assert.ok(['full', 'flush'].includes(capabilities.poll));
      assert.ok(['lane', 'region', 'inline'].includes(capabilities.bulk));
    }
    await rig.quiet();
  });

  check('L1 open: dialling nobody gives one linkDown, later', async (rig) => {
    const end = rig.domain(rig.harness.dialler).open(await rig.harness.absentAddress());
    assert.equal(end.fault, undefined);
    await rig.until('linkDown', () => end.fault !== undefined);
    assert.equal(end.identity, undefined);
    assert.ok(absenceFaults.includes(end.fault), end.fault);
    await rig.quiet();
  });

  check('L1 open: the service in the address is not the transport’s business', async (rig) => {
    const listener = await rig.listen();
    const address = withService(await rig.dialAddress(listener), 'any/thing');
    const end = rig.domain(rig.harness.dialler).open(address);
    await rig.until('linkUp', () => end.isUp);
  });

  check('L1 open: before linkUp claim answers Down', async (rig) => {
    const listener = await rig.listen();
    const end = rig.domain(rig.harness.dialler).open(await rig.dialAddress(listener));
    assert.equal(end.claim(16), ClaimRefusal.Down);
    await rig.until('linkUp', () => end.isUp);
    assert.ok(end.send(new Uint8Array(16)));
  });
}

function checkLinkUp(check: Check): void {
  check('L2 linkUp: comes once at both ends and names the peer by what is proven', async (rig) => {
    const { dialler, acceptor } = await rig.pair();
    await rig.quiet();
    for (const { identity } of [dialler, acceptor]) {
      assert.ok(identity !== undefined && identityKinds.includes(identity.kind));
      assert.equal(identity.kind === 'unproven', identity.name === '');
      assert.equal(typeof identity.origin, 'string');
    }
  });

  check('L2 linkDown: a severed link tells both ends once and does not come back', async (rig) => {
    const { dialler, acceptor } = await rig.pair();
    rig.harness.sever();
    await rig.until('both are down', () => !dialler.isUp && !acceptor.isUp);
    await rig.quiet();
    for (const end of [dialler, acceptor]) {
      assert.notEqual(end.fault, Fault.Corrupt);
      assert.equal(end.claim(16), ClaimRefusal.Down);
    }
  });

  check('L2 linkDown: after it a new link to the same listener comes up', async (rig) => {
    const { dialler, listener, dialling } = await rig.pair();
    rig.harness.sever();
    await rig.until('linkDown', () => !dialler.isUp);
    const second = await rig.dial(dialling, listener);
    assert.ok(second.dialler.send(Uint8Array.of(1, 2, 3)));
    await rig.until('a frame', () => second.acceptor.frameCount === 1);
  });
}

function checkReentrancy(check: Check): void {
  check('L5 linkUp: the sink may claim and commit inside it', async (rig) => {
    const listener = await rig.listen();
    listener.onAccept = (end) => {
      end.onUp = () => {
        assert.ok(end.send(Uint8Array.of(1)));
      };
    };
    const dialler = rig.domain(rig.harness.dialler).open(await rig.dialAddress(listener));
    dialler.onUp = () => {
      assert.ok(dialler.send(Uint8Array.of(2)));
    };
    await rig.until('both have a frame', () => {
      return dialler.frameCount === 1 && listener.ends[0]?.frameCount === 1;
    });
  });

  check('L5 frame: the sink may reply inside it, 1000 times to and fro', async (rig) => {
    const { dialler, acceptor } = await rig.pair();
    for (const end of [dialler, acceptor]) {
      end.onFrame = (bytes, offset) => {
        const hopCount = (bytes[offset] ?? 0) + 256 * (bytes[offset + 1] ?? 0) + 1;
        if (hopCount < 1000) end.send(Uint8Array.of(hopCount & 0xff, hopCount >> 8));
      };
    }
    assert.ok(dialler.send(Uint8Array.of(0, 0)));
    await rig.until('1000 frames', () => dialler.frameCount + acceptor.frameCount === 1000);
  });

  check('L5 close: inside frame, nothing more is told but linkDown and closed', async (rig) => {
    const { dialler, acceptor } = await rig.pair();
    acceptor.onFrame = () => {
      acceptor.close();
    };
    assert.ok(dialler.sendUpTo(10, (index) => Uint8Array.of(index)) > 0);
    await rig.until('closed', () => acceptor.isClosed && !dialler.isUp);
    assert.equal(acceptor.frameCount, 1);
  });

  check('L5 close: inside linkUp and inside linkDown', async (rig) => {
    const listener = await rig.listen();
    const dialler = rig.domain(rig.harness.dialler).open(await rig.dialAddress(listener));
    listener.onAccept = (end) => {
      end.onDown = () => {
        end.close();
      };
    };
    dialler.onUp = () => {
      dialler.close();
    };
    await rig.until('both closed', () => dialler.isClosed && listener.ends[0]?.isClosed === true);
  });

  check('L5 close: of the other link of a domain, inside frame', async (rig) => {
    const { dialler, acceptor, dialling, listener } = await rig.pair();
    const other = await rig.dial(dialling, listener);
    acceptor.onFrame = () => {
      other.acceptor.close();
    };
    assert.ok(other.dialler.send(new Uint8Array(8)));
    assert.ok(dialler.send(new Uint8Array(8)));
    await rig.until('the other is closed', () => other.acceptor.isClosed && !other.dialler.isUp);
    assert.ok(dialler.isUp && acceptor.isUp);
  });
}
