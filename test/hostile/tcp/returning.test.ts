/** Peers that come back: which epoch they get, which place they have, and what they are told. */
import assert from 'node:assert/strict';
import { FrameType } from '../../../core/frame.js';
import { StandingTime } from '../../compliance/standing-time.js';
import { hostile, openSockets } from './hostile-rig.js';
import type { RawPeer } from './raw-peer.js';
import type { Watched } from './watched.js';
import { control, goodbye } from './wire.js';

function tokenIn(welcome: { readonly bytes: Buffer }): Uint8Array {
  return welcome.bytes.subarray(40, 56);
}

/** Says how far it is; answers the epoch that is proposed, and does not confirm it. */
async function propose(peer: RawPeer, lastFinished: number): Promise<number> {
  peer.send(control(FrameType.Ready, lastFinished));
  return (await peer.expect(FrameType.Accept)).word(1);
}

hostile('an epoch that nobody confirmed is never proposed again', async (rig) => {
  const first = await rig.dialRaw();
  const token = tokenIn(await first.greet());
  assert.equal(await propose(first, 0), 1);
  const { endpoint, types } = rig.newest;

  // The dialler never saw the first epoch: it was no half one.
  const second = await rig.dialRaw();
  await second.greet({ token });
  assert.equal(await propose(second, 0), 2);
  assert.equal(endpoint.statistics().halfEpochs, 0);

  // It saw the second one, but its confirmation was lost.
  const third = await rig.dialRaw();
  await third.greet({ token });
  assert.equal(await propose(third, 2), 3);
  assert.equal(endpoint.statistics().halfEpochs, 1);
  assert.equal(endpoint.epoch, 0);
  assert.deepEqual(types, ['appear']);
});

const shortLinger = { limits: { lingerMs: 20 } } as const;

async function disappeared({ events }: Watched): Promise<void> {
  await events.first(({ type }) => type === 'disappear');
}

async function destroyed(watched: Watched): Promise<Watched> {
  await watched.events.first(({ type }) => type === 'destroyed');
  return watched;
}

hostile(
  'the peer that has been absent for longest gives way, whoever came first',
  async (rig) => {
    const [early, late] = [await rig.dialRaw(), await rig.dialRaw()];
    await early.open({ domainId: new Uint8Array(16).fill(1) });
    const earlyWatched = rig.newest;
    await late.open({ domainId: new Uint8Array(16).fill(2) });
    const lateWatched = rig.newest;
    await late.close();
    await disappeared(lateWatched);
    await early.close();
    await disappeared(earlyWatched);

    const newcomer = await rig.dialRaw();
    await newcomer.open({ domainId: new Uint8Array(16).fill(3) });
    const gone = await Promise.race([destroyed(earlyWatched), destroyed(lateWatched)]);
    assert.equal(gone, lateWatched);
    assert.equal(earlyWatched.endpoint.state, 'absent');
  },
  { listen: { ...shortLinger, peersMax: 3 } },
);

const time = new StandingTime();

hostile(
  'a peer that came back in time is not forgotten later',
  async (rig) => {
    const first = await rig.dialRaw();
    const token = tokenIn(await first.greet());
    const returning = rig.newest;
    await first.close();
    await disappeared(returning);
    time.stop();
    const second = await rig.dialRaw();
    await second.greet({ token });
    time.goOn();

    // Whoever is absent from now on is forgotten after that one would have been.
    const other = await rig.dialRaw();
    await other.open({ domainId: new Uint8Array(16).fill(2) });
    const otherWatched = rig.newest;
    await other.close();
    await destroyed(otherWatched);
    assert.equal(returning.endpoint.state, 'appeared');
  },
  { domain: { runtime: time.runtime }, listen: { ...shortLinger, forgetMs: 200 } },
);

hostile('destroy resolves when the socket is closed, not before', async (rig) => {
  const listener = await rig.listenRaw();
  const socketCount = openSockets();
  const watched = rig.dial(listener.port);
  const peer = await listener.accept();
  await peer.admit();
  await watched.events.first(({ type }) => type === 'connect');
  const isDestroyed = watched.endpoint.destroy();
  await peer.expect(FrameType.Goodbye);
  peer.send(goodbye(0, 0));
  await isDestroyed;
  // The peer's own end may take another moment.
  assert.ok(openSockets() <= socketCount + 1);
});
