/** Submissions that cannot be: refused at once, with evidence that nothing was executed. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { inspect } from 'node:util';
import { createDomain, IdcError, Refusal, type Endpoint, type ErrorCode } from 'idc';
import { createMemoryNetwork, memory } from 'idc/memory';

import { media, TwoSides } from './two-sides.js';

const body = new Uint8Array(4);
const noStatus = { remoteCode: undefined, status: undefined };

function never(code: ErrorCode): object {
  return { name: 'IdcError', code, execution: 'never', retrySafe: true, ...noStatus };
}

/** Every form of submission is refused for the same reason. */
async function refusesAll(
  endpoint: Endpoint,
  bytes: Uint8Array,
  refusal: Refusal,
  code: ErrorCode,
): Promise<void> {
  const completion = (): void => {
    assert.fail('a refused transaction completes nothing');
  };
  const before = endpoint.statistics();
  assert.equal(endpoint.submitMessage(bytes), refusal);
  assert.equal(endpoint.submitMessage([bytes, new Uint8Array(0)]), refusal);
  assert.equal(endpoint.transact(bytes, completion, undefined), refusal);
  await assert.rejects(endpoint.submitTransaction(bytes), never(code));
  await assert.rejects(rejectionOf(endpoint, bytes), never(code));
  const kinds = ['message', 'transaction'] as const;
  for (const kind of kinds) {
    const { byteLength } = bytes;
    await assert.rejects(endpoint.whenWritable({ kind, byteLength }), never(code));
  }
  const after = endpoint.statistics();
  assert.equal(after.refusals - before.refusals, 5);
  assert.equal(after.messagesSubmitted, before.messagesSubmitted);
  assert.equal(after.transactionsSubmitted, before.transactionsSubmitted);
}

function rejectionOf(endpoint: Endpoint, bytes: Uint8Array): Promise<void> {
  return new Promise((resolve, reject) => {
    endpoint.transaction$(bytes).subscribe({ complete: resolve, error: reject });
  });
}

it('before connect: NOT_CONNECTED; after destroy: DESTROYED', async () => {
  const transports = [memory({ network: createMemoryNetwork() })];
  const domain = createDomain({ name: 'one', transports });
  const endpoint = domain.createEndpoint('memory://nobody/service', {});
  await refusesAll(endpoint, body, Refusal.NotConnected, 'NOT_CONNECTED');
  await assert.rejects(endpoint.whenFlushed(), never('NOT_CONNECTED'));
  assert.equal(endpoint.cancel(0), false);
  const destroyed = endpoint.destroy();
  await refusesAll(endpoint, body, Refusal.Destroyed, 'DESTROYED');
  await destroyed;
  await refusesAll(endpoint, body, Refusal.Destroyed, 'DESTROYED');
  await assert.rejects(endpoint.whenFlushed(), never('DESTROYED'));
  await domain.close();
});

for (const medium of media) {
  describe(`over ${medium}`, { timeout: 10_000 }, () => {
    it('after the epoch: NOT_CONNECTED if the peer left, DESTROYED if we did', async () => {
      const seen: [number, boolean][] = [];
      const sides = new TwoSides(medium, () => ({
        disconnect: (endpoint) => void seen.push([endpoint.submitMessage(body), false]),
      }));
      const endpoint = await sides.dial({
        disconnect: (self) => void seen.push([self.submitMessage(body), true]),
      });
      await endpoint.destroy();
      await refusesAll(endpoint, body, Refusal.Destroyed, 'DESTROYED');
      await sides.end();
      const refusals = new Map(seen.map(([refusal, isNear]) => [isNear, refusal]));
      assert.equal(refusals.get(true), Refusal.Destroyed);
      assert.equal(refusals.get(false), Refusal.NotConnected);
    });

    it('too big for the agreed quota: TOO_LARGE; the largest is not', async () => {
      const sides = new TwoSides(medium, () => ({
        message: (message) => {
          message.complete();
        },
        transaction: (transaction) => {
          transaction.complete(transaction.parameters);
        },
      }));
      const endpoint = await sides.dial();
      await refusesAll(endpoint, new Uint8Array(4097), Refusal.TooLarge, 'TOO_LARGE');
      const largest = new Uint8Array(4096).fill(7);
      assert.equal(endpoint.submitMessage(largest), 1);
      assert.deepEqual(await endpoint.submitTransaction(largest), largest);
      await endpoint.whenFlushed();
      await sides.end();
    });

    it('every slot taken: QUOTA; a signal that fired: CANCELLED; both never', async () => {
      const quota = { transactions: 1 };
      const sides = new TwoSides(medium, () => ({ transaction: () => undefined }));
      const endpoint = await sides.dial({}, { quota });
      const first = assert.rejects(endpoint.submitTransaction(body), { code: 'DISCONNECTED' });
      await assert.rejects(endpoint.submitTransaction(body), never('QUOTA'));
      const signal = AbortSignal.abort();
      await assert.rejects(endpoint.submitTransaction(body, { signal }), never('CANCELLED'));
      await Promise.all([endpoint.destroy({ drainMs: 0 }), first]);
      await sides.far.close({ drainMs: 0 });
      await sides.end();
    });

    it('what the handler answers: REMOTE done, with its code and status', async () => {
      const sides = new TwoSides(medium, () => ({
        transaction: (transaction) => {
          transaction.complete(body, -7);
        },
      }));
      const endpoint = await sides.dial();
      await assert.rejects(endpoint.submitTransaction(body), {
        name: 'IdcError',
        code: 'REMOTE',
        execution: 'done',
        retrySafe: false,
        reason: 'the handler answered with code -7',
        remoteCode: -7,
        status: body,
      });
      await sides.end();
    });
  });
}

describe('an IdcError', () => {
  const details = { reason: 'because', remoteCode: 5, status: body };
  const error = new IdcError('REMOTE', 'done', details);

  it('is an Error that names itself, its code and its reason', () => {
    assert(error instanceof Error);
    assert.equal(error.name, 'IdcError');
    assert.equal(error.message, 'REMOTE (done): because');
    assert.match(String(error.stack), /REMOTE \(done\): because/);
  });

  it('survives inspection', () => {
    const text = inspect(error);
    assert.match(text, /IdcError.*REMOTE \(done\): because/);
    for (const fact of ["code: 'REMOTE'", "execution: 'done'", 'remoteCode: 5']) {
      assert(text.includes(fact), `${fact} in ${text}`);
    }
  });

  it('survives a structured clone as far as errors do: message and stack', () => {
    const clone: Error = structuredClone(error);
    assert.equal(clone.message, error.message);
    assert.equal(clone.stack, error.stack);
  });
});
