/**
 * MappedMedium: rings in sealed, mapped memory, with a Unix socket as wire. It reaches the threads
 * and processes of this machine.
 *
 * Every wire is a descriptor of our own, which nobody else closes; the event loop watches a
 * duplicate of it. So all that a domain does between two yields, dialling and accepting included,
 * goes through the descriptor at once, and the event loop is needed for waking alone.
 */
import { createServer, Socket, type Server } from 'node:net';
import { assert } from '../../core/assert.js';
import type { Runtime } from '../../core/runtime.js';
import { Fault } from '../../core/transport.js';
import { receiveDescriptor, sendDescriptor } from './descriptor-passing.js';
import { MemoryKind, type Introduction } from './introduction.js';
import { MappedOwnMemory } from './mapped-memory.js';
import { MappedRanges } from './mapped-ranges.js';
import { Word, type Doorway, type Exchange, type Medium, type Presentation } from './medium.js';
import { EAGAIN, Fcntl, type Native } from './native.js';
import { openPassedMemory, openPeerMemory } from './peer-memory.js';
import { tokenBytes, type PeerMemory, type PeerOpening } from './region.js';
import {
  acceptUnix,
  dialUnix,
  listenUnix,
  peerCredentials,
  type UnixListener,
} from './unix-socket.js';
import { WireRefusal, type Credentials, type Wire } from './wire.js';

/** Doorbells that one read takes; more of them say nothing more. */
const bellBytes = 64;

export class MappedMedium implements Medium {
  readonly kind: MemoryKind = MemoryKind.Mapped;
  readonly #native: Native;
  readonly #ranges: MappedRanges;
  readonly #runtime: Runtime;

  constructor(native: Native, runtime: Runtime) {
    this.#native = native;
    this.#ranges = new MappedRanges(native);
    this.#runtime = runtime;
  }

