/** Unix sockets as rendezvous, and descriptors passed over them, hostile ones included. */
import assert from 'node:assert/strict';
import {
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import path from 'node:path';
import { test } from 'node:test';

import { Fault } from '../../core/transport.js';
import { receiveDescriptor, sendDescriptor } from '../../transports/ring/descriptor-passing.js';
import { MappedRanges } from '../../transports/ring/mapped-ranges.js';
import { ErrorNumber, OpenFlag, type Native } from '../../transports/ring/native.js';
import {
  acceptUnix,
  dialUnix,
  listenUnix,
  peerCredentials,
  UnixListener,
} from '../../transports/ring/unix-socket.js';
import { lookAtHoldings, makeOwn, overriding, requireNative } from '../unit/ring-memory-rig.js';
import { makeTemporaryFolder } from '../unit/temporary-folder.js';
import { FarProcess, isRoot } from './far-process.js';

const native = requireNative();
const unique = `ring-memory-sockets-${process.pid}`;

function listenAt(name: string): UnixListener {
  const listener = listenUnix(native, name);
  if (typeof listener === 'string') assert.fail(`${name}: ${listener}`);
  return listener;
}

function close(listener: UnixListener): void {
  listener.remove();
  native.close(listener.descriptor);
}

/** Two connected sockets. */
function connectPair(): [number, number] {
  const listener = listenAt(`${unique}-pair`);
  const near = dialUnix(native, `${unique}-pair`);
  const far = acceptUnix(native, listener.descriptor);
  close(listener);
  assert.ok(typeof near === 'number' && typeof far === 'number');
  return [near, far];
}

test('a name of either kind is listened at, dialled, accepted, and gone', async (t) => {
  const folder = await makeTemporaryFolder(t);
  for (const name of [unique, path.join(folder, 'socket')]) {
    const before = lookAtHoldings();
    assert.equal(typeof dialUnix(native, name), 'string', 'nobody is there yet');
    const listener = listenAt(name);
    assert.equal(acceptUnix(native, listener.descriptor), 'later');
    const near = dialUnix(native, name);
    const far = acceptUnix(native, listener.descriptor);
    assert.ok(typeof near === 'number' && typeof far === 'number');
    const us = { pid: process.pid, uid: process.getuid?.(), gid: process.getgid?.() };
    assert.deepEqual(peerCredentials(native, near), us);
    assert.deepEqual(peerCredentials(native, far), us);
    assert.equal(native.ring(near), 1);
    assert.equal(native.receive(far, new Uint8Array(4)), 1);
    assert.equal(listenUnix(native, name), Fault.AddressInUse);
    close(listener);
    for (const socket of [near, far]) native.close(socket);
    assert.deepEqual(lookAtHoldings(), before);
    assert.deepEqual(readdirSync(folder), []);
  }
});

test('what cannot be listened at or dialled is a typed fault', async (t) => {
  const folder = await makeTemporaryFolder(t);
  const before = lookAtHoldings();
  const file = path.join(folder, 'file');
  writeFileSync(file, 'kept');
  const cases: [string, Fault, Fault][] = [
    ['', Fault.Unsupported, Fault.Unsupported],
    ['a\0b', Fault.Unsupported, Fault.Unsupported],
    ['/a\0b', Fault.Unsupported, Fault.Unsupported],
    ['x'.repeat(104), Fault.Unsupported, Fault.Unsupported],
    [`/${'x'.repeat(107)}`, Fault.Unsupported, Fault.Unsupported],
    [path.join(folder, 'none/socket'), Fault.NotFound, Fault.NotFound],
    [path.join(file, 'socket'), Fault.NotFound, Fault.NotFound],
    [`${unique}-nobody`, Fault.Refused, Fault.Refused],
  ];
  for (const [name, listening, dialling] of cases) {
    if (!name.endsWith('nobody')) assert.equal(listenUnix(native, name), listening, name);
    assert.equal(dialUnix(native, name), dialling, name);
  }
  assert.deepEqual(lookAtHoldings(), before);
});

test('the longest names serve', async (t) => {
  const folder = await makeTemporaryFolder(t);
  const file = path.join(folder, 'x'.repeat(107 - folder.length - 1));
  assert.equal(Buffer.byteLength(file), 107);
  for (const name of [file, `${unique}-`.padEnd(103, 'x')]) {
    const listener = listenAt(name);
    const dialled = dialUnix(native, name);
    assert.ok(typeof dialled === 'number', String(dialled));
    native.close(dialled);
    close(listener);
  }
});

test('a stale file is taken over, a live one is not, whoever listens', async (t) => {
  const folder = await makeTemporaryFolder(t);
  const name = path.join(folder, 'socket');
  native.close(listenAt(name).descriptor);
  assert.deepEqual(readdirSync(folder), ['socket'], 'as a dead process leaves it');
  assert.equal(dialUnix(native, name), Fault.Refused);
  const second = listenAt(name);
  assert.equal(listenUnix(native, name), Fault.AddressInUse);
  close(second);
  assert.deepEqual(readdirSync(folder), []);
  const server = createServer().listen(name);
  await new Promise((resolve) => server.once('listening', resolve));
  assert.equal(listenUnix(native, name), Fault.AddressInUse);
  await new Promise((resolve) => server.close(resolve));
});

test('what is no socket is never removed', async (t) => {
  const folder = await makeTemporaryFolder(t);
  const [file, inner, link, socket] = ['file', 'inner', 'link', 'socket'].map((name) =>
    path.join(folder, name),
  ) as [string, string, string, string]; // as many as went in
  writeFileSync(file, 'kept');
  mkdirSync(inner);
  native.close(listenAt(socket).descriptor);
  symlinkSync(socket, link);
  for (const name of [file, inner, link]) {
    assert.equal(listenUnix(native, name), Fault.AddressInUse, name);
  }
  assert.equal(readFileSync(file, 'utf8'), 'kept');
  assert.deepEqual(readdirSync(folder), ['file', 'inner', 'link', 'socket']);
});

test('at its end a listener removes its own file alone, once', async (t) => {
  const folder = await makeTemporaryFolder(t);
  const name = path.join(folder, 'socket');
  const first = listenAt(name);
  await rename(name, path.join(folder, 'elsewhere'));
  const second = listenAt(name);
  first.remove();
  assert.deepEqual(readdirSync(folder), ['elsewhere', 'socket']);
  second.remove();
  assert.deepEqual(readdirSync(folder), ['elsewhere']);
  const third = listenAt(name);
  second.remove();
  assert.ok(statSync(name).isSocket());
  await rm(name);
  third.remove();
  for (const listener of [first, second, third]) native.close(listener.descriptor);
});

test('a folder that somebody keeps locked is a fault in bounded time', async (t) => {
  const folder = await makeTemporaryFolder(t);
  const before = lookAtHoldings();
  const holder = native.open(folder, OpenFlag.ReadOnly);
  assert.equal(native.lock(holder), 0);
  const startMs = performance.now();
  assert.equal(listenUnix(native, path.join(folder, 'socket')), Fault.TimedOut);
  t.diagnostic(`given up after ${Math.round(performance.now() - startMs)} ms`);
  native.close(holder);
  close(listenAt(path.join(folder, 'socket')));
  assert.deepEqual(lookAtHoldings(), before);
});

test('a crowd at the door: who finds the queue full is told so, who waited is served', () => {
  const name = `${unique}-crowd`;
  const listener = listenAt(name);
  const dialled: number[] = [];
  let last: number | Fault = 0;
  while (dialled.length < 5_000) {
    last = dialUnix(native, name);
    if (typeof last !== 'number') break;
    dialled.push(last);
  }
  assert.equal(last, Fault.Exhausted);
  let accepted = 0;
  for (;;) {
    const socket = acceptUnix(native, listener.descriptor);
    if (typeof socket !== 'number') break;
    native.close(socket);
    accepted++;
  }
  assert.equal(accepted, dialled.length);
  for (const socket of dialled) native.close(socket);
  close(listener);
});

test('of twenty that race for one stale file exactly one listens', async (t) => {
  const folder = await makeTemporaryFolder(t);
  const name = path.join(folder, 'socket');
  const processes = Array.from({ length: 20 }, () => new FarProcess(t));
  // The first question waits until the process runs.
  await Promise.all(processes.map((far) => far.ask({ order: 'credentials' })));
  let late = 0;
  for (let round = 0; round < 10; round++) {
    native.close(listenAt(name).descriptor);
    const asked = processes.map((far) => far.ask({ order: 'listen', name }));
    const outcomes = (await Promise.all(asked)).map((answer) => answer.outcome);
    assert.equal(outcomes.filter((outcome) => outcome === 'listening').length, 1);
    // A loser that the processor kept waiting for the lock was not told more.
    const losses: readonly string[] = ['listening', Fault.AddressInUse, Fault.TimedOut];
    for (const outcome of outcomes) assert.ok(losses.includes(outcome), outcome);
    late += outcomes.filter((outcome) => outcome === Fault.TimedOut).length;
    const dialled = dialUnix(native, name);
    assert.ok(typeof dialled === 'number');
    native.close(dialled);
    await Promise.all(processes.map((far) => far.ask({ order: 'leave' })));
    assert.deepEqual(readdirSync(folder), []);
  }
  t.diagnostic(`${late} of 190 losers gave up waiting for the lock`);
});

test("another user is known by the kernel's word, and kept out by a file's mode", async (t) => {
  if (!isRoot(t)) return;
  const folder = await makeTemporaryFolder(t);
  const name = path.join(folder, 'socket');
  const listeners = [listenAt(name), listenAt(unique)];
  const far = new FarProcess(t);
  await far.ask({ order: 'become', user: 54_321 });
  assert.equal((await far.ask({ order: 'dial', name })).outcome, Fault.AccessDenied);
  assert.equal((await far.ask({ order: 'listen', name })).outcome, Fault.AccessDenied);
  assert.equal((await far.ask({ order: 'dial', name: unique })).outcome, 'connected');
  const accepted = acceptUnix(native, listeners[1]?.descriptor ?? -1);
  assert.ok(typeof accepted === 'number');
  const credentials = peerCredentials(native, accepted);
  assert.equal(credentials?.uid, 54_321);
  assert.equal(credentials.gid, 54_321);
  native.close(accepted);
  for (const listener of listeners) close(listener);
});

test('one descriptor passes beside its bytes, closed on exec', () => {
  const before = lookAtHoldings();
  const [near, far] = connectPair();
  const own = makeOwn(native, new MappedRanges(native));
  const target = new Uint8Array(16);
  assert.equal(receiveDescriptor(native, far, target), 'later');
  assert.equal(sendDescriptor(native, near, own.descriptor, Uint8Array.of(1, 2, 3)), 3);
  const taken = receiveDescriptor(native, far, target);
  assert.ok(typeof taken === 'object');
  assert.equal(taken.byteLength, 3);
  assert.deepEqual([...target.subarray(0, 4)], [1, 2, 3, 0]);
  assert.equal(native.fcntl(taken.descriptor, 1, 0), 1, 'FD_CLOEXEC');
  native.close(taken.descriptor);
  own.release();
  native.close(near);
  assert.equal(receiveDescriptor(native, far, target), Fault.Closed);
  native.close(far);
  assert.deepEqual(lookAtHoldings(), before);
});

test('a message without a descriptor is refused, unless none is needed', () => {
  const [near, far] = connectPair();
  const target = new Uint8Array(16);
  native.ring(near);
  assert.equal(receiveDescriptor(native, far, target), Fault.Corrupt);
  native.ring(near);
  const taken = receiveDescriptor(native, far, target, 'atMostOne');
  assert.deepEqual(taken, { descriptor: -1, byteLength: 1 });
  for (const socket of [near, far]) native.close(socket);
});

/** Sends so many copies of a descriptor in one message, as no legal peer does. */
function sendMany(through: Native, socket: number, descriptors: readonly number[]): number {
  const control = new Uint8Array(new ArrayBuffer(16 + 4 * descriptors.length));
  const fields = new DataView(control.buffer);
  fields.setBigUint64(0, BigInt(control.byteLength), true);
  fields.setInt32(8, 1, true);
  fields.setInt32(12, 1, true);
  descriptors.forEach((value, index) => fields.setInt32(16 + 4 * index, value, true));
  const payload = new Uint8Array(new ArrayBuffer(8));
  const parts = new BigUint64Array(9);
  const bytes = new Uint8Array(parts.buffer);
  parts[7] = through.addressOf(payload);
  parts[8] = 1n;
  parts[2] = through.addressOf(bytes.subarray(56));
  parts[3] = 1n;
  parts[4] = through.addressOf(control);
  parts[5] = BigInt(control.byteLength);
  const sent = through.sendMessage(socket, bytes);
  assert.equal(payload.byteLength + control.byteLength > 8, true);
  return sent;
}

test('two, or as many as the kernel passes, are all closed', () => {
  const before = lookAtHoldings();
  for (const count of [2, 3, 250, 253]) {
    const [near, far] = connectPair();
    assert.equal(
      sendMany(
        native,
        near,
        Array.from({ length: count }, () => near),
      ),
      1,
    );
    const target = new Uint8Array(16);
    assert.equal(receiveDescriptor(native, far, target, 'atMostOne'), Fault.Corrupt);
    for (const socket of [near, far]) native.close(socket);
    assert.deepEqual(lookAtHoldings(), before);
  }
});

test('control data that was cut off is refused, and what came of it is closed', () => {
  const [near, far] = connectPair();
  const before = lookAtHoldings();
  const target = new Uint8Array(16);
  // The kernel is told of less room than there is, as if more had come than fits.
  for (const room of [20n, 24n, 0n]) {
    const narrow = overriding(native, {
      receiveMessage: (socket, header) => {
        new DataView(header.buffer, header.byteOffset).setBigUint64(40, room, true);
        return native.receiveMessage(socket, header);
      },
    });
    assert.equal(sendMany(native, near, [near, near, near]), 1);
    assert.equal(receiveDescriptor(narrow, far, target, 'atMostOne'), Fault.Corrupt);
    assert.deepEqual(lookAtHoldings(), before);
  }
  for (const socket of [near, far]) native.close(socket);
});

test('a full socket is later, a peer that has gone a reset, our own lack exhausted', () => {
  const [near, far] = connectPair();
  const big = new Uint8Array(2 ** 16);
  for (;;) {
    const sent = sendDescriptor(native, near, near, big);
    if (sent === 'later') break;
    assert.ok(typeof sent === 'number' && sent > 0, String(sent));
  }
  native.close(far);
  assert.equal(sendDescriptor(native, near, near, big), Fault.Reset);
  native.close(near);
  const lacking = overriding(native, { sendMessage: () => -109 });
  assert.equal(sendDescriptor(lacking, 1, 1, big), Fault.Exhausted);
});

test('listening without descriptors is exhausted, and leaves nothing', async (t) => {
  const folder = await makeTemporaryFolder(t);
  const before = lookAtHoldings();
  const { EMFILE, ENOBUFS } = ErrorNumber;
  const failing = [
    overriding(native, { socket: () => -EMFILE }),
    overriding(native, { bind: () => -ENOBUFS }),
    overriding(native, { listen: () => -ENOBUFS }),
    overriding(native, { open: () => -EMFILE }),
  ];
  for (const lacking of failing) {
    assert.equal(listenUnix(lacking, path.join(folder, 'socket')), Fault.Exhausted);
    assert.deepEqual(readdirSync(folder), []);
  }
  const none = overriding(native, { accept: () => -EMFILE });
  assert.equal(acceptUnix(none, 0), Fault.Exhausted);
  assert.deepEqual(lookAtHoldings(), before);
});
