/**
 * Forwarding: references that are passed on from domain to domain, and who carries the bytes.
 * Whoever can reach the owner does so; whoever cannot goes through the domain it got them from.
 */
import { parseAddress } from '../../../core/contract.js';
import type { Domain, RemoteBufferReference } from '../../../core/index.js';
import { contentOf } from '../endpoint/content.js';
import type { Scenario } from '../endpoint/scenario.js';
import type { Stage } from '../endpoint/stage.js';
import { makeRow, passOn, type Row } from './row.js';
import { beginLimited, directions, Running, transfer } from './running.js';
import { areEqual, handOver, isFilledWith, pieceBytes } from './sides.js';

const byteLength = 40 * pieceBytes + 3;
const poison = 0xee;
const stranger = { kind: 'key', name: 'somebody else' } as const;

/** Bytes of all frames on links that the domain dialled, or that lead to where it listens. */
function bytesOver(stage: Stage, domain: Domain, address: string): number {
  const { authority } = parseAddress(address);
  const own = stage.tap.dialled.filter((link) => {
    return link.domainName === domain.name || link.authority === authority;
  });
  return own.reduce((sum, link) => sum + link.byteCount, 0);
}

/** Receives all of it and sends other bytes; both have to be right. */
async function useAll(
  stage: Stage,
  user: Domain,
  reference: RemoteBufferReference,
  bytes: Uint8Array,
): Promise<void> {
  const received = new Uint8Array(bytes.length);
  await user.receiveFromRemoteBuffer(reference, received);
  stage.check(areEqual(received, bytes), 'received');
  const sent = contentOf(2, bytes.length);
  await user.sendToRemoteBuffer(reference, sent);
  stage.check(areEqual(bytes, sent), 'sent');
}

/** The owner listens, so whoever knows its address comes without the one between. */
async function goDirectly(stage: Stage): Promise<void> {
  const row = await makeRow(stage, 3, { ownerListens: true });
  const bytes = contentOf(1, byteLength);
  const buffer = row.owner.registerBuffer(bytes, { access: 'readWrite' });
  const reference = await passOn(row, buffer.reference);
  const [, between] = row.domains;
  if (between === undefined) throw new Error('three domains');
  const before = bytesOver(stage, between, row.addressAt(1));
  await useAll(stage, row.user, reference, bytes);
  const through = bytesOver(stage, between, row.addressAt(1)) - before;
  stage.check(through < pieceBytes, `no data goes through the one between: ${through} bytes`);
  for (const { domainName, isRelayed, readBytes, writtenBytes } of buffer.uses()) {
    stage.note(`${domainName}, ${isRelayed}: ${readBytes} bytes read, ${writtenBytes} written`);
  }
  await between.close();
  stage.note(
    `without it: ${await transfer(row.user, 'send', reference, contentOf(3, byteLength))}`,
  );
  stage.check(areEqual(bytes, contentOf(3, byteLength)), 'sent without it');
}

/** The one who passed it on is gone before the reference is used for the first time. */
async function goDirectlyLater(stage: Stage): Promise<void> {
  const row = await makeRow(stage, 3, { ownerListens: true });
  const bytes = contentOf(1, byteLength);
  const { reference } = row.owner.registerBuffer(bytes, { access: 'readWrite' });
  const arrived = await passOn(row, reference);
  await row.domains[1]?.close();
  await useAll(stage, row.user, arrived, bytes);
  stage.note('used without the one who passed it on');
}

