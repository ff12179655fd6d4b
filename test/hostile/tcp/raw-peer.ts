/**
 * RawPeer: a peer that is no domain. It sends any bytes over a real socket, reads whole frames,
 * and can play the handshake up to any point, as dialler or as listener.
 */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { FrameType } from '../../../core/frame.js';
import { control, greeting, record, type GreetingWords } from './wire.js';

export interface RawFrame {
  readonly type: number;
  readonly flags: number;
  readonly bytes: Buffer;
  /** The 32-bit word at index `index`, signed; 0 is the head. */
  word(index: number): number;
}

export class RawPeer {
  readonly socket: Socket;
  readonly #frames: RawFrame[] = [];
  #rest: Buffer = Buffer.alloc(0);
  #isEnded = false;
  #wake: () => void = () => undefined;

  constructor(socket: Socket) {
    this.socket = socket;
    socket.setNoDelay(true);
    // It may be reset at any time: that is the end of what it can read, and no error of the test.
    socket.on('error', () => undefined);
    socket.on('data', (bytes: Buffer) => {
      this.#read(bytes);
    });
    socket.on('close', () => {
      this.#isEnded = true;
      this.#wake();
    });
  }

  static async dial(port: number): Promise<RawPeer> {
    const socket = connect({ port, host: '127.0.0.1' });
    const peer = new RawPeer(socket);
    await once(socket, 'connect');
    return peer;
  }

  get isEnded(): boolean {
    return this.#isEnded;
  }

  /** Bytes as they are. */
  write(bytes: Uint8Array): void {
    if (this.socket.writable) this.socket.write(bytes);
  }

  /** Frames, each in a record of its own, all in one write. */
  send(...frames: readonly Uint8Array[]): void {
    this.write(Buffer.concat(frames.map(record)));
  }

  /** The next frame that is no ping; undefined at the end of the stream. */
  async next(): Promise<RawFrame | undefined> {
    for (;;) {
      const frame = this.#frames.shift();
      if (frame !== undefined || this.#isEnded) return frame;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  async expect(type: number): Promise<RawFrame> {
    const frame = await this.next();
    assert.ok(frame !== undefined, `the stream ended instead of a frame of type ${type}`);
    assert.equal(frame.type, type);
    return frame;
  }

  /** Everything until the end of the stream. */
  async rest(): Promise<RawFrame[]> {
    const frames: RawFrame[] = [];
    for (let frame = await this.next(); frame; frame = await this.next()) frames.push(frame);
    return frames;
  }

  /** The wire code that the last goodbye or refusal carried; undefined if there was none. */
  async farewell(): Promise<number | undefined> {
    const last = (await this.rest()).at(-1);
    if (last?.type === FrameType.Goodbye) return last.word(2);
    return last?.type === FrameType.Refuse ? last.word(1) : undefined;
  }

  /** Dialling: up to the welcome. */
  async greet(words: Partial<GreetingWords> = {}): Promise<RawFrame> {
    this.send(greeting(words));
    return this.expect(FrameType.Welcome);
  }

  /** Dialling: up to the open epoch; answers it. */
  async open(words: Partial<GreetingWords> = {}): Promise<number> {
    await this.greet(words);
    this.send(control(FrameType.Ready, 0));
    const epoch = (await this.expect(FrameType.Accept)).word(1);
    this.send(control(FrameType.Confirm, epoch));
    return epoch;
  }

  /** Listening: up to the open epoch. */
  async admit(epoch = 1, words: Partial<GreetingWords> = {}): Promise<void> {
    await this.expect(FrameType.Hello);
    this.send(greeting({ type: FrameType.Welcome, ...words }));
    await this.expect(FrameType.Ready);
    this.send(control(FrameType.Accept, epoch));
    assert.equal((await this.expect(FrameType.Confirm)).word(1), epoch);
  }

  async close(): Promise<void> {
    this.socket.destroy();
    if (!this.socket.closed) await once(this.socket, 'close');
  }

  #read(bytes: Buffer): void {
    let rest = Buffer.concat([this.#rest, bytes]);
    while (rest.length >= 4) {
      const byteLength = rest.readUInt32LE(0);
      const end = 4 + ((byteLength + 3) & ~3);
      if (rest.length < end) break;
      this.#take(parse(rest.subarray(4, 4 + byteLength)));
      rest = rest.subarray(end);
    }
    this.#rest = rest;
  }

  #take(frame: RawFrame): void {
    if (frame.type === FrameType.Ping) return;
    this.#frames.push(frame);
    this.#wake();
  }
}

function parse(bytes: Buffer): RawFrame {
  return {
    type: bytes.readUInt8(0),
    flags: bytes.readUInt8(1),
    bytes,
    word: (index) => bytes.readInt32LE(4 * index),
  };
}

/** RawListener: lets domains dial it, and hands their sockets out as raw peers, in order. */
export class RawListener {
  readonly #server: Server;
  readonly #peers: RawPeer[] = [];
  readonly #waiting: ((peer: RawPeer) => void)[] = [];
  readonly #all: RawPeer[] = [];

  private constructor(server: Server) {
    this.#server = server;
    server.on('connection', (socket) => {
      const peer = new RawPeer(socket);
      this.#all.push(peer);
      const take = this.#waiting.shift();
      if (take === undefined) this.#peers.push(peer);
      else take(peer);
    });
  }

  static async open(): Promise<RawListener> {
    const server = createServer();
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return new RawListener(server);
  }

  get port(): number {
    const address = this.#server.address();
    assert.ok(address !== null && typeof address === 'object');
    return address.port;
  }

  accept(): Promise<RawPeer> {
    const peer = this.#peers.shift();
    if (peer !== undefined) return Promise.resolve(peer);
    return new Promise((resolve) => {
      this.#waiting.push(resolve);
    });
  }

  async close(): Promise<void> {
    const closed = once(this.#server, 'close');
    this.#server.close();
    await Promise.all(this.#all.map((peer) => peer.close()));
    await closed;
  }
}
