/** The native calls: where they are found, what they answer, what the hot ones cost. */
import assert from 'node:assert/strict';
import Module from 'node:module';
import { test } from 'node:test';

import { EAGAIN, ErrorNumber, explainNative, loadNative } from '../../transports/ring/native.js';
import {
  acceptUnix,
  dialUnix,
  listenUnix,
  UnixListener,
} from '../../transports/ring/unix-socket.js';
import { lookAtHoldings, requireNative } from './ring-memory-rig.js';

/** Runs `body` in a process in which requiring a package goes through `load`. */
function withLoader(load: (name: string) => unknown, body: () => void): void {
  const original: unknown = Reflect.get(Module, '_load');
  assert.ok(typeof original === 'function');
  const replaced = (name: string, ...rest: unknown[]): unknown => {
    const result: unknown =
      name === 'koffi' ? load(name) : Reflect.apply(original, Module, [name, ...rest]);
    return result;
  };
  Reflect.set(Module, '_load', replaced);
  try {
    body();
  } finally {
    Reflect.set(Module, '_load', original);
  }
}

function connectPair(): [number, number, () => void] {
  const native = requireNative();
  const name = `ring-native-${process.pid}`;
  const listener = listenUnix(native, name);
  assert.ok(listener instanceof UnixListener);
  const near = dialUnix(native, name);
  const far = acceptUnix(native, listener.descriptor);
  assert.ok(typeof near === 'number' && typeof far === 'number');
  native.close(listener.descriptor);
  return [near, far, () => [near, far].forEach((socket) => native.close(socket))];
}

test('the native calls are found here, and nothing is to be explained', () => {
  assert.notEqual(loadNative(), undefined);
  assert.equal(explainNative(), undefined);
});

test('without koffi there are no native calls, and the reason names it', () => {
  const missing = (name: string): never => {
    throw new Error(`Cannot find module '${name}'`);
  };
  withLoader(missing, () => {
    assert.equal(loadNative(), undefined);
    assert.match(explainNative() ?? '', /koffi is not installed.*Cannot find module/);
  });
});

test('with a C library that lacks a function there are none, and the reason names it', () => {
  const library = {
    func: (definition: string): unknown => {
      if (definition.includes('memfd_create')) throw new Error('no memfd_create');
      return () => 0;
    },
  };
  withLoader(
    () => ({ load: () => library }),
    () => {
      assert.equal(loadNative(), undefined);
      assert.match(explainNative() ?? '', /C library lacks a function.*no memfd_create/);
    },
  );
});

test('on a system or processor that is not known there are none', (context) => {
  for (const [property, value] of [
    ['platform', 'darwin'],
    ['arch', 'riscv64'],
  ] as const) {
    const own = Object.getOwnPropertyDescriptor(process, property);
    assert.ok(own);
    Object.defineProperty(process, property, { ...own, value });
    context.after(() => Object.defineProperty(process, property, own));
    assert.equal(loadNative(), undefined);
    assert.match(explainNative() ?? '', new RegExp(value));
    Object.defineProperty(process, property, own);
  }
});

test('a call that fails answers its error number, negated', () => {
  const native = requireNative();
  assert.equal(native.close(987_654), -ErrorNumber.EBADF);
  assert.equal(native.open('/nowhere/at/all', 0), -ErrorNumber.ENOENT);
  assert.equal(native.map(0n, 4096, 1, 1, 987_654), -ErrorNumber.EBADF);
  assert.equal(native.fcntl(987_654, 1, 0), -ErrorNumber.EBADF);
});

test('what is opened or accepted is closed on exec and does not block', () => {
  const native = requireNative();
  const [near, far, close] = connectPair();
  for (const socket of [near, far]) {
    assert.equal(native.fcntl(socket, 1, 0), 1, 'FD_CLOEXEC');
    assert.notEqual(native.fcntl(socket, 3, 0) & 0o4000, 0, 'O_NONBLOCK');
  }
  const opened = native.open('/dev/null', 0);
  assert.equal(native.fcntl(opened, 1, 0), 1);
  native.close(opened);
  close();
});

test('ring and receive: a byte, nothing yet, a full socket, the end', () => {
  const native = requireNative();
  const before = lookAtHoldings();
  const [near, far, close] = connectPair();
  const target = new Uint8Array(8);
  assert.equal(native.receive(far, target), -EAGAIN);
  assert.equal(native.ring(near), 1);
  assert.equal(native.ring(near), 1);
  assert.equal(native.receive(far, target), 2);
  let count = 0;
  while (native.ring(near) === 1) count++;
  assert.ok(count > 0);
  assert.equal(native.ring(near), -EAGAIN);
  native.close(far);
  assert.equal(native.ring(near), -ErrorNumber.EPIPE, 'an error, not a signal');
  assert.ok(native.receive(near, target) <= 0);
  close();
  assert.deepEqual(lookAtHoldings(), before);
});

test('a call that a signal interrupts is done again', () => {
  let interruptions = 3;
  const results = new Map<string, () => number>();
  const interrupted = (name: string) => () => {
    if (interruptions === 0) return results.get(name)?.() ?? 1;
    interruptions--;
    return -1;
  };
  const library = {
    func: (definition: string) => interrupted(/(\w+)\(/.exec(definition)?.[1] ?? ''),
  };
  const koffi = { load: () => library, errno: () => ErrorNumber.EINTR };
  withLoader(
    () => koffi,
    () => {
      const native = loadNative();
      assert.ok(native);
      for (const call of [
        () => native.ring(1),
        () => native.receive(1, new Uint8Array(1)),
        () => native.open('/x', 0),
        () => native.allocate(1, 1),
        () => native.sendMessage(1, new Uint8Array(1)),
      ]) {
        interruptions = 3;
        assert.equal(call(), 1);
        assert.equal(interruptions, 0);
      }
      // But close is not: the number may be another's by then.
      interruptions = 3;
      assert.equal(native.close(1), -ErrorNumber.EINTR);
      assert.equal(interruptions, 2);
    },
  );
});

test('ring and receive allocate nothing', (context) => {
  const { gc } = globalThis;
  assert.ok(gc, 'the tests run with --expose-gc');
  const native = requireNative();
  const [near, far, close] = connectPair();
  const target = new Uint8Array(64);
  const round = (): void => {
    native.ring(near);
    native.receive(far, target);
    native.receive(far, target);
  };
  const rounds = 20_000;
  for (let index = 0; index < rounds; index++) round();
  let leastBytes = Infinity;
  let leastMs = Infinity;
  // The compiler may be late on a busy machine; what allocates does so in every attempt.
  for (let attempt = 0; attempt < 5 || (attempt < 50 && leastBytes >= 4 * rounds); attempt++) {
    gc();
    const usedBytes = process.memoryUsage().heapUsed;
    const startMs = performance.now();
    for (let index = 0; index < rounds; index++) round();
    leastMs = Math.min(leastMs, performance.now() - startMs);
    leastBytes = Math.min(leastBytes, process.memoryUsage().heapUsed - usedBytes);
  }
  close();
  const bytes = leastBytes / rounds;
  const nanoseconds = Math.round((leastMs * 1e6) / rounds);
  context.diagnostic(`ring and two receives: ${bytes.toFixed(2)} bytes, ${nanoseconds} ns`);
  assert.ok(bytes < 4, `${bytes} bytes of heap a round`);
});
