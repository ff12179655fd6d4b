/**
 * Unix stream sockets as the rendezvous of ring links: synchronous, and never blocking for long.
 *
 * A name that begins with `/` is a socket file; any other is an abstract name of Linux,
 * `\0idc/NAME`, which leaves nothing in the file system. A file that a dead process left is taken
 * over, one that somebody listens at is not. Who listens at a file holds a lock on its folder while
 * it looks, removes, binds and listens, so of any number that race one wins and none is removed.
 */
import { lstatSync, unlinkSync, type BigIntStats } from 'node:fs';
import path from 'node:path';

import { Fault } from '../../core/transport.js';
import { ErrorNumber, OpenFlag, openFolder, type Native } from './native.js';
import { socketFault } from './system-fault.js';

/** How many may wait to be accepted; the system may lower it. */
const backlogMax = 1024;
/** C's `sockaddr_un` has so many bytes for the name. */
const nameBytesMax = 108;
const familyBytes = 2;
const unixFamily = 1;

/** The lock is held for some system calls; whoever holds it for longer was stopped. */
const lockAttemptsMax = 100;
const lockPauseMs = 1;

/** What the kernel says of the process at the other end; of a listener, of who called `listen`. */
export interface PeerCredentials {
  /** 0 if the process is not to be seen from this pid namespace. */
  readonly pid: number;
  readonly uid: number;
  readonly gid: number;
}

/** A listening socket. Whoever closes its descriptor calls `remove` before. */
export class UnixListener {
  readonly descriptor: number;
  readonly #file: { readonly path: string; readonly status: BigIntStats } | undefined;
  #removed = false;

  /** `file` is empty for an abstract name. */
  constructor(descriptor: number, file: string) {
    this.descriptor = descriptor;
    const status = file === '' ? undefined : statusOf(file);
    this.#file = typeof status === 'object' ? { path: file, status } : undefined;
  }

