/** A goodbye finds answers that the link has not taken yet: they are evidence, and go out first. */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { createDomain, type Endpoint } from 'idc';
import { tcp } from 'idc/tcp';

import { FrameType, headWord } from '../../core/frame.js';
import { makeFrame } from './fake-link.js';
import { SessionPair } from './session-pair.js';

const quota = { transactions: 32, statusBytes: 64 * 1024 };
/** One status fills the link many times over. */
const narrow = { frameBytesMax: 4096, sendBytes: 8192 };

test('goodbye: what was answered before it is done, though the link was full', async (context) => {
  const back = createDomain({ name: 'back', transports: [tcp(narrow)], quota });
  const front = createDomain({ name: 'front', transports: [tcp(narrow)], quota });
  context.after(() => Promise.all([front.close(), back.close()]));
  let answeredCount = 0;
  const listener = back.listen('tcp://127.0.0.1:0/answers', () => ({
    transaction: (transaction) => {
      answeredCount++;
      transaction.complete(new Uint8Array(quota.statusBytes));
    },
  }));
  const address = await listener.ready;
  const outcomes: string[] = [];
  const endpoint = await new Promise<Endpoint>((resolve) => {
    front.createEndpoint(address, { connect: resolve });
  });
  for (let count = 0; count < quota.transactions; count++) {
    endpoint.transact(
      new Uint8Array(8),
      (_, code, execution) => outcomes.push(`${code} ${execution}`),
      undefined,
    );
  }
  await endpoint.destroy();

  assert.equal(outcomes.length, quota.transactions);
  assert.equal(outcomes.filter((outcome) => outcome === 'OK done').length, answeredCount);
  assert.deepEqual(
    outcomes.filter((outcome) => outcome.endsWith('maybe')),
    [],
  );
});

/** Its last request was handled, says the peer; this side's link takes nothing. */
function sayGoodbyeToClogged(): SessionPair {
  const pair = new SessionPair({});
  const { near } = pair;
  near.transact('handled', new Uint8Array(1));
  near.transact('unseen', new Uint8Array(1));
  near.link.room = 0;
  const goodbye = makeFrame([headWord(FrameType.Goodbye, 0, 0), 1, 0]);
  near.session.frame(goodbye.bytes, 0, goodbye.bytes.length);
  assert.equal(near.end, undefined);
  return pair;
}

const evidence = ['handled DISCONNECTED maybe', 'unseen DISCONNECTED never'];

test('goodbye: a full link holds the end back for flushMs at most', () => {
  const { near, runtime } = sayGoodbyeToClogged();
  runtime.advance(1_100);
  assert.equal(near.end?.handledThrough, 1);
  assert.deepEqual(near.namesSettled(), evidence);
});

test('goodbye: its evidence outlives the link', () => {
  const { near } = sayGoodbyeToClogged();
  near.session.linkDown('reset');
  assert.deepEqual(near.namesSettled(), evidence);
});

test('goodbye: nothing is submitted after it', () => {
  const { near } = sayGoodbyeToClogged();
  assert.equal(near.initiator.submitMessage(new Uint8Array(1)), -1);
});

test('goodbye: the end comes as soon as the link has taken what is owed', () => {
  const pair = sayGoodbyeToClogged();
  pair.giveRoom(pair.near, 1);
  assert.equal(pair.near.end?.handledThrough, 1);
});
