/** What is submitted again after the back end was lost, in which order, and what is not. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Journal, RecoveryOptions } from 'idc/drivers/kit';
import { at, Stage, watch, type Outcome, type Tape } from './stage.js';

const none = (): RecoveryOptions => ({ kind: 'none' });
const lease = (journal: Journal): RecoveryOptions => ({ kind: 'lease', journal, absentMs: 300 });
const forgetfulLease = (): RecoveryOptions => ({ kind: 'lease' });
const table = (journal: Journal): RecoveryOptions => ({ kind: 'table', journal, graceMs: 2_000 });
const forgetfulTable = (): RecoveryOptions => ({ kind: 'table' });

function isWriter({ agreed }: Tape): boolean {
  return agreed?.isWriter ?? false;
}

async function settled(stage: Stage, ...outcomes: readonly Outcome[]): Promise<string[]> {
  await stage.until('calls settle', () => outcomes.every(({ value }) => value !== undefined));
  return outcomes.map(({ value }) => value ?? '');
}

/** Submits one held call of each effect, crashes the back end once they are executed, and waits. */
async function loseOneOfEach(stage: Stage): Promise<string[]> {
  const front = await stage.front();
  for (const label of ['a', 'b', 'c']) stage.held.add(label);
  const calls = [front.look({ label: 'a' }), front.set(at('b')), front.add(at('c'))];
  const outcomes = calls.map(watch);
  await stage.until('they are executed', () => stage.log.length === 3);
  stage.held.clear();
  stage.crashBack();
  await stage.rest();
  stage.startBack();
  const ends = await settled(stage, ...outcomes);
  await stage.close();
  return ends;
}

describe('never', () => {
  it('what was not executed is submitted again in order, before anything new', async () => {
    const stage = new Stage(none);
    const front = await stage.front();
    stage.held.add('0');
    const first = watch(front.look({ label: '0' }));
    await stage.until('one is executed', () => stage.log.length === 1);
    stage.crashBack();
    await stage.rest();
    const labels = ['1', '2', '3', '4', '5'];
    const outcomes = labels.map((label) => watch(front.add(at(label))));
    stage.held.clear();
    stage.startBack();
    assert.deepEqual(await settled(stage, first, ...outcomes), Array(6).fill('done'));
    assert.deepEqual(stage.log, ['look 0', 'look 0', 'add 1', 'add 2', 'add 3', 'add 4', 'add 5']);
    await stage.close();
  });

  it('what was on its way when the link was cut keeps its place', async () => {
    const stage = new Stage(none);
    const front = await stage.front();
    stage.cutLinks();
    const early = ['1', '2', '3'].map((label) => watch(front.look({ label })));
    await stage.rest();
    const late = ['4', '5'].map((label) => watch(front.look({ label })));
    await settled(stage, ...early, ...late);
    assert.deepEqual(stage.log.slice(-5), ['look 1', 'look 2', 'look 3', 'look 4', 'look 5']);
    await stage.close();
  });

  it('what was under way comes before what waited for room behind it', async () => {
    const stage = new Stage(none, { front: { counts: { transactions: 1 } } });
    const front = await stage.front();
    stage.held.add('1');
    const outcomes = ['1', '2', '3'].map((label) => watch(front.look({ label })));
    await stage.until('the first is executed', () => stage.log.length === 1);
    assert.equal(front.statistics().queued, 2);
    stage.held.clear();
    stage.crashBack();
    await stage.rest();
    stage.startBack();
    assert.deepEqual(await settled(stage, ...outcomes), Array(3).fill('done'));
    assert.deepEqual(stage.log, ['look 1', 'look 1', 'look 2', 'look 3']);
    await stage.close();
  });

  it('without recovery it ends with its outcome class', async () => {
    const stage = new Stage(none, { front: { recover: false } });
    const ends = await loseOneOfEach(stage);
    assert.deepEqual(ends, Array(3).fill('DISCONNECTED maybe'));
    assert.deepEqual(stage.log, ['look a', 'set b', 'add c']);
  });
});

