/**
 * SharedMedium: rings in SharedArrayBuffers, between threads of one process, without native code.
 *
 * Threads find each other at a local socket, which also tells when one has ended. The memories and
 * the doorbells go over a BroadcastChannel of each link's own, which reaches this process only: who
 * hears there is a thread of ours. Between processes there is no way to share such memory.
 */
import { connect, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { BroadcastChannel } from 'node:worker_threads';
import { assert } from '../../core/assert.js';
import type { Runtime } from '../../core/runtime.js';
import { Fault } from '../../core/transport.js';
import { MemoryKind, type Introduction } from './introduction.js';
import { Word, type Doorway, type Exchange, type Medium, type Presentation } from './medium.js';
import { isRingBytes, tokenBytes, type PeerMemory } from './region.js';
import { openSharedMemory, SharedOwnMemory } from './shared-memory.js';
import { WireRefusal, type Credentials, type Wire } from './wire.js';

/** An introduction and some words; a peer that says more than anybody reads is cut off. */
const unreadBytesMax = 1024;

export class SharedMedium implements Medium {
  readonly kind: MemoryKind = MemoryKind.Shared;
  readonly #runtime: Runtime;
  readonly #wake: () => void;

  /** `wake` asks for a poll: something came. */
  constructor(runtime: Runtime, wake: () => void) {
    this.#runtime = runtime;
    this.#wake = wake;
  }

  present(ringBytes: number): Presentation | Fault {
    if (!isRingBytes(ringBytes)) return Fault.Unsupported;
    const token = new Uint8Array(tokenBytes);
    this.#runtime.prng.fill(token);
    return new SharedPresentation(new SharedOwnMemory(ringBytes, token), ringBytes);
  }

  dial(name: string): Wire | Fault {
    const place = socketPath(name);
    if (place === undefined) return Fault.Unsupported;
    return new StreamWire(connect({ path: place }), this.#wake);
  }

  listen(name: string, knock: () => void): Doorway | Fault {
    const place = socketPath(name);
    if (place === undefined) return Fault.Unsupported;
    return new StreamDoorway(place, knock, this.#wake);
  }

  exchange(wire: Wire, own: Presentation): Exchange {
    assert(wire instanceof StreamWire, 'the wire is of this medium');
    assert(own instanceof SharedPresentation, 'the memory is of this medium');
    return new SharedExchange(wire, own, this.#wake);
  }
}

/** Undefined: files are for rings in mapped memory. */
function socketPath(name: string): string | undefined {
  if (name.startsWith('/')) return undefined;
  if (process.platform === 'linux') return `\0idc/${name}`;
  if (process.platform === 'win32') return `\\\\?\\pipe\\idc-${name}`;
  return path.join(tmpdir(), `idc-${process.pid}-${name}.sock`);
}

class SharedPresentation implements Presentation {
  readonly memory: SharedOwnMemory;
  readonly introduction: Introduction;

  constructor(memory: SharedOwnMemory, ringBytes: number) {
    this.memory = memory;
    const { byteLength, token } = memory;
    const kind = MemoryKind.Shared;
    this.introduction = { kind, descriptor: 0, pid: process.pid, ringBytes, byteLength, token };
  }

  shown(): void {
    // The engine counts who refers to it.
  }
}

class SharedExchange implements Exchange {
  readonly wire: StreamWire;
  readonly #own: SharedPresentation;
  readonly #wake: () => void;
  readonly #word = new Uint8Array(1);
  #peer: Introduction | undefined = undefined;
  #offer: unknown = undefined;
  #isPassed = false;

  constructor(wire: StreamWire, own: SharedPresentation, wake: () => void) {
    this.wire = wire;
    this.#own = own;
    this.#wake = wake;
  }

  /** Never at once: the memory comes over the channel, when both listen there. */
  open(peer: Introduction): PeerMemory | Fault | undefined {
    if (peer.pid !== process.pid) return Fault.Unsupported;
    this.#peer = peer;
    this.wire.join(channelName(this.#own.introduction, peer), (offer) => {
      this.#offer ??= offer;
      this.#wake();
    });
    return undefined;
  }

  hear(): number {
    // The memory is on another way than the word that announces it, and may come later.
    if (this.#isPassed) return this.#offer === undefined ? WireRefusal.Nothing : this.#announce();
    const count = this.wire.receive(this.#word);
    if (count < 0) return count;
    const word = this.#word[0] ?? 0;
    if (word !== Word.Passed) return word;
    this.#isPassed = true;
    return this.hear();
  }

  take(peer: Introduction): PeerMemory | Fault {
    const opening = openSharedMemory(this.#offer, peer);
    return opening.outcome === 'opened' ? opening.memory : Fault.Corrupt;
  }

  say(word: number): boolean {
    if (word === Word.Passed) this.wire.post(this.#own.memory.buffer);
    return this.#peer !== undefined && this.wire.send(Uint8Array.of(word));
  }

  #announce(): number {
    this.#isPassed = false;
    return Word.Passed;
  }
}

/** The same at both ends, and known to nobody else. */
function channelName(one: Introduction, other: Introduction): string {
  const tokens = [one.token, other.token].map((token) => Buffer.from(token).toString('hex'));
  return `idc-ring:${tokens.sort().join(':')}`;
}

class StreamWire implements Wire {
  readonly credentials: Credentials | undefined = undefined;
  readonly #socket: Socket;
  readonly #wake: () => void;
  #channel: BroadcastChannel | undefined = undefined;
  #unread: Buffer = Buffer.alloc(0);
  #bell: (() => void) | undefined = undefined;
  #isEnded = false;

  constructor(socket: Socket, wake: () => void) {
    this.#socket = socket;
    this.#wake = wake;
    socket.on('data', (bytes: Buffer) => this.#hear(bytes));
    socket.on('error', () => this.#end());
    socket.on('end', () => this.#end());
    socket.on('close', () => this.#end());
  }

  get isEnded(): boolean {
    return this.#isEnded;
  }

  receive(target: Uint8Array): number {
    const count = Math.min(target.length, this.#unread.length);
    if (count === 0) return this.#isEnded ? WireRefusal.Ended : WireRefusal.Nothing;
    target.set(this.#unread.subarray(0, count));
    this.#unread = this.#unread.subarray(count);
    return count;
  }

  send(bytes: Uint8Array): boolean {
    if (this.#isEnded) return false;
    this.#socket.write(bytes);
    return true;
  }

  // HOT:
  ring(): void {
    this.#channel?.postMessage(Word.Bell);
  }

  watch(bell: () => void): void {
    this.#bell = bell;
  }

  look(): void {
    // Only the event loop knows.
  }

  /** From now on both threads hear each other; `offered` gets the first memory that is posted. */
  join(name: string, offered: (offer: unknown) => void): void {
    const channel = new BroadcastChannel(name);
    channel.onmessage = (event: unknown): void => {
      // reason: Node types the event of a channel as unknown
      const { data } = event as { readonly data: unknown };
      if (data === Word.Bell) this.#bell?.();
      else offered(data);
    };
    // The socket alone keeps the thread alive, as with every other transport.
    channel.unref();
    this.#channel = channel;
  }

  post(memory: SharedArrayBuffer): void {
    this.#channel?.postMessage(memory);
  }

  close(): void {
    this.#bell = undefined;
    this.#isEnded = true;
    this.#channel?.close();
    this.#channel = undefined;
    this.#socket.destroy();
  }

  #hear(bytes: Buffer): void {
    if (this.#bell !== undefined) {
      this.#bell();
      return;
    }
    this.#unread = Buffer.concat([this.#unread, bytes]);
    if (this.#unread.length > unreadBytesMax) this.#socket.destroy();
    this.#wake();
  }

  #end(): void {
    if (this.#isEnded) return;
    this.#isEnded = true;
    this.#bell?.();
    this.#wake();
  }
}

class StreamDoorway implements Doorway {
  readonly #server: Server;
  readonly #arrived: StreamWire[] = [];
  isBroken = false;
  #isClosed = false;

  constructor(place: string, knock: () => void, wake: () => void) {
    this.#server = createServer((socket) => {
      this.#arrived.push(new StreamWire(socket, wake));
      knock();
    });
    this.#server.on('error', () => {
      this.isBroken = true;
      knock();
    });
    this.#server.listen({ path: place, exclusive: true });
  }

  accept(): Wire | undefined {
    return this.#arrived.shift();
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    for (const wire of this.#arrived.splice(0)) wire.close();
    this.#server.close();
  }
}
