/** Addresses that can lead nowhere: creation cannot fail, so the trouble arrives as an event. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createDomain, IdcError, type Domain, type LifecycleEvent } from 'idc';
import { createMemoryNetwork, memory } from 'idc/memory';
import { tcp } from 'idc/tcp';

import { Gate } from '../compliance/endpoint/gate.js';

const badAddresses = new Map([
  ['nothing', ''],
  ['no scheme', '127.0.0.1:7000/disk'],
  ['no authority', 'tcp:///disk'],
  ['one slash', 'tcp:/127.0.0.1:7000/disk'],
  ['a scheme that starts with a digit', '9p://host/disk'],
  ['a space', 'tcp://127.0.0.1:7000/my disk'],
  ['a line break', 'tcp://127.0.0.1:7000/disk\n'],
  ['letters beyond ASCII', 'tcp://127.0.0.1:7000/müll'],
  ['a host beyond ASCII', 'tcp://höst:7000/disk'],
  ['more than 512 characters', `tcp://127.0.0.1:7000/${'d'.repeat(512)}`],
  ['a scheme without a transport', 'ring://host/disk'],
]);

function create(): Domain {
  const transports = [memory({ network: createMemoryNetwork() }), tcp()];
  return createDomain({ name: 'one', transports });
}

/** The one reason for which nobody gets there. */
function isBadAddress(error: unknown): boolean {
  assert(error instanceof IdcError);
  assert.equal(error.code, 'BAD_ADDRESS');
  assert.equal(error.execution, 'never');
  assert.equal(error.retrySafe, true);
  assert.notEqual(error.reason, '');
  assert.equal(error.remoteCode, undefined);
  assert.equal(error.status, undefined);
  return true;
}

for (const [what, address] of badAddresses) {
  describe(`an address with ${what}`, { timeout: 10_000 }, () => {
    it('an endpoint tells that it will not try again, and can be destroyed', async () => {
      const domain = create();
      const told = new Gate<LifecycleEvent>();
      const events: LifecycleEvent[] = [];
      const endpoint = domain.createEndpoint(address, {});
      endpoint.lifecycle$.subscribe((event) => {
        events.push(event);
        told.open(event);
      });
      const attempt: LifecycleEvent = { type: 'attempt', fault: 'BAD_ADDRESS', nextInMs: Infinity };
      assert.deepEqual(await told.opened, attempt);
      assert.equal(endpoint.lastFault, 'BAD_ADDRESS');
      assert.equal(endpoint.state, 'absent');
      assert.equal(domain.statistics().timersArmed, 0);
      assert.equal(endpoint.submitMessage(new Uint8Array(1)), -1);
      await endpoint.destroy();
      assert.deepEqual(events, [attempt, { type: 'destroyed', abandoned: false }]);
      await domain.close();
    });

    it('a listener’s ready rejects, and it can be closed', async () => {
      const domain = create();
      const listener = domain.listen(address, () => ({}));
      await assert.rejects(listener.ready, isBadAddress);
      assert.equal(listener.address, address);
      await listener.close();
      assert.deepEqual(domain.statistics(), { endpoints: 0, listeners: 0, timersArmed: 0 });
      await domain.close();
    });
  });
}

it('an address of 512 characters is an address', async () => {
  const domain = create();
  const listener = domain.listen(`memory://here/${'d'.repeat(498)}`, () => ({}));
  assert.equal((await listener.ready).length, 512);
  await domain.close();
});

it('the second listener of one service at one address is told ADDRESS_IN_USE', async () => {
  for (const address of ['memory://here/disk', 'tcp://127.0.0.1:0/disk']) {
    const domain = create();
    const first = domain.listen(address, () => ({}));
    const second = domain.listen(await first.ready, () => ({}));
    const isInUse = { name: 'IdcError', code: 'ADDRESS_IN_USE', execution: 'never' };
    await assert.rejects(second.ready, isInUse);
    await second.close();
    // The one that was first is not disturbed.
    const connected = new Gate();
    const connect = (): void => {
      connected.open();
    };
    domain.createEndpoint(first.address, { connect });
    await connected.opened;
    await domain.close();
  }
});

it('a listener at an address that another domain has is told ADDRESS_IN_USE', async () => {
  const [one, two] = [create(), create()];
  const address = await one.listen('tcp://127.0.0.1:0/disk', () => ({})).ready;
  const listener = two.listen(address, () => ({}));
  await assert.rejects(listener.ready, { code: 'ADDRESS_IN_USE', execution: 'never' });
  await Promise.all([one.close(), two.close()]);
});