describe('maybe', () => {
  it('without lease and table only what changes nothing is repeated', async () => {
    const stage = new Stage(none);
    const ends = await loseOneOfEach(stage);
    assert.deepEqual(ends, ['done', 'DISCONNECTED maybe', 'DISCONNECTED maybe']);
    assert.deepEqual(stage.log, ['look a', 'set b', 'add c', 'look a']);
  });

  it('with an exclusive lease that lasts what is idempotent is repeated', async () => {
    const stage = new Stage(lease);
    const ends = await loseOneOfEach(stage);
    assert.deepEqual(ends, ['done', 'done', 'DISCONNECTED maybe']);
    assert.deepEqual(stage.log, ['look a', 'set b', 'add c', 'look a', 'set b']);
  });

  it('with a lease what must not happen twice ends at once, and does not wait', async () => {
    const stage = new Stage(lease);
    const front = await stage.front();
    stage.held.add('a').add('b');
    const once = watch(front.add(at('a')));
    const again = watch(front.set(at('b')));
    await stage.until('they are executed', () => stage.log.length === 2);
    stage.held.clear();
    stage.crashBack();
    assert.deepEqual(await settled(stage, once), ['DISCONNECTED maybe']);
    assert.equal(again.value, undefined);
    stage.startBack();
    assert.deepEqual(await settled(stage, again), ['done']);
    await stage.close();
  });

  it('a lease that a restart forgets is another lease', async () => {
    const stage = new Stage(forgetfulLease);
    const ends = await loseOneOfEach(stage);
    assert.deepEqual(ends, ['done', 'DISCONNECTED maybe', 'DISCONNECTED maybe']);
  });

  it('a table that lasts has the idempotent repeated, and no other executed twice', async () => {
    const stage = new Stage(table);
    const ends = await loseOneOfEach(stage);
    assert.deepEqual(ends, ['done', 'done', 'OUTCOME_UNKNOWN maybe']);
    // What was begun comes first, and everything else after it.
    assert.deepEqual(stage.log, ['look a', 'set b', 'add c', 'set b', 'look a']);
  });

  it('a table that a restart forgets is another table', async () => {
    const stage = new Stage(forgetfulTable);
    const ends = await loseOneOfEach(stage);
    assert.deepEqual(ends, ['done', 'DISCONNECTED maybe', 'DISCONNECTED maybe']);
  });

  it('what is answered while the link is cut is answered from the table', async () => {
    const stage = new Stage(forgetfulTable);
    const front = await stage.front();
    stage.held.add('a');
    const call = watch(front.add(at('a')));
    await stage.until('it is executed', () => stage.log.length === 1);
    stage.cutLinks();
    await stage.rest(10);
    stage.release('a');
    assert.deepEqual(await settled(stage, call), ['done']);
    assert.deepEqual(stage.log, ['add a']);
    assert.equal(front.statistics().repeatedUncertain, 1);
    await stage.close();
  });

  it('a call that was maybe once never ends as never', async () => {
    const stage = new Stage(table, { front: { timeoutMs: 500 } });
    const front = await stage.front();
    stage.held.add('a');
    const call = watch(front.set(at('a')));
    await stage.until('it is executed', () => stage.log.length === 1);
    stage.crashBack();
    assert.deepEqual(await settled(stage, call), ['TIMEOUT maybe']);
    stage.startBack();
    await stage.close();
  });
});

describe('exclusive lease', () => {
  it('only its holder changes the device, and others may look', async () => {
    const stage = new Stage(lease, { one: {}, other: {} });
    const one = await stage.front('one');
    const other = await stage.front('other');
    const [holder, guest] = isWriter(one) ? [one, other] : [other, one];
    assert.ok(!isWriter(guest));
    const ends = [...[holder.set(at('a')), guest.set(at('b')), guest.look({ label: 'c' })]].map(
      watch,
    );
    assert.deepEqual(await settled(stage, ...ends), ['done', 'NOT_WRITER never', 'done']);
    const left = watch(holder.close());
    await settled(stage, left);
    assert.deepEqual(await settled(stage, watch(guest.set(at('d')))), ['done']);
    assert.ok(isWriter(guest));
    await stage.close();
  });

  it('a front end that only reads never has it', async () => {
    const stage = new Stage(lease, { front: { access: 'read' } });
    const front = await stage.front();
    assert.equal(front.agreed?.isWriter, false);
    const ends = [front.look({ label: 'a' }), front.set(at('b'))].map(watch);
    assert.deepEqual(await settled(stage, ...ends), ['done', 'NOT_WRITER never']);
    await stage.close();
  });

  it('what was maybe is not repeated once somebody else had the lease', async () => {
    const stage = new Stage(lease, { one: {}, other: { access: 'write' } });
    const one = await stage.front('one');
    const other = await stage.front('other');
    const [holder, guest] = isWriter(one) ? [one, other] : [other, one];
    const place = stage.world.place(holder === one ? 'one' : 'other');
    stage.held.add('old');
    const old = watch(holder.set(at('old')));
    await stage.until('it is executed', () => stage.log.length === 1);
    // Long enough for the holder to lose its link and its lease.
    place.stop(30_000);
    await stage.rest(15_000);
    stage.held.clear();
    stage.release('old');
    await stage.rest(1_000);
    assert.deepEqual(await settled(stage, watch(guest.set(at('new')))), ['done']);
    const left = watch(guest.close());
    await settled(stage, left);
    assert.deepEqual(await settled(stage, old), ['DISCONNECTED maybe']);
    assert.deepEqual(stage.log, ['set old', 'set new']);
    assert.deepEqual(await settled(stage, watch(holder.set(at('last')))), ['done']);
    await stage.close();
  });
});

