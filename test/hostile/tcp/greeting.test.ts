/** Greetings that no legal peer sends, and those that only look unusual, at either end. */
import assert from 'node:assert/strict';
import { errorTable } from '../../../core/errors.js';
import { FrameType } from '../../../core/frame.js';
import { hostile, type HostileRig } from './hostile-rig.js';
import { control, greeting, rawQuota, type GreetingWords } from './wire.js';

const corrupt = errorTable.CORRUPT.wire;
const wrongVersion = errorTable.WRONG_VERSION.wire;
const refused = errorTable.REFUSED.wire;

const quotaNames = ['messages', 'messageBytes', 'transactions', 'parameterBytes', 'statusBytes'];

function withQuota(index: number, value: number): Partial<GreetingWords> {
  return { quota: rawQuota.with(index, value) };
}

const illegalQuotas = quotaNames.flatMap((name, index) => {
  const isCount = name === 'messages' || name === 'transactions';
  const values = [-1, -0x8000_0000, 0x7fff_ffff, ...(isCount ? [0, 65_537] : [2 ** 26 + 1])];
  return values.map((value) => [`${name} ${value}`, withQuota(index, value)] as const);
});

const illegal: readonly (readonly [fact: string, words: Partial<GreetingWords>])[] = [
  ...illegalQuotas,
  ['wrong magic', { magic: 0x3143_4448 }],
  ['wrong magic and a wrong version', { magic: 0, version: 2 }],
  ['a name that is longer than allowed', { domainName: 'n'.repeat(65) }],
  ['an endpoint name that is longer than allowed', { endpointName: 'n'.repeat(65) }],
  ['a service that is longer than allowed', { service: 's'.repeat(513) }],
  ['a length one too great', { lengths: [4, 1, 7] }],
  ['a length one too small', { lengths: [2, 1, 7] }],
  ['a length of 4 GiB', { lengths: [-1, 1, 7] }],
  ['lengths that wrap around to the right sum', { lengths: [-1, 1, 11] }],
  ['a lone byte of UTF-8', { domainName: Buffer.of(0x80) }],
  ['an overlong slash', { endpointName: Buffer.of(0xc0, 0xaf) }],
  ['a surrogate in UTF-8', { domainName: Buffer.of(0xed, 0xa0, 0x80) }],
  ['a cut character', { service: Buffer.of(0x73, 0xe2, 0x82) }],
];

for (const [fact, words] of illegal) {
  hostile(`a listener refuses a greeting as CORRUPT: ${fact}`, async (rig) => {
    const peer = await rig.dialRaw();
    peer.send(greeting(words));
    assert.equal(await peer.farewell(), corrupt);
    assert.equal(rig.accepted.entries.length, 1, 'no endpoint was made');
  });

  hostile(`a dialler refuses a greeting as CORRUPT: ${fact}`, async (rig) => {
    const listener = await rig.listenRaw();
    const watched = rig.dial(listener.port);
    const peer = await listener.accept();
    await peer.expect(FrameType.Hello);
    peer.send(greeting({ ...words, type: FrameType.Welcome }));
    assert.equal(await watched.attempted(), 'CORRUPT');
    assert.equal(await peer.farewell(), corrupt);
    assert.deepEqual(watched.types, ['attempt'], 'nothing appeared');
  });
}

for (const version of [0, 2, -1]) {
  hostile(`a listener refuses version ${version} as WRONG_VERSION`, async (rig) => {
    const peer = await rig.dialRaw();
    peer.send(greeting({ version }));
    assert.equal(await peer.farewell(), wrongVersion);
  });

  hostile(`a dialler that meets version ${version} reports WRONG_VERSION`, async (rig) => {
    const listener = await rig.listenRaw();
    const watched = rig.dial(listener.port);
    const peer = await listener.accept();
    await peer.expect(FrameType.Hello);
    peer.send(greeting({ type: FrameType.Welcome, version }));
    assert.equal(await watched.attempted(), 'WRONG_VERSION');
    assert.equal(await peer.farewell(), wrongVersion);
  });
}

hostile('a greeting of another version may have another layout', async (rig) => {
  const peer = await rig.dialRaw();
  peer.send(greeting({ version: 9 }).subarray(0, 12));
  assert.equal(await peer.farewell(), wrongVersion);
});

