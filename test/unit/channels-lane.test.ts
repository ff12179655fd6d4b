/**
 * The bulk lanes of channels over TCP: that transfers use them, in both directions and whoever has
 * dialled, and that a lane that is lost, hostile or nobody's costs no transfer anything but time.
 */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createDomain, RemoteBufferReference, type Domain, type TransportFactory } from 'idc';
import { tcp } from 'idc/tcp';

import { makeAddress, parseAddress, type Address } from '../../core/address.js';
import type { BulkLane, LaneSink } from '../../core/bulk-lane.js';
import { createRuntime } from '../../core/contract.js';
import { BodyHeads, tokenBytes } from '../../core/transfer/lane-wire.js';
import type { Transport } from '../../core/transport.js';

const byteLength = 4 * 1024 * 1024;

function contentOf(seed: number): Uint8Array {
  return Uint8Array.from({ length: byteLength }, (_, index) => (index >>> 9) * 31 + index + seed);
}

/** TCP whose lanes are seen, and of which the test may make what it wants. */
class Lanes implements TransportFactory {
  readonly scheme = 'tcp';
  readonly opened: BulkLane[] = [];
  linkCount = 0;
  /** Called with each lane that is up. */
  up: (lane: BulkLane) => void = () => undefined;

  create(host: Parameters<TransportFactory['create']>[0]): Transport {
    const inner = tcp().create(host);
    const openLane = (address: Address, sink: LaneSink): BulkLane => {
      const lane: BulkLane | undefined = inner.openLane?.(address, {
        linkUp: (identity) => {
          sink.linkUp(identity);
          if (lane !== undefined) this.up(lane);
        },
        linkDown: (fault) => {
          sink.linkDown(fault);
        },
        target: (header, bytes) => sink.target(header, bytes),
        proceed: (header) => sink.proceed(header),
        landed: (header) => {
          sink.landed(header);
        },
        sent: (header) => {
          sink.sent(header);
        },
        writable: () => {
          sink.writable();
        },
        closed: () => {
          sink.closed();
        },
      });
      assert(lane !== undefined);
      this.opened.push(lane);
      return lane;
    };
    return {
      scheme: this.scheme,
      capabilities: inner.capabilities,
      open: (address, sink, lane) => {
        this.linkCount++;
        return inner.open(address, sink, lane);
      },
      openLane,
      listen: (address, accept) => inner.listen(address, accept),
      poll: (limit) => inner.poll(limit),
      park: () => inner.park(),
    };
  }
}

interface Pair {
  readonly listening: Domain;
  readonly dialling: Domain;
  /** Those that the dialling one opens. */
  readonly lanes: Lanes;
  readonly address: string;
  /** The reference as the other one has it. */
  readonly hand: (owner: Domain, memory: Uint8Array) => Promise<RemoteBufferReference>;
}

async function withPair(run: (pair: Pair) => Promise<void>): Promise<void> {
  const lanes = new Lanes();
  const listening = createDomain({ name: 'listening', transports: [tcp()] });
  const dialling = createDomain({ name: 'dialling', transports: [lanes] });
  let encoded: Uint8Array = new Uint8Array(0);
  const address = await listening.listen(
    'tcp://127.0.0.1:0/swap',
    () => ({
      transaction: (transaction) => {
        received = RemoteBufferReference.decode(transaction.parameters, transaction.endpoint);
        transaction.complete(encoded);
      },
    }),
    { quota: { parameterBytes: 2_048, statusBytes: 2_048 } },
  ).ready;
  let received: RemoteBufferReference | undefined = undefined;
  const endpoint = dialling.createEndpoint(
    address,
    {},
    { quota: { parameterBytes: 2_048, statusBytes: 2_048 } },
  );
  await new Promise<void>((resolve) => {
    endpoint.lifecycle$.subscribe(({ type }) => {
      if (type === 'connect') resolve();
    });
  });
  const hand = async (owner: Domain, memory: Uint8Array): Promise<RemoteBufferReference> => {
    const { reference } = owner.registerBuffer(memory, { access: 'readWrite' });
    encoded = reference.encode();
    const answer = await endpoint.submitTransaction(encoded);
    if (owner === listening) return RemoteBufferReference.decode(answer, endpoint);
    assert(received !== undefined);
    return received;
  };
  try {
    await run({ listening, dialling, lanes, address, hand });
  } finally {
    await Promise.all([listening.close(), dialling.close()]);
  }
}