async function goThrough(stage: Stage, count: number): Promise<void> {
  const row = await makeRow(stage, count);
  const bytes = contentOf(1, byteLength);
  const buffer = row.owner.registerBuffer(bytes, { access: 'readWrite' });
  const reference = await passOn(row, buffer.reference);
  const before = row.between.map((domain, at) => bytesOver(stage, domain, row.addressAt(at + 1)));
  await useAll(stage, row.user, reference, bytes);
  for (const [at, domain] of row.between.entries()) {
    const through = bytesOver(stage, domain, row.addressAt(at + 1)) - (before[at] ?? 0);
    // In and out again, received and sent.
    stage.check(through >= 4 * byteLength, `all goes through ${domain.name}: ${through} bytes`);
  }
  for (const { domainName, isRelayed, readBytes, writtenBytes } of buffer.uses()) {
    stage.note(`${domainName}, ${isRelayed}: ${readBytes} bytes read, ${writtenBytes} written`);
  }
  const part = reference.narrow({ offset: 5, byteLength: 9, access: 'read' });
  const local = new Uint8Array(9);
  stage.note(await transfer(row.user, 'receive', part, local));
  stage.check(areEqual(local, bytes.subarray(5, 14)), 'a part');
  await buffer.unregister();
  for (const direction of directions) {
    stage.note(`${direction}: ${await transfer(row.user, direction, reference, local)}`);
  }
}

/** Everybody got the reference from everybody else, and the owner is gone. */
async function goInCircles(stage: Stage): Promise<void> {
  const row = await makeRow(stage, 4);
  const { reference } = row.owner.registerBuffer(contentOf(1, 100), { access: 'readWrite' });
  const arrived = await passOn(row, reference);
  // And back again, to the one who got it from the owner.
  const last = row.ends.at(-1)?.other;
  const middle = row.ends.at(-2)?.other;
  if (last === undefined || middle === undefined) throw new Error('four domains');
  await handOver(middle, await handOver(last, arrived));
  await row.owner.close();
  await stage.until('its neighbour noticed', () => row.ends[0]?.other?.isConnected === false);
  const frames = (): number =>
    stage.tap.dialled.reduce((sum, { frameCount }) => sum + frameCount, 0);
  for (const domain of [...row.between, row.user]) {
    const before = frames();
    const local = new Uint8Array(100);
    for (const direction of directions) {
      stage.note(`${domain.name}: ${await transfer(domain, direction, arrived, local)}`);
    }
    const count = frames() - before;
    stage.check(count < 200, `it does not go in circles: ${count} frames`);
  }
}

/** Through a relay a reference is judged by who the relay is. */
async function restrictHolder(stage: Stage): Promise<void> {
  const row = await makeRow(stage, 3);
  const bytes = contentOf(1, 100);
  const { reference } = row.owner.registerBuffer(bytes, { access: 'readWrite' });
  const held = row.owner.registerBuffer(bytes, { access: 'readWrite', holders: [stranger] });
  const local = contentOf(2, 100);
  for (const arrived of [
    (await passOn(row, reference)).narrow({ holder: stranger }),
    await passOn(row, held.reference),
  ]) {
    for (const direction of directions) {
      stage.note(`${direction}: ${await transfer(row.user, direction, arrived, local)}`);
    }
  }
  stage.check(areEqual(bytes, contentOf(1, 100)), 'nothing was written');
  stage.check(areEqual(local, contentOf(2, 100)), 'nothing came');
  const relay = row.ends[0]?.endpoint.peer?.identity;
  if (relay === undefined || relay.kind === 'unproven') return;
  const forRelay = reference.narrow({ holder: relay });
  const outcome = await transfer(row.user, 'receive', await passOn(row, forRelay), local);
  stage.equal(outcome, 'OK', 'the relay itself may');
}

/** Every link breaks at once, those of the relay, too. */
async function severRelayed(stage: Stage): Promise<void> {
  const row = await makeRow(stage, 3);
  for (const direction of directions) {
    const bytes = contentOf(1, 8 * byteLength);
    const local = contentOf(2, 8 * byteLength);
    const buffer = row.owner.registerBuffer(bytes, { access: 'readWrite' });
    const reference = await passOn(row, buffer.reference);
    const act = (): void => {
      stage.world.sever();
    };
    const running = new Running(row.user, direction, reference, local, { share: 0.3, act });
    stage.note(`${direction}: ${await running.outcome}`);
    const expected = contentOf(direction === 'send' ? 2 : 1, bytes.length);
    stage.check(areEqual(bytes, expected) && areEqual(local, expected), 'both sides are right');
    local.fill(poison);
    await stage.turns(10);
    stage.check(areEqual(bytes, expected), 'and the owner stays so');
    await stage.until('all are back', () => {
      return row.ends.every((end) => end.isConnected && end.other?.isConnected === true);
    });
  }
}

