/** The small parts of operations: the account of bytes, the local list, the lease, the back-off. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ErrorCode } from '../../core/errors.js';
import { Lease, Leases } from '../../core/transfer/lease.js';
import {
  fillLocal,
  gatherLocal,
  LocalList,
  makeLocal,
  pushViews,
} from '../../core/transfer/local-list.js';
import { Account } from '../../core/transfer/operation-account.js';
import { backOffMs, reactionTo } from '../../core/transfer/operation-reaction.js';
import { patternBytes } from './fake-link.js';

describe('an account', () => {
  it('sends in order, what came back first, and each byte once at a time', () => {
    const account = new Account(100);
    assert.equal(account.send(40), false);
    assert.deepEqual([account.nextFrom, account.nextBytes], [40, 60]);
    account.returnToSend(0, 40);
    assert.deepEqual([account.nextFrom, account.nextBytes], [0, 40]);
    assert.equal(account.send(30), true);
    assert.deepEqual([account.nextFrom, account.nextBytes], [30, 10]);
    assert.equal(account.send(10), true);
    assert.equal(account.send(60), false);
    assert.equal(account.nextBytes, 0);
    for (const byteLength of [30, 10]) account.finish(byteLength);
    assert.equal(account.isDone, false);
    account.finish(60);
    assert(account.isDone);
  });

  it('keeps what is in doubt until that is cleared', () => {
    const account = new Account(100);
    for (let index = 0; index < 10; index++) account.send(10);
    account.doubt(60, 10);
    account.doubt(20, 20);
    assert(account.hasDoubts);
    assert.deepEqual(account.doubtful, { from: 20, end: 70 });
    assert.equal(account.nextBytes, 0, 'what is in doubt is not sent');
    account.clearDoubts();
    assert.equal(account.hasDoubts, false);
    const sent = [1, 2].map(() => {
      const { nextFrom, nextBytes } = account;
      account.send(nextBytes);
      return [nextFrom, nextBytes];
    });
    assert.deepEqual(sent, [
      [20, 20],
      [60, 10],
    ]);
    assert.equal(new Account(100).nextBytes, 100);
  });
});

describe('local bytes', () => {
  const whole = patternBytes(1_000, 6);
  const parts = [
    whole.subarray(0, 0),
    whole.subarray(0, 1),
    whole.subarray(1, 1),
    whole.subarray(1, 400),
    whole.subarray(400, 1_000),
    whole.subarray(1_000),
  ];

  it('are found in a list wherever a piece begins and ends', () => {
    const list = new LocalList(parts);
    assert.equal(list.byteLength, 1_000);
    for (const [from, byteLength] of [
      [0, 1],
      [0, 1_000],
      [1, 399],
      [399, 2],
      [400, 600],
      [999, 1],
      [1_000, 0],
      [500, 0],
    ] as const) {
      const views: Uint8Array[] = [];
      pushViews(list, from, byteLength, views);
      assert.deepEqual(Buffer.concat(views), Buffer.from(whole.subarray(from, from + byteLength)));
      assert(views.every((view) => view.length > 0));
      const target = whole.map(() => 0xcc);
      const targets = makeLocal([target.subarray(0, 7), target.subarray(7)]);
      fillLocal(targets, from, whole, from, byteLength);
      const expected = whole.map((byte, index) =>
        index >= from && index < from + byteLength ? byte : 0xcc,
      );
      assert.deepEqual(target, expected);
    }
    const target = new Uint8Array(1_010);
    gatherLocal(list, target, 5);
    assert.deepEqual(target, Uint8Array.of(0, 0, 0, 0, 0, ...whole, 0, 0, 0, 0, 0));
  });

  it('of one part are that array; a list is what it was when it was given', () => {
    assert.equal(makeLocal([whole]), whole);
    const list = [whole.subarray(0, 10), whole.subarray(10, 20)];
    const local = makeLocal(list);
    list.pop();
    const target = new Uint8Array(20);
    gatherLocal(local, target, 0);
    assert.deepEqual(target, whole.slice(0, 20));
  });

  it('that were taken away meanwhile are an assertion, and nothing is written beside them', () => {
    const array = new Uint8Array(100);
    const list = new LocalList([array, new Uint8Array(100)]);
    structuredClone(array.buffer, { transfer: [array.buffer] });
    const isBadArgument = { code: 'BAD_ARGUMENT' };
    const views: Uint8Array[] = [];
    assert.throws(() => pushViews(array, 0, 10, views), isBadArgument);
    assert.throws(() => pushViews(list, 50, 100, views), isBadArgument);
    assert.throws(() => fillLocal(array, 0, whole, 0, 10), isBadArgument);
    assert.throws(() => fillLocal(list, 0, whole, 0, 10), isBadArgument);
  });
});

describe('a lease', () => {
  it('is as old as the request that brought it, and good for half of its time', () => {
    const lease = new Lease('owner');
    assert.equal(lease.isYoung(0), false, 'nothing is known yet');
    lease.renew(7_000, 1_000, 100);
    assert.equal(lease.isYoung(599), true);
    assert.equal(lease.isYoung(600), false);
    assert.equal(lease.landsUntil(600), 600 + 1_010 + 10);
  });

  it('keeps the later stamp, and the later moment from which one is known', () => {
    const lease = new Lease('owner');
    lease.renew(7_000, 1_000, 100);
    lease.renew(6_900, 1_000, 200);
    assert.equal(lease.stamp, 7_000);
    assert.equal(lease.isYoung(650), true);
    lease.renew(7_100, 1_000, 50);
    assert.equal(lease.stamp, 7_100);
    assert.equal(lease.isYoung(700), false);
  });

  it('that its owner refused is replaced, even by an older one', () => {
    const lease = new Lease('owner');
    lease.renew(1e300, 1_000, 100);
    lease.replace(7_000, 2_000, 50);
    assert.deepEqual([lease.stamp, lease.leaseMs], [7_000, 2_000]);
    assert.equal(lease.isYoung(1_049), true);
    assert.equal(lease.isYoung(1_050), false);
  });

  it('is kept by owner and incarnation, of the last 4,096 owners', () => {
    const leases = new Leases();
    const first = leases.get('a', '1');
    assert.equal(leases.get('a', '1'), first);
    assert.notEqual(leases.get('a', '2'), first);
    for (let index = 0; index < 4_096; index++) leases.get(`b${index}`, '1');
    assert.notEqual(leases.get('a', '1'), first);
  });
});

describe('a failure', () => {
  it('of each code has its reaction; those of the reference are final', () => {
    const codesBy = new Map<string, ErrorCode[]>();
    for (const code of Object.values(ErrorCode)) {
      const reaction = reactionTo(code);
      codesBy.set(reaction, [...(codesBy.get(reaction) ?? []), code]);
    }
    assert.deepEqual(codesBy.get('again'), ['STALE_LEASE']);
    assert.deepEqual(codesBy.get('later'), ['QUOTA', 'BACK_PRESSURED', 'EXHAUSTED']);
    assert.deepEqual(codesBy.get('elsewhere'), [
      'NOT_CONNECTED',
      'DISCONNECTED',
      'CANCELLED',
      'TIMEOUT',
      'DESTROYED',
      'UNREACHABLE',
      'SILENT',
      'SUPERSEDED',
    ]);
    for (const code of ['STALE_REFERENCE', 'FORGED_REFERENCE', 'CORRUPT', 'REFUSED'] as const) {
      assert(codesBy.get('final')?.includes(code));
    }
  });

  it('is followed by a wait that grows and ends at a second', () => {
    assert.equal(backOffMs(0, 0.9), 0);
    assert.equal(backOffMs(1, 0.9), 0);
    assert.deepEqual([backOffMs(2, 0), backOffMs(2, 1)], [1, 2]);
    assert.deepEqual([backOffMs(9, 0), backOffMs(9, 1)], [128, 256]);
    assert.deepEqual([backOffMs(500, 0), backOffMs(500, 1)], [500, 1_000]);
  });
});