  present(ringBytes: number): Presentation | Fault {
    const token = new Uint8Array(tokenBytes);
    this.#runtime.prng.fill(token);
    const memory = MappedOwnMemory.create(this.#native, this.#ranges, { ringBytes, token });
    if (typeof memory === 'string') return memory;
    return new MappedPresentation(memory, ringBytes);
  }

  dial(name: string): Wire | Fault {
    const descriptor = dialUnix(this.#native, name);
    return typeof descriptor === 'number' ? new SocketWire(this.#native, descriptor) : descriptor;
  }

  listen(name: string, knock: () => void): Doorway | Fault {
    const listener = listenUnix(this.#native, name);
    if (typeof listener === 'string') return listener;
    return new SocketDoorway(this.#native, listener, knock);
  }

  exchange(wire: Wire, own: Presentation): Exchange {
    assert(wire instanceof SocketWire, 'the wire is of this medium');
    assert(own instanceof MappedPresentation, 'the memory is of this medium');
    return new MappedExchange(this.#native, this.#ranges, wire, own);
  }
}

class MappedPresentation implements Presentation {
  readonly memory: MappedOwnMemory;
  readonly introduction: Introduction;

  constructor(memory: MappedOwnMemory, ringBytes: number) {
    this.memory = memory;
    const { descriptor, byteLength, token } = memory;
    const { pid } = process;
    this.introduction = { kind: MemoryKind.Mapped, descriptor, pid, ringBytes, byteLength, token };
  }

  shown(): void {
    this.memory.closeDescriptor();
  }
}

class MappedExchange implements Exchange {
  readonly wire: SocketWire;
  readonly #native: Native;
  readonly #ranges: MappedRanges;
  readonly #own: MappedPresentation;
  readonly #word = new Uint8Array(1);
  #passed = -1;

  constructor(native: Native, ranges: MappedRanges, wire: SocketWire, own: MappedPresentation) {
    this.#native = native;
    this.#ranges = ranges;
    this.wire = wire;
    this.#own = own;
  }

  open(peer: Introduction): PeerMemory | Fault | undefined {
    const { pid = 0 } = this.wire.credentials ?? {};
    const place = { pid, descriptor: peer.descriptor };
    const { memory } = this.#own;
    return settle(openPeerMemory(this.#native, this.#ranges, place, peer, memory));
  }

  hear(): number {
    const heard = receiveDescriptor(this.#native, this.wire.descriptor, this.#word, 'atMostOne');
    if (heard === 'later') return WireRefusal.Nothing;
    if (typeof heard === 'string') return WireRefusal.Ended;
    const word = this.#word[0] ?? 0;
    if (heard.descriptor < 0) return word === Word.Passed ? 0 : word;
    if (word === Word.Passed && this.#passed < 0) {
      this.#passed = heard.descriptor;
      return word;
    }
    this.#native.close(heard.descriptor);
    return 0;
  }

  take(peer: Introduction): PeerMemory | Fault {
    const descriptor = this.#passed;
    this.#passed = -1;
    const { memory } = this.#own;
    const opening = openPassedMemory(this.#native, this.#ranges, descriptor, peer, memory);
    return settle(opening) ?? Fault.AccessDenied;
  }

  say(word: number): boolean {
    const bytes = Uint8Array.of(word);
    if (word !== Word.Passed) return this.wire.send(bytes);
    const { descriptor } = this.#own.memory;
    if (descriptor < 0) return false;
    return sendDescriptor(this.#native, this.wire.descriptor, descriptor, bytes) === 1;
  }
}

function settle(opening: PeerOpening): PeerMemory | Fault | undefined {
  switch (opening.outcome) {
    case 'opened':
      return opening.memory;
    case 'unreachable':
      return undefined;
    case 'corrupt':
      return Fault.Corrupt;
    case 'exhausted':
      return Fault.Exhausted;
  }
}

class SocketWire implements Wire {
  readonly credentials: Credentials | undefined;
  readonly #native: Native;
  readonly #bells: Uint8Array = new Uint8Array(bellBytes);
  #descriptor: number;
  #watcher: Socket | undefined = undefined;
  #bell: () => void = () => undefined;
  #isEnded = false;

  constructor(native: Native, descriptor: number) {
    this.#native = native;
    // A worker that is terminated runs no code of ours: the peer must see its end all the same.
    this.#descriptor = native.adopt(descriptor);
    this.credentials = peerCredentials(native, this.#descriptor);
  }

  /** -1 after `close`. */
  get descriptor(): number {
    return this.#descriptor;
  }

  get isEnded(): boolean {
    return this.#isEnded;
  }

  receive(target: Uint8Array): number {
    const count = this.#native.receive(this.#descriptor, target);
    if (count > 0) return count;
    if (count === -EAGAIN) return WireRefusal.Nothing;
    this.#isEnded = true;
    return WireRefusal.Ended;
  }

  send(bytes: Uint8Array): boolean {
    return this.#native.send(this.#descriptor, bytes) === bytes.length;
  }

  // HOT:
  ring(): void {
    if (this.#descriptor >= 0) this.#native.ring(this.#descriptor);
  }

  watch(bell: () => void): void {
    this.#bell = bell;
    const duplicate = this.#native.fcntl(this.#descriptor, Fcntl.DuplicateCloseOnExec, 0);
    if (duplicate < 0) {
      // Without a descriptor nobody would ever wake us.
      this.#end();
      return;
    }
    const onread = { buffer: this.#bells, callback: (): boolean => this.#hear() };
    const options = { fd: duplicate, readable: true, writable: false, onread };
    const watcher = new Socket(options);
    this.#watcher = watcher;
    watcher.on('error', () => this.#end());
    watcher.on('end', () => this.#end());
    watcher.on('close', () => this.#end());
  }

  look(): void {
    if (this.#descriptor < 0 || this.#isEnded) return;
    const count = this.#native.receive(this.#descriptor, this.#bells);
    if (count === -EAGAIN) return;
    if (count > 0) this.#bell();
    else this.#end();
  }

  close(): void {
    this.#bell = () => undefined;
    this.#isEnded = true;
    this.#watcher?.destroy();
    if (this.#descriptor >= 0) this.#native.close(this.#descriptor);
    this.#descriptor = -1;
  }

  #hear(): boolean {
    this.#bell();
    return true;
  }

  #end(): void {
    if (this.#isEnded) return;
    this.#isEnded = true;
    this.#bell();
  }
}

class SocketDoorway implements Doorway {
  readonly #native: Native;
  readonly #listener: UnixListener;
  readonly #server: Server;
  readonly #accepted: SocketWire[] = [];
  isBroken = false;
  #descriptor: number;
  #isClosed = false;

  constructor(native: Native, listener: UnixListener, knock: () => void) {
    this.#native = native;
    this.#listener = listener;
    this.#descriptor = native.adopt(
      native.fcntl(listener.descriptor, Fcntl.DuplicateCloseOnExec, 0),
    );
    this.#server = createServer({ pauseOnConnect: true, allowHalfOpen: true }, (socket) => {
      this.#adopt(socket);
      knock();
    });
    this.#server.on('error', () => {
      this.isBroken = true;
      knock();
    });
    // Exclusive, or a worker of a cluster would ask its primary for the descriptor.
    this.#server.listen({ fd: listener.descriptor, exclusive: true });
  }

  accept(): Wire | Fault | undefined {
    const adopted = this.#accepted.shift();
    if (adopted !== undefined) return adopted;
    if (this.#descriptor < 0) return undefined;
    const descriptor = acceptUnix(this.#native, this.#descriptor);
    if (descriptor === 'later') return undefined;
    return typeof descriptor === 'number' ? new SocketWire(this.#native, descriptor) : descriptor;
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#listener.remove();
    if (this.#descriptor >= 0) this.#native.close(this.#descriptor);
    this.#descriptor = -1;
    for (const wire of this.#accepted.splice(0)) wire.close();
    this.#server.close();
  }

  /** The event loop accepted it before we did; from now on it is ours. */
  #adopt(socket: Socket): void {
    const handle: unknown = Reflect.get(socket, '_handle');
    const descriptor: unknown =
      typeof handle === 'object' && handle !== null ? Reflect.get(handle, 'fd') : undefined;
    if (typeof descriptor === 'number' && descriptor >= 0 && !this.#isClosed) {
      const own = this.#native.fcntl(descriptor, Fcntl.DuplicateCloseOnExec, 0);
      if (own >= 0) this.#accepted.push(new SocketWire(this.#native, own));
    }
    socket.destroy();
  }
}
