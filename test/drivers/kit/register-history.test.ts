/** The checker of histories is itself able to fail. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { RegisterHistory } from './register-history.js';

/** An operation that ends when it is told to. */
interface Pending<T> {
  readonly promise: Promise<T>;
  readonly end: (value: T) => Promise<void>;
}

function pending<T>(): Pending<T> {
  let resolve: (value: T) => void = () => undefined;
  const promise = new Promise<T>((resolvePromise) => (resolve = resolvePromise));
  return {
    promise,
    end: async (value) => {
      resolve(value);
      // Two turns of the microtask queue: the history notes the end in the first.
      await promise;
      await promise;
    },
  };
}

const never = (): boolean => true;
const maybe = (): boolean => false;

async function write(history: RegisterHistory): Promise<void> {
  await history.write(() => Promise.resolve(), never);
}

async function read(history: RegisterHistory, value: number): Promise<void> {
  await history.read(() => Promise.resolve(value));
}

it('one client that reads what it wrote is linearizable', async () => {
  const history = new RegisterHistory();
  await read(history, 0);
  await write(history);
  await read(history, 1);
  await write(history);
  await read(history, 2);
  assert.equal(history.problem(), undefined);
});

it('an old value after a newer one is not', async () => {
  const history = new RegisterHistory();
  await write(history);
  await write(history);
  await read(history, 1);
  assert.match(history.problem() ?? '', /2 was written while 1 was there|before and after/);
});

it('a value that nobody wrote, and one before its write, are not', async () => {
  const unwritten = new RegisterHistory();
  await read(unwritten, 5);
  assert.match(unwritten.problem() ?? '', /never written/);
  const early = new RegisterHistory();
  await read(early, 1);
  await write(early);
  assert.match(early.problem() ?? '', /before it was written/);
});

it('two writes at one time may come in any order, but in one', async () => {
  const history = new RegisterHistory();
  const [one, two] = [pending<undefined>(), pending<undefined>()];
  const first = history.write(() => one.promise, maybe);
  const second = history.write(() => two.promise, maybe);
  await read(history, 2);
  await read(history, 1);
  assert.equal(history.problem(), undefined);
  await read(history, 2);
  assert.match(history.problem() ?? '', /1 was written while 2 was there/);
  await one.end(undefined);
  await two.end(undefined);
  await Promise.all([first, second]);
});

it('a write without an answer may come late or never, and not twice', async () => {
  const history = new RegisterHistory();
  const lost = history.write(() => Promise.reject(new Error('lost')), maybe);
  await assert.rejects(lost);
  await read(history, 0);
  await write(history);
  await read(history, 2);
  assert.equal(history.problem(), undefined);
  await read(history, 1);
  assert.equal(history.problem(), undefined);
  await write(history);
  await read(history, 3);
  assert.equal(history.problem(), undefined);
  await read(history, 1);
  assert.notEqual(history.problem(), undefined, 'it was undone');
});