/** Transfers until some go by lane. */
async function warmUp(holder: Domain, owner: Domain, reference: RemoteBufferReference) {
  const local = new Uint8Array(byteLength);
  while (owner.transferStatistics().asOwner.laneBytes === 0) {
    await holder.sendToRemoteBuffer(reference, local);
  }
}

async function checkBothWays(holder: Domain, reference: RemoteBufferReference, memory: Uint8Array) {
  const sent = contentOf(3);
  await holder.sendToRemoteBuffer(reference, sent);
  assert(Buffer.compare(memory, sent) === 0, 'written');
  const local = new Uint8Array(byteLength);
  await holder.receiveFromRemoteBuffer(reference, local);
  assert(Buffer.compare(local, sent) === 0, 'read');
}

describe('the lane of a channel over tcp', () => {
  for (const isOwnerListening of [true, false]) {
    const who = isOwnerListening ? 'listens' : 'only dials';
    it(`carries writes and reads of an owner that ${who}`, async () => {
      await withPair(async ({ listening, dialling, hand }) => {
        const owner = isOwnerListening ? listening : dialling;
        const holder = isOwnerListening ? dialling : listening;
        const memory = new Uint8Array(byteLength);
        const reference = await hand(owner, memory);
        await warmUp(holder, owner, reference);
        const before = owner.transferStatistics().asOwner.laneBytes;
        await checkBothWays(holder, reference, memory);
        const { laneBytes } = owner.transferStatistics().asOwner;
        assert.equal(laneBytes - before, 2 * byteLength, 'all of it');
      });
    });
  }

  it('may be lost in the middle of transfers, time and again', async () => {
    await withPair(async ({ listening, dialling, lanes, hand }) => {
      const memory = new Uint8Array(byteLength);
      const reference = await hand(listening, memory);
      await warmUp(dialling, listening, reference);
      for (let round = 0; round < 4; round++) {
        const lane = lanes.opened.at(-1);
        const options = {
          onProgress: (count: number) => {
            if (count > byteLength / 2) lane?.close();
          },
        };
        const content = contentOf(round);
        await dialling.sendToRemoteBuffer(reference, content, options);
        assert(Buffer.compare(memory, content) === 0);
        const local = new Uint8Array(byteLength);
        await dialling.receiveFromRemoteBuffer(reference, local, options);
        assert(Buffer.compare(local, content) === 0);
      }
      const { never, maybe } = dialling.transferStatistics().asHolder;
      assert.deepEqual([never, maybe], [0, 0]);
      while (lanes.opened.length < 2) await dialling.sendToRemoteBuffer(reference, memory);
    });
  });

  it('ends the epoch as CORRUPT if a peer says what no legal peer says', async () => {
    await withPair(async ({ listening, dialling, lanes, hand }) => {
      const memory = new Uint8Array(byteLength);
      const reference = await hand(listening, memory);
      await warmUp(dialling, listening, reference);
      const { linkCount } = lanes;
      lanes.opened.at(-1)?.send(Uint8Array.of(9), new Uint8Array(100));
      while (lanes.linkCount === linkCount) await checkBothWays(dialling, reference, memory);
      await checkBothWays(dialling, reference, memory);
    });
  });

  it('is nobody’s who does not know its token', async () => {
    await withPair(async ({ listening, dialling, address, hand }) => {
      const memory = new Uint8Array(byteLength);
      const reference = await hand(listening, memory);
      await warmUp(dialling, listening, reference);
      const stranger = tcp().create({
        runtime: createRuntime(),
        wake: () => setImmediate(() => void stranger.poll(64)),
      });
      const { authority } = parseAddress(address);
      const fault = await new Promise<string>((resolve) => {
        const lane = stranger.openLane?.(makeAddress('tcp', authority, ''), {
          linkUp: () => {
            const token = new Uint8Array(tokenBytes).fill(1);
            lane?.send(new BodyHeads().hello(token), new Uint8Array(0));
          },
          linkDown: (told) => {
            resolve(told);
            lane?.close();
          },
          target: () => undefined,
          proceed: () => false,
          landed: () => undefined,
          sent: () => undefined,
          writable: () => undefined,
          closed: () => undefined,
        });
      });
      assert(['closed', 'reset'].includes(fault), `it was turned away: ${fault}`);
      await checkBothWays(dialling, reference, memory);
    });
  });
});
