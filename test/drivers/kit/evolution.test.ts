/** Ends of different versions and features, in both directions. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { IdcError, type EndpointHandlers } from 'idc';
import { filter, firstValueFrom } from 'rxjs';
import {
  createBackEnd,
  createFrontEnd,
  defineProtocol,
  DriverError,
  kitFailures,
  type KitFailure,
} from 'idc/drivers/kit';
import { encodeGreeting, idBytes, versionsOf } from '../../../drivers/kit/greeting.js';
import type { AnyProtocol } from '../../../drivers/kit/protocol.js';
import { quotaOf } from '../../../drivers/kit/quota-of.js';
import { onPair } from './pair.js';

const older = defineProtocol({
  name: 'lamp',
  version: 1,
  transactions: {
    shine: { parameters: { level: 'uint8' }, status: { level: 'uint8' } },
    off: {},
  },
  messages: { changed: { to: 'front', fields: { level: 'uint8' } }, nudge: { to: 'back' } },
});

/** A field added to parameters, status, event; a transaction, an event and a message added. */
const newer = defineProtocol({
  name: 'lamp',
  version: 2,
  features: { blink: 'The lamp can blink.' },
  transactions: {
    shine: {
      parameters: { level: 'uint8', colour: { text: 8, since: 2, otherwise: 'white' } },
      status: { level: 'uint8', watts: { is: 'uint16', since: 2, otherwise: 0 } },
    },
    off: {},
    dim: { since: 2, parameters: { by: 'uint8' }, status: { level: 'uint8' } },
    blink: { since: 2, feature: 'blink' },
  },
  messages: {
    changed: {
      to: 'front',
      fields: { level: 'uint8', reason: { text: 8, since: 2, otherwise: 'unknown' } },
    },
    warmed: { to: 'front', since: 2 },
    nudge: { to: 'back' },
    push: { to: 'back', since: 2 },
  },
});

/** A lamp of the newer version, with what it was told. */
function makeNewLamp(log: string[]) {
  return {
    shine: ({ level, colour }: { readonly level: number; readonly colour: string }) => {
      log.push(`shine ${level} ${colour}`);
      return { level, watts: level * 2 };
    },
    off: () => void log.push('off'),
    dim: ({ by }: { readonly by: number }) => ({ level: 100 - by }),
    blink: () => void log.push('blink'),
    nudge: () => void log.push('nudge'),
    push: () => void log.push('push'),
  };
}

function makeOldLamp(log: string[]) {
  return {
    shine: ({ level }: { readonly level: number }) => {
      log.push(`shine ${level}`);
      return { level };
    },
    off: () => void log.push('off'),
    nudge: () => void log.push('nudge'),
  };
}

function isFailure(failure: KitFailure): (error: unknown) => boolean {
  return (error) => {
    assert.ok(error instanceof DriverError, String(error));
    assert.equal(error.failure, failure);
    assert.equal(error.code, kitFailures[failure].code);
    return true;
  };
}

/** What a back end of the older version answers to bytes that its own front ends never send. */
async function askOldLamp(bytes: Uint8Array): Promise<number> {
  let code = 0;
  await onPair(async ({ front, back, address }) => {
    createBackEnd(back, address, older, makeOldLamp([]));
    const endpoint = front.createEndpoint(address, {}, { quota: quotaOf(newer) });
    await firstValueFrom(endpoint.lifecycle$.pipe(filter(({ type }) => type === 'connect')));
    const frontEnd = new Uint8Array(idBytes);
    const rest = { features: [], frontEnd, writes: true, recovers: false, oldestUnsettled: 1 };
    await endpoint.submitTransaction(encodeGreeting({ ...versionsOf(newer), ...rest }));
    await assert.rejects(endpoint.submitTransaction(bytes), (error) => {
      assert.ok(error instanceof IdcError);
      code = error.remoteCode ?? 0;
      return true;
    });
  });
  return code;
}

describe('a newer front end with an older back end', () => {
  it('speaks the older version, and reads defaults for what it does not hear', async () => {
    await onPair(async ({ front, back, address }) => {
      const log: string[] = [];
      const backEnd = createBackEnd(back, address, older, makeOldLamp(log));
      const lamp = createFrontEnd(front, address, newer);
      assert.equal((await lamp.ready()).version, 1);
      const status = await lamp.shine({ level: 3, colour: 'red' });
      assert.deepEqual(status, { level: 3, watts: 0 });
      const event = firstValueFrom(lamp.changed$);
      await backEnd.changed({ level: 4 });
      assert.deepEqual(await event, { level: 4, reason: 'unknown' });
      await lamp.nudge();
      await lamp.off();
      assert.deepEqual(log, ['shine 3', 'nudge', 'off']);
    });
  });

  it('does not submit what the back end does not know', async () => {
    await onPair(async ({ front, back, address }) => {
      createBackEnd(back, address, older, makeOldLamp([]));
      const lamp = createFrontEnd(front, address, newer);
      await assert.rejects(lamp.dim({ by: 1 }), isFailure('UNKNOWN_ITEM'));
      await assert.rejects(lamp.blink(), isFailure('UNKNOWN_ITEM'));
      await assert.rejects(lamp.push(), isFailure('UNKNOWN_ITEM'));
      assert.equal(lamp.endpoint.statistics().transactionsSubmitted, 1, 'the greeting alone');
      await lamp.off();
    });
  });

  it('is told so if it asks all the same, and stays connected', async () => {
    const [dim = 0] = newer.transactions
      .filter(({ name }) => name === 'dim')
      .map((it) => it.number);
    assert.equal(await askOldLamp(Uint8Array.of(dim, 1)), kitFailures.UNKNOWN_ITEM.wire);
    assert.equal(await askOldLamp(Uint8Array.of(250)), kitFailures.UNKNOWN_ITEM.wire);
  });
});