it('a front end whose slots are all taken asks for the lease once it has one', async () => {
  const counts = { transactions: 1 };
  const stage = new Stage(lease, { one: { counts }, other: { counts } });
  const one = await stage.front('one');
  const other = await stage.front('other');
  const [holder, guest] = isWriter(one) ? [one, other] : [other, one];
  stage.held.add('long');
  const look = watch(guest.look({ label: 'long' }));
  await stage.until('it is executed', () => stage.log.length === 1);
  await settled(stage, watch(holder.close()));
  const change = watch(guest.set(at('a')));
  await stage.rest();
  stage.release('long');
  assert.deepEqual(await settled(stage, look, change), ['done', 'done']);
  await stage.close();
});

describe('table', () => {
  it('what two front ends had begun is done again in its order, before anything new', async () => {
    const stage = new Stage(table, { one: {}, other: {} });
    const one = await stage.front('one');
    const other = await stage.front('other');
    for (const label of ['1', '2', '3']) stage.held.add(label);
    const calls: Outcome[] = [];
    for (const [front, label] of [
      [one, '1'],
      [other, '2'],
      [one, '3'],
    ] as const) {
      calls.push(watch(front.set(at(label))));
      await stage.until(`${label} is executed`, () => stage.log.length === calls.length);
    }
    stage.held.delete('2');
    stage.held.delete('3');
    stage.crashBack();
    // The other one comes back first, and has more to do; the first one is late.
    stage.world.place('one').stop(400);
    await stage.rest(50);
    stage.startBack();
    calls.push(watch(other.set(at('new'))), watch(other.look({ label: 'newer' })));
    await stage.rest(1_000);
    assert.deepEqual(stage.log.slice(3), ['set 1'], 'one after another');
    stage.release('1');
    assert.deepEqual(await settled(stage, ...calls), Array(5).fill('done'));
    const again = ['set 1', 'set 2', 'set 3', 'set new', 'look newer'];
    assert.deepEqual(stage.log.slice(3), again);
    await stage.close();
  });

  it('a front end that does not come back is waited for as long as the grace lasts', async () => {
    const stage = new Stage(table, { one: {}, other: {} });
    const one = await stage.front('one');
    const other = await stage.front('other');
    stage.held.add('lost');
    const lost = watch(one.set(at('lost')));
    await stage.until('it is executed', () => stage.log.length === 1);
    stage.crashBack();
    stage.world.place('one').stop(6_000);
    await stage.rest(50);
    stage.startBack();
    const call = watch(other.set(at('new')));
    await stage.rest(1_500);
    assert.equal(call.value, undefined);
    assert.deepEqual(await settled(stage, call), ['done']);
    assert.deepEqual(await settled(stage, lost), ['OUTCOME_UNKNOWN maybe']);
    assert.deepEqual(stage.log, ['set lost', 'set new']);
    await stage.close();
  });

  it('a front end that gave its call up is not waited for', async () => {
    const stage = new Stage(table, { one: {}, other: {} });
    const one = await stage.front('one');
    const other = await stage.front('other');
    stage.held.add('lost');
    const abort = new AbortController();
    const lost = watch(one.set(at('lost'), { signal: abort.signal }));
    await stage.until('it is executed', () => stage.log.length === 1);
    stage.crashBack();
    await stage.rest();
    abort.abort();
    assert.deepEqual(await settled(stage, lost), ['CANCELLED maybe']);
    const startMs = stage.world.nowMs;
    stage.startBack();
    assert.deepEqual(await settled(stage, watch(other.set(at('new')))), ['done']);
    assert.ok(stage.world.nowMs - startMs < 1_500, 'it waited for the grace to end');
    await stage.close();
  });

  it('what is given up before its turn does not happen, and holds nobody up', async () => {
    const stage = new Stage(table, { one: {}, other: {} });
    const one = await stage.front('one');
    const other = await stage.front('other');
    stage.held.add('a');
    const a = watch(one.move({ label: 'a', from: 0, count: 4 }));
    await stage.until('the first is executed', () => stage.log.length === 1);
    const abort = new AbortController();
    const b = watch(other.move({ label: 'b', from: 0, count: 4 }, { signal: abort.signal }));
    const c = watch(other.move({ label: 'c', from: 3, count: 4 }, { timeoutMs: 200 }));
    await stage.rest(50);
    abort.abort();
    await stage.rest(500);
    assert.deepEqual([b.value, c.value], ['CANCELLED maybe', 'TIMEOUT maybe']);
    const d = watch(other.move({ label: 'd', from: 4, count: 4 }));
    assert.deepEqual(await settled(stage, d), ['done'], 'who waited before it is gone');
    stage.release('a');
    assert.deepEqual(await settled(stage, a), ['done']);
    assert.deepEqual(stage.log, ['move a', 'move d']);
    await stage.close();
  });

  it('one that gives up what would be done again is not waited for', async () => {
    const stage = new Stage(table, { one: { counts: { transactions: 2 } }, other: {} });
    const one = await stage.front('one');
    const other = await stage.front('other');
    stage.held.add('first').add('lost');
    const abort = new AbortController();
    const first = watch(one.set(at('first')));
    const lost = watch(one.set(at('lost'), { signal: abort.signal }));
    await stage.until('they are executed', () => stage.log.length === 2);
    stage.crashBack();
    await stage.rest();
    stage.held.clear();
    abort.abort();
    // More than there are slots, and none of them can run before the list is empty.
    const more = ['1', '2', '3'].map((label) => watch(one.set(at(label))));
    const startMs = stage.world.nowMs;
    stage.startBack();
    const call = watch(other.set(at('new')));
    assert.deepEqual(await settled(stage, first, call, ...more), Array(5).fill('done'));
    assert.equal(lost.value, 'CANCELLED maybe');
    assert.ok(stage.world.nowMs - startMs < 1_500, 'it waited for the grace to end');
    await stage.close();
  });

  it('a change without a range is one of the whole device', async () => {
    const stage = new Stage(table, { one: {}, other: {} });
    const one = await stage.front('one');
    const other = await stage.front('other');
    stage.held.add('a');
    const reset = watch(one.reset({ label: 'a' }));
    await stage.until('it is executed', () => stage.log.length === 1);
    const change = watch(other.set(at('b')));
    const look = watch(other.look({ label: 'c' }));
    await stage.rest();
    assert.deepEqual(stage.log, ['reset a', 'look c']);
    stage.release('a');
    assert.deepEqual(await settled(stage, reset, change, look), ['done', 'done', 'done']);
    await stage.close();
  });

  it('changes of one place wait for each other, those of others do not', async () => {
    const stage = new Stage(table, { one: {}, other: {} });
    const one = await stage.front('one');
    const other = await stage.front('other');
    for (const label of ['a', 'b', 'c', 'd']) stage.held.add(label);
    const a = watch(one.move({ label: 'a', from: 0, count: 4 }));
    await stage.until('the first is executed', () => stage.log.length === 1);
    const b = watch(other.move({ label: 'b', from: 3, count: 4 }));
    await stage.rest();
    const c = watch(one.move({ label: 'c', from: 6, count: 1 }));
    const d = watch(other.move({ label: 'd', from: 7, count: 1 }));
    await stage.rest();
    assert.deepEqual(stage.log, ['move a', 'move d'], 'c overlaps b, which waits for a');
    for (const label of ['a', 'b', 'c', 'd']) {
      stage.release(label);
      await stage.rest();
    }
    assert.deepEqual(await settled(stage, a, b, c, d), Array(4).fill('done'));
    assert.deepEqual(stage.log, ['move a', 'move d', 'move b', 'move c']);
    await stage.close();
  });
});

it('a front end does not let a change overtake an earlier one of the same place', async () => {
  const stage = new Stage(lease);
  const front = await stage.front();
  stage.held.add('a');
  const a = watch(front.move({ label: 'a', from: 0, count: 2 }));
  const b = watch(front.move({ label: 'b', from: 1, count: 2 }));
  await stage.rest();
  assert.deepEqual(stage.log, ['move a']);
  stage.release('a');
  assert.deepEqual(await settled(stage, a, b), ['done', 'done']);
  await stage.close();
});