hostile('a dialler that is refused for its version reports WRONG_VERSION', async (rig) => {
  const listener = await rig.listenRaw();
  const watched = rig.dial(listener.port);
  const peer = await listener.accept();
  await peer.expect(FrameType.Hello);
  peer.send(Buffer.of(FrameType.Refuse, 0, 0, 0, wrongVersion, 0, 0, 0));
  assert.equal(await watched.attempted(), 'WRONG_VERSION');
});

hostile('a dialler that is refused without a code ends the link as CORRUPT', async (rig) => {
  const listener = await rig.listenRaw();
  const watched = rig.dial(listener.port);
  const peer = await listener.accept();
  await peer.expect(FrameType.Hello);
  peer.send(Buffer.of(FrameType.Refuse, 0, 0, 0, 0, 0, 0, 0));
  assert.equal(await watched.attempted(), 'CORRUPT');
});

hostile('an accepted epoch that would use the numbers up is CORRUPT, and not kept', async (rig) => {
  const listener = await rig.listenRaw();
  const watched = rig.dial(listener.port);
  for (const epoch of [2 ** 31 - 1, 2 ** 20 + 1]) {
    const peer = await listener.accept();
    await peer.expect(FrameType.Hello);
    peer.send(greeting({ type: FrameType.Welcome }));
    assert.equal((await peer.expect(FrameType.Ready)).word(1), 0);
    peer.send(control(FrameType.Accept, epoch));
    assert.equal(await watched.attempted(), 'CORRUPT');
  }
  assert.equal(watched.endpoint.epoch, 0);
});

hostile('a service that nobody offers is refused', async (rig) => {
  const peer = await rig.dialRaw();
  peer.send(greeting({ service: 'other' }));
  assert.equal(await peer.farewell(), refused);
});

hostile('the greatest legal quota costs no more than our own', async (rig) => {
  const before = process.memoryUsage().arrayBuffers;
  const peer = await rig.dialRaw();
  await peer.open({ quota: [65_536, 2 ** 26, 65_536, 2 ** 26, 2 ** 26] });
  const { quota } = rig.newest.endpoint;
  assert.deepEqual(Object.values(quota), [...rawQuota]);
  assert.ok(process.memoryUsage().arrayBuffers - before < 4 * 2 ** 20);
});

/** What a listener made of a greeting: a welcome, or the code with which it ended the link. */
async function outcomeOf(rig: HostileRig, bytes: Uint8Array): Promise<number | 'welcome'> {
  const peer = await rig.dialRaw();
  peer.send(bytes);
  const frame = await peer.next();
  await peer.close();
  if (frame?.type === FrameType.Welcome) return 'welcome';
  assert.ok(frame !== undefined, 'an orderly end says why');
  if (frame.type === FrameType.Refuse) return frame.word(1);
  assert.equal(frame.type, FrameType.Goodbye);
  return frame.word(2);
}

hostile(
  'every flipped bit of a greeting makes another greeting, or an orderly end',
  async (rig) => {
    const valid = greeting();
    const outcomes = new Set<number | 'welcome'>();
    for (let index = 0; index < valid.length; index++) {
      const mutated = Array.from({ length: 8 }, (_, bit) => {
        const bytes = Buffer.from(valid);
        bytes[index] = (valid[index] ?? 0) ^ (1 << bit);
        return bytes;
      });
      const found = await Promise.all(mutated.map((bytes) => outcomeOf(rig, bytes)));
      for (const outcome of found) outcomes.add(outcome);
    }
    assert.deepEqual(outcomes, new Set([corrupt, wrongVersion, refused, 'welcome']));
  },
  { listen: { peersMax: 65_536 } },
);

hostile('every flipped bit of a welcome is taken or ends the link in order', async (rig) => {
  const listener = await rig.listenRaw();
  const valid = greeting({ type: FrameType.Welcome });
  for (let bit = 0; bit < 8 * valid.length; bit++) {
    const bytes = Buffer.from(valid);
    bytes[bit >> 3] = (valid[bit >> 3] ?? 0) ^ (1 << (bit & 7));
    const { endpoint } = rig.dial(listener.port);
    const peer = await listener.accept();
    await peer.expect(FrameType.Hello);
    peer.send(bytes);
    const answer = await peer.next();
    assert.ok(answer !== undefined, `bit ${bit}: an orderly end says why`);
    const isTaken = answer.type === FrameType.Ready;
    const code = answer.type === FrameType.Goodbye ? answer.word(2) : answer.word(1);
    assert.ok(isTaken || code === corrupt || code === wrongVersion, `bit ${bit}`);
    await Promise.all([endpoint.destroy(), peer.close()]);
  }
});