/** What runs through a relay ends like any other transfer. */
async function endRelayed(stage: Stage, how: 'unregister' | 'close'): Promise<void> {
  const row: Row = await makeRow(stage, 3);
  for (const direction of how === 'unregister' ? directions : (['send'] as const)) {
    const bytes = new Uint8Array(8 * byteLength).fill(1);
    const local = new Uint8Array(8 * byteLength).fill(2);
    const buffer = row.owner.registerBuffer(bytes, { access: 'readWrite' });
    const reference = await passOn(row, buffer.reference);
    const [running] = await beginLimited((timeoutMs) => [
      new Running(row.user, direction, reference, local, { timeoutMs }),
    ]);
    if (how === 'close') await row.domains[1]?.close();
    else await buffer.unregister();
    if (how === 'unregister') bytes.fill(poison);
    stage.note(`${direction}: ${(await running?.outcome) ?? ''}`);
    if (how === 'unregister') {
      stage.check(isFilledWith(bytes, poison), 'nothing lands after unregister');
      stage.check(!local.includes(poison), 'nothing that was stored later came');
    }
    local.fill(poison);
    await stage.turns(20);
    stage.check(isFilledWith(local, poison), 'the local bytes are free');
    stage.check(how === 'unregister' || !bytes.includes(poison), 'and are not read any more');
  }
}

export const forwardingScenarios: readonly Scenario[] = [
  {
    fact: 'who can reach the owner does; nothing goes through who passed the reference on',
    play: goDirectly,
    told: ['d2, false: 163843 bytes read, 163843 written', 'without it: OK'],
  },
  {
    fact: 'who passed it on may be gone before it is used',
    play: goDirectlyLater,
  },
  {
    fact: 'who cannot reach the owner goes through who passed the reference on',
    play: (stage) => goThrough(stage, 3),
    told: [
      'd1, true: 163843 bytes read, 163843 written',
      'OK',
      'send: STALE_REFERENCE never',
      'receive: STALE_REFERENCE never',
    ],
  },
  {
    fact: 'through two relays, and through three',
    play: async (stage) => {
      await goThrough(stage, 4);
      await goThrough(stage, 5);
    },
    told: [
      'd1, true: 163843 bytes read, 163843 written',
      'OK',
      'send: STALE_REFERENCE never',
      'receive: STALE_REFERENCE never',
      'd1, true: 163843 bytes read, 163843 written',
      'OK',
      'send: STALE_REFERENCE never',
      'receive: STALE_REFERENCE never',
    ],
  },
  {
    fact: 'nothing goes in circles: UNREACHABLE never',
    play: goInCircles,
    told: [
      'd1: UNREACHABLE never',
      'd1: UNREACHABLE never',
      'd2: UNREACHABLE never',
      'd2: UNREACHABLE never',
      'd3: UNREACHABLE never',
      'd3: UNREACHABLE never',
    ],
  },
  {
    fact: 'restricted to another holder: ACCESS_DENIED never, through a relay, too',
    play: restrictHolder,
    told: [
      'send: ACCESS_DENIED never',
      'receive: ACCESS_DENIED never',
      'send: ACCESS_DENIED never',
      'receive: ACCESS_DENIED never',
    ],
  },
  {
    fact: 'every link breaks in the middle of a relayed transfer: it goes on, and ends done',
    play: severRelayed,
    told: ['send: OK', 'receive: OK'],
  },
  {
    fact: 'unregister in the middle of a relayed transfer: nothing lands after its promise',
    play: (stage) => endRelayed(stage, 'unregister'),
    told: ['send: STALE_REFERENCE maybe', 'receive: STALE_REFERENCE maybe'],
  },
  {
    fact: 'a relay that closes in the middle, and no other way: TIMEOUT maybe',
    play: (stage) => endRelayed(stage, 'close'),
    told: ['send: TIMEOUT maybe'],
  },
];
