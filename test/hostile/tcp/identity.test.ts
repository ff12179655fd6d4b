/** Somebody else's name: an id is everybody's to claim, so without its token it opens nothing. */
import assert from 'node:assert/strict';
import { errorTable } from '../../../core/errors.js';
import { FrameType } from '../../../core/frame.js';
import { hostile } from './hostile-rig.js';
import type { RawPeer } from './raw-peer.js';
import { control, greeting, message } from './wire.js';

function tokenIn(welcome: { readonly bytes: Buffer }): Uint8Array {
  return welcome.bytes.subarray(40, 56);
}

async function openFrom(peer: RawPeer): Promise<number> {
  peer.send(control(FrameType.Ready, 0));
  const epoch = (await peer.expect(FrameType.Accept)).word(1);
  peer.send(control(FrameType.Confirm, epoch));
  return epoch;
}

const forgeries: readonly (readonly [fact: string, token: Uint8Array])[] = [
  ['no token', new Uint8Array(16)],
  ['a wrong token', new Uint8Array(16).fill(7)],
];

for (const [fact, token] of forgeries) {
  hostile(`a forged return with ${fact} gets an endpoint of its own`, async (rig) => {
    const victim = await rig.dialRaw();
    const welcome = await victim.greet();
    await openFrom(victim);
    const attacked = rig.newest;
    await attacked.events.first(({ type }) => type === 'connect');

    const forger = await rig.dialRaw();
    const other = await forger.greet({ token });
    assert.equal(await openFrom(forger), 1);
    assert.equal(rig.accepted.entries.length, 3);
    assert.notDeepEqual(tokenIn(other), tokenIn(welcome));

    victim.send(message(1, 'mine'));
    assert.equal(await attacked.received.first(() => true), 'mine');
    assert.deepEqual(attacked.types, ['appear', 'connect']);
  });
}

hostile('a return with the token alone, under another id, gets its own endpoint', async (rig) => {
  const victim = await rig.dialRaw();
  const token = tokenIn(await victim.greet());
  await openFrom(victim);
  const forger = await rig.dialRaw();
  await forger.greet({ token, domainId: new Uint8Array(16).fill(0xee) });
  assert.equal(await openFrom(forger), 1);
  assert.equal(rig.accepted.entries.length, 3);
});

hostile(
  'a return with its token gets its endpoint, and the older epoch ends first',
  async (rig) => {
    const first = await rig.dialRaw();
    const token = tokenIn(await first.greet());
    await openFrom(first);
    const watched = rig.newest;
    const second = await rig.dialRaw();
    await second.greet({ token });
    assert.equal(await openFrom(second), 2);
    assert.equal((await watched.disconnected()).reason, 'SUPERSEDED');
    await watched.events.first((event) => event.type === 'connect' && event.epoch === 2);
    assert.deepEqual(watched.types, ['appear', 'connect', 'disconnect', 'connect']);
    assert.equal(rig.accepted.entries.length, 2);
  },
);

hostile('a forger who takes the bystander’s names is a stranger', async (rig) => {
  const { peer } = rig.accepted.entries[0]?.endpoint ?? {};
  assert.ok(peer !== undefined);
  const forger = await rig.dialRaw();
  await forger.open({
    domainId: Buffer.from(peer.domainId, 'hex'),
    incarnation: Buffer.from(peer.incarnation, 'hex'),
    domainName: peer.domainName,
    endpointName: peer.endpointName,
  });
  assert.equal(rig.accepted.entries.length, 2);
  assert.deepEqual(rig.newest.endpoint.peer?.identity.kind, 'unproven');
  await forger.close();
  await rig.newest.disconnected();
});

hostile(
  'a refused offer is told as REFUSED and makes no endpoint',
  async (rig) => {
    const peer = await rig.dialRaw();
    peer.send(greeting());
    assert.equal(await peer.farewell(), errorTable.REFUSED.wire);
    assert.equal(rig.accepted.entries.length, 1);
  },
  { refuse: ({ peer }) => peer.domainName === 'raw' },
);

hostile('a dialler that is refused reports REFUSED and tries again', async (rig) => {
  const listener = await rig.listenRaw();
  const watched = rig.dial(listener.port, { limits: { dialMinMs: 1, dialMaxMs: 1 } });
  for (let attempt = 0; attempt < 2; attempt++) {
    const peer = await listener.accept();
    await peer.expect(FrameType.Hello);
    peer.send(control(FrameType.Refuse, errorTable.REFUSED.wire));
    await peer.rest();
  }
  assert.equal(await watched.attempted(), 'REFUSED');
  assert.ok(watched.types.every((type) => type === 'attempt'));
});

hostile(
  'a dialler asks for a service that a domain does not offer, and hears REFUSED',
  async (rig) => {
    const watched = rig.dial(rig.port, {}, 'other');
    assert.equal(await watched.attempted(), 'REFUSED');
    assert.deepEqual(watched.types, ['attempt']);
  },
);
