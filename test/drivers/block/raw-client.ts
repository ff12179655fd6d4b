/** An NBD client of bytes alone: it says what a test wants it to say, legal or not. */
import assert from 'node:assert/strict';
import { connect, type Socket } from 'node:net';
import {
  Command,
  OptionReply,
  requestMagic,
  simpleReplyMagic,
  structuredReplyMagic,
} from '../../../drivers/block/nbd/nbd-protocol.js';

export interface OptionAnswer {
  readonly option: number;
  readonly type: number;
  readonly data: Buffer;
}

export interface RawRequest {
  readonly command: number;
  readonly flags?: number;
  readonly cookie?: bigint;
  readonly offset?: bigint | number;
  /** Default: that of `data`, or 0. */
  readonly byteLength?: number;
  readonly data?: Uint8Array;
}

export interface SimpleReply {
  readonly error: number;
  readonly cookie: bigint;
}

export interface Chunk {
  readonly flags: number;
  readonly type: number;
  readonly cookie: bigint;
  readonly data: Buffer;
}

export const greeting: Buffer = Buffer.from('NBDMAGICIHAVEOPT\0\x03', 'latin1');

export class RawClient {
  readonly socket: Socket;
  readonly #chunks: Buffer[] = [];
  #byteLength = 0;
  #isEnded = false;
  #woken: () => void = () => undefined;

  private constructor(socket: Socket) {
    this.socket = socket;
    socket.on('data', (chunk) => {
      this.#chunks.push(chunk);
      this.#byteLength += chunk.byteLength;
      this.#woken();
    });
    socket.on('error', () => undefined); // The other end may reset; 'close' follows.
    const ended = (): void => {
      this.#isEnded = true;
      this.#woken();
    };
    socket.on('end', ended);
    socket.on('close', ended);
  }

  /** `place` is the path of a socket file or a port of this machine. */
  static async connect(place: string | number): Promise<RawClient> {
    const options = typeof place === 'string' ? { path: place } : { port: place };
    const socket = connect({ ...options, allowHalfOpen: true });
    await new Promise<void>((resolve, reject) => {
      socket.once('connect', resolve);
      socket.once('error', reject);
    });
    return new RawClient(socket);
  }

  /** What came and was not received yet, in bytes. */
  get waitingBytes(): number {
    return this.#byteLength;
  }

  send(...parts: Uint8Array[]): void {
    this.socket.write(Buffer.concat(parts));
  }

  async receive(byteLength: number): Promise<Buffer> {
    while (this.#byteLength < byteLength) {
      assert.ok(!this.#isEnded, `the connection ended; ${byteLength} bytes were due`);
      await this.#wake();
    }
    const all = Buffer.concat(this.#chunks.splice(0));
    this.#byteLength -= byteLength;
    if (this.#byteLength > 0) this.#chunks.push(all.subarray(byteLength));
    return all.subarray(0, byteLength);
  }

  /** The next bytes, which stay where they are. */
  async peek(byteLength: number): Promise<Buffer> {
    const bytes = await this.receive(byteLength);
    this.#chunks.unshift(bytes);
    this.#byteLength += byteLength;
    return bytes;
  }

  /** Waits until the server has ended the connection, and shows that it said nothing more. */
  async end(): Promise<void> {
    await this.closed();
    assert.equal(this.#byteLength, 0, 'nothing but the end was due');
  }

  /** Waits until the server has ended the connection, whatever came before that. */
  async closed(): Promise<void> {
    while (!this.#isEnded) await this.#wake();
  }

  destroy(): void {
    this.socket.destroy();
  }

  async greet(flags = 3): Promise<void> {
    assert.deepEqual(await this.receive(greeting.byteLength), greeting);
    this.send(word(flags));
  }

  option(option: number, data: Uint8Array = Buffer.alloc(0)): void {
    this.send(Buffer.from('IHAVEOPT'), word(option), word(data.byteLength), data);
  }

  async optionAnswer(): Promise<OptionAnswer> {
    const head = await this.receive(20);
    assert.equal(head.toString('hex', 0, 8), '0003e889045565a9');
    const data = await this.receive(head.readUInt32BE(16));
    return { option: head.readUInt32BE(8), type: head.readUInt32BE(12), data };
  }

  /** Sends an option and gathers the answers up to the last: an acknowledgement or a refusal. */
  async ask(option: number, data?: Uint8Array): Promise<OptionAnswer[]> {
    this.option(option, data);
    const answers: OptionAnswer[] = [];
    for (;;) {
      const answer = await this.optionAnswer();
      assert.equal(answer.option, option);
      answers.push(answer);
      if (answer.type === OptionReply.Ack || answer.type >= 2 ** 31) return answers;
    }
  }

  request(request: RawRequest): void {
    const { command, flags = 0, cookie = 0n, offset = 0, data = Buffer.alloc(0) } = request;
    const head = Buffer.alloc(28);
    head.writeUInt32BE(requestMagic, 0);
    head.writeUInt16BE(flags, 4);
    head.writeUInt16BE(command, 6);
    head.writeBigUInt64BE(cookie, 8);
    head.writeBigUInt64BE(BigInt(offset), 16);
    head.writeUInt32BE(request.byteLength ?? data.byteLength, 24);
    this.send(head, data);
  }

  async simpleReply(): Promise<SimpleReply> {
    const head = await this.receive(16);
    assert.equal(head.readUInt32BE(0), simpleReplyMagic);
    return { error: head.readUInt32BE(4), cookie: head.readBigUInt64BE(8) };
  }

  async chunk(): Promise<Chunk> {
    const head = await this.receive(20);
    assert.equal(head.readUInt32BE(0), structuredReplyMagic);
    const data = await this.receive(head.readUInt32BE(16));
    const [flags, type] = [head.readUInt16BE(4), head.readUInt16BE(6)];
    return { flags, type, cookie: head.readBigUInt64BE(8), data };
  }

  /** One request with a simple reply and no data in it. */
  async perform(request: RawRequest): Promise<number> {
    this.request(request);
    const { error, cookie } = await this.simpleReply();
    assert.equal(cookie, request.cookie ?? 0n);
    return error;
  }

  disconnect(): void {
    this.request({ command: Command.Disconnect });
  }

  #wake(): Promise<void> {
    return new Promise((resolve) => {
      this.#woken = resolve;
    });
  }
}

/** 32 bits, as they go over the wire. */
export function word(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

/** A string with its length before it. */
export function named(name: string): Buffer {
  return Buffer.concat([word(Buffer.byteLength(name)), Buffer.from(name)]);
}

/** The data of `Info` and `Go`. */
export function exportQuestion(name: string, infos: readonly number[] = []): Buffer {
  const list = Buffer.alloc(2 + 2 * infos.length);
  list.writeUInt16BE(infos.length);
  infos.forEach((info, index) => list.writeUInt16BE(info, 2 + 2 * index));
  return Buffer.concat([named(name), list]);
}

/** The data of `ListMetaContext` and `SetMetaContext`. */
export function contextQuestion(name: string, queries: readonly string[]): Buffer {
  return Buffer.concat([named(name), word(queries.length), ...queries.map(named)]);
}