describe('an older front end with a newer back end', () => {
  it('is served in its version', async () => {
    await onPair(async ({ front, back, address }) => {
      const log: string[] = [];
      const backEnd = createBackEnd(back, address, newer, makeNewLamp(log));
      const lamp = createFrontEnd(front, address, older);
      assert.deepEqual(await lamp.shine({ level: 3 }), { level: 3 });
      const event = firstValueFrom(lamp.changed$);
      await backEnd.changed({ level: 4, reason: 'heat' });
      assert.deepEqual(await event, { level: 4 });
      assert.deepEqual(log, ['shine 3 white']);
    });
  });

  it('hears nothing of later events, and others that know them do', async () => {
    await onPair(async ({ front, back, address }) => {
      const backEnd = createBackEnd(back, address, newer, makeNewLamp([]));
      const old = createFrontEnd(front, address, older);
      const fresh = createFrontEnd(front, address, newer);
      await Promise.all([old.ready(), fresh.ready()]);
      const warmed = firstValueFrom(fresh.warmed$);
      await backEnd.warmed();
      await warmed;
      await old.off();
      const received = old.endpoint.statistics().messagesReceived;
      assert.equal(received, 0);
      const [oldPeer] = backEnd.frontEnds.filter(({ agreed }) => agreed?.version === 1);
      assert.ok(oldPeer !== undefined);
      await assert.rejects(oldPeer.warmed(), isFailure('UNKNOWN_ITEM'));
    });
  });
});

describe('features', () => {
  it('are those that both ends have', async () => {
    await onPair(async ({ front, back, address }) => {
      const log: string[] = [];
      createBackEnd(back, address, newer, makeNewLamp(log));
      const able = createFrontEnd(front, address, newer);
      assert.deepEqual([...(await able.ready()).features], ['blink']);
      await able.blink();
      const unable = createFrontEnd(front, address, newer, { features: [] });
      assert.deepEqual([...(await unable.ready()).features], []);
      await assert.rejects(unable.blink(), isFailure('UNKNOWN_ITEM'));
      assert.deepEqual(log, ['blink']);
    });
  });

  it('without a handler are not offered', async () => {
    await onPair(async ({ front, back, address }) => {
      const { blink: _, ...rest } = makeNewLamp([]);
      createBackEnd(back, address, newer, rest);
      const lamp = createFrontEnd(front, address, newer);
      assert.deepEqual([...(await lamp.ready()).features], []);
      await assert.rejects(lamp.blink(), isFailure('UNKNOWN_ITEM'));
    });
  });
});

describe('what does not fit is refused', () => {
  async function refusalOf(
    offered: (AnyProtocol & typeof older) | EndpointHandlers,
    wanted: typeof older,
  ): Promise<string> {
    let failure = '';
    await onPair(async ({ front, back, address }) => {
      if ('schema' in offered) createBackEnd(back, address, offered, makeOldLamp([]));
      else back.listen(address, () => offered);
      const lamp = createFrontEnd(front, address, wanted);
      const call = lamp.off();
      await assert.rejects(lamp.ready(), (error) => {
        assert.ok(error instanceof DriverError);
        failure = error.failure;
        assert.equal(error.execution, 'never');
        return true;
      });
      await assert.rejects(call, { failure });
      await assert.rejects(lamp.off(), { failure });
    });
    return failure;
  }
  const variant = (change: object): typeof older => defineProtocol({ ...older.schema, ...change });

  it('another protocol', async () => {
    assert.equal(await refusalOf(variant({ name: 'heater' }), older), 'WRONG_PROTOCOL');
  });

  it('a service without transactions', async () => {
    assert.equal(await refusalOf({ message: (item) => item.complete() }, older), 'WRONG_PROTOCOL');
  });

  it('a version that is spoken no more', async () => {
    const far = variant({ version: 4, oldest: 3 });
    assert.equal(await refusalOf(far, older), 'WRONG_VERSION');
    assert.equal(await refusalOf(older, far), 'WRONG_VERSION');
  });

  it('one version with two definitions', async () => {
    const { transactions } = older.schema;
    const other = variant({ transactions: { ...transactions, off: { effect: 'none' } } });
    assert.equal(await refusalOf(other, older), 'DEFINITIONS_DIFFER');
  });
});