  /**
   * Removes the socket file, if it is still this one. It comes before closing: as long as this
   * listens, nobody takes its place. Idempotent.
   */
  remove(): void {
    if (this.#file === undefined || this.#removed) return;
    this.#removed = true;
    const { path: file, status } = this.#file;
    const found = statusOf(file);
    if (typeof found === 'object' && isSameFile(found, status)) removeFile(file);
  }
}

export function listenUnix(native: Native, name: string): UnixListener | Fault {
  const address = socketAddressOf(name);
  if (typeof address === 'string') return address;
  if (!isFile(name)) return bindAndListen(native, address, '');
  const lock = lockFolder(native, path.dirname(name));
  if (typeof lock === 'string') return lock;
  try {
    const obstacle = clearStaleFile(native, name, address);
    return obstacle ?? bindAndListen(native, address, name);
  } finally {
    native.close(lock);
  }
}

/** A descriptor, non-blocking and closed on exec; `later` if nobody waits. */
export function acceptUnix(native: Native, listener: number): number | 'later' | Fault {
  for (;;) {
    const accepted = native.accept(listener);
    if (accepted >= 0) return accepted;
    if (accepted === -ErrorNumber.EAGAIN) return 'later';
    // That one gave up while it waited.
    if (accepted !== -ErrorNumber.ECONNABORTED) return socketFault(accepted);
  }
}

/** A connected descriptor: a Unix socket connects at once or not at all. */
export function dialUnix(native: Native, name: string): number | Fault {
  const address = socketAddressOf(name);
  return typeof address === 'string' ? address : connect(native, address);
}

/** Undefined if the socket has no peer. */
export function peerCredentials(native: Native, socket: number): PeerCredentials | undefined {
  const words = new Int32Array(3);
  if (native.peerCredentials(socket, words) < 0) return undefined;
  const [pid = 0, uid = 0, gid = 0] = words;
  return { pid, uid: uid >>> 0, gid: gid >>> 0 };
}

function connect(native: Native, address: Uint8Array): number | Fault {
  const socket = native.socket();
  if (socket < 0) return socketFault(socket);
  const connected = native.connect(socket, address);
  if (connected >= 0) return socket;
  native.close(socket);
  return socketFault(connected);
}

function bindAndListen(native: Native, address: Uint8Array, file: string): UnixListener | Fault {
  const socket = native.socket();
  if (socket < 0) return socketFault(socket);
  const bound = native.bind(socket, address);
  const listening = bound < 0 ? bound : native.listen(socket, backlogMax);
  if (listening >= 0) return new UnixListener(socket, file);
  if (bound >= 0 && file !== '') removeFile(file);
  native.close(socket);
  return socketFault(listening);
}

/** The descriptor that holds the lock. */
function lockFolder(native: Native, folder: string): number | Fault {
  const descriptor = native.open(folder, OpenFlag.ReadOnly | openFolder);
  if (descriptor < 0) return socketFault(descriptor);
  const pause = new Int32Array(new SharedArrayBuffer(4));
  for (let attempt = 0; attempt < lockAttemptsMax; attempt += 1) {
    const locked = native.lock(descriptor);
    if (locked >= 0) return descriptor;
    if (locked !== -ErrorNumber.EAGAIN) {
      native.close(descriptor);
      return socketFault(locked);
    }
    Atomics.wait(pause, 0, 0, lockPauseMs);
  }
  native.close(descriptor);
  return Fault.TimedOut;
}

/** Removes the file if nobody listens at it any more; else tells why it stays. Under the lock. */
function clearStaleFile(native: Native, file: string, address: Uint8Array): Fault | undefined {
  const before = statusOf(file);
  if (before === 'missing') return undefined;
  if (before === 'hidden') return Fault.AccessDenied;
  // Whatever is not a socket is somebody's, and so is what a symbolic link leads to.
  if (!before.isSocket()) return Fault.AddressInUse;
  const probe = native.socket();
  if (probe < 0) return socketFault(probe);
  const answer = native.connect(probe, address);
  native.close(probe);
  if (answer === -ErrorNumber.ENOENT) return undefined;
  if (answer === -ErrorNumber.EACCES || answer === -ErrorNumber.EPERM) return Fault.AccessDenied;
  if (answer !== -ErrorNumber.ECONNREFUSED) return Fault.AddressInUse;
  const now = statusOf(file);
  if (now === 'missing') return undefined;
  if (now === 'hidden' || !isSameFile(now, before)) return Fault.AddressInUse;
  return removeFile(file) ? undefined : Fault.AccessDenied;
}

function isFile(name: string): boolean {
  return name.startsWith('/');
}

/** C's `sockaddr_un`. `Unsupported`: the name is empty, too long, or holds a zero. */
function socketAddressOf(name: string): Uint8Array | Fault {
  const bytes = Buffer.from(isFile(name) ? `${name}\0` : `\0idc/${name}`);
  if (name === '' || name.includes('\0')) return Fault.Unsupported;
  if (bytes.byteLength > nameBytesMax) return Fault.Unsupported;
  const address = new Uint8Array(familyBytes + bytes.byteLength);
  new DataView(address.buffer).setUint16(0, unixFamily, true);
  address.set(bytes, familyBytes);
  return address;
}

/** `hidden`: it could not be looked at. */
function statusOf(file: string): BigIntStats | 'missing' | 'hidden' {
  try {
    return lstatSync(file, { bigint: true, throwIfNoEntry: false }) ?? 'missing';
  } catch {
    // A folder on the way to it refuses, or is none.
    return 'hidden';
  }
}

function isSameFile(one: BigIntStats, other: BigIntStats): boolean {
  return one.dev === other.dev && one.ino === other.ino;
}

/** False if it is there and cannot be removed. */
function removeFile(file: string): boolean {
  try {
    unlinkSync(file);
    return true;
  } catch {
    // Somebody else may have been quicker.
    return statusOf(file) === 'missing';
  }
}
