/**
 * The fuzzer of back ends: legal and illegal items from a seed, to any back end made with the kit.
 *
 * Whatever it sends, each request has to be answered in time: with a status that can be read, with
 * a failure that the protocol or the kit knows, and never by the end of the connection. What no
 * reader can take must not reach a handler. It executes real transactions with values of all sorts,
 * so give it a device that may be spoilt.
 */
import {
  ErrorCode,
  IdcError,
  type Domain,
  type Endpoint,
  type EndpointOptions,
  type RegisteredBuffer,
  type RemoteBufferReference,
} from 'idc';
import { filter, firstValueFrom } from 'rxjs';
import { kitFailureFromWire } from './driver-error.js';
import {
  decodeReply,
  encodeGreeting,
  encodeNotice,
  idBytes,
  versionsOf,
  type GreetingReply,
} from './greeting.js';
import { decodeRecord, Scratch } from './item-codec.js';
import type { Layout, TransactionLayout } from './layout.js';
import type { AnyProtocol } from './protocol.js';
import { quotaOf } from './quota-of.js';
import { makeFraction, sampleRecord, type Fraction, type SampleSource } from './sample.js';
import { writeU8, writeUintSafe } from './wire.js';

export interface FuzzOptions {
  readonly protocol: AnyProtocol;
  /** Where the fuzzer dials from. */
  readonly domain: Domain;
  readonly address: string;
  /** A failure tells it. */
  readonly seed: number;
  /** Items to send. Default 1,000. */
  readonly rounds?: number;
  /** How long an answer may take. Default 10,000 ms. */
  readonly answerMs?: number;
  readonly endpoint?: Pick<EndpointOptions, 'limits'>;
}

/** How often what happened. */
export interface FuzzReport {
  readonly rounds: number;
  readonly answered: number;
  /** Of those, by a handler's failure. */
  readonly failed: number;
  /** By the kit, since they could not be read or were not known. */
  readonly refused: number;
  readonly messages: number;
}

const roundsDefault = 1_000;
const answerMsDefault = 10_000;
const greetEvery = 20;
const lentBytes = 65_536;

/** Rejects with an `Error` that names the seed and the round if the back end misbehaves. */
export async function fuzzBackEnd(options: FuzzOptions): Promise<FuzzReport> {
  const { protocol, domain, address, seed, rounds = roundsDefault } = options;
  const quota = quotaOf(protocol);
  const endpoint = domain.createEndpoint(
    address,
    { message: (event) => event.complete() },
    {
      ...options.endpoint,
      quota,
    },
  );
  const run = new FuzzRun(options, endpoint, makeFraction(seed));
  try {
    if (endpoint.state !== 'connected') {
      await firstValueFrom(endpoint.lifecycle$.pipe(filter(({ type }) => type === 'connect')));
    }
    await run.askBeforeGreeting();
    for (let round = 0; round < rounds; round++) {
      try {
        if (round % greetEvery === 0) await run.greet();
        await run.step();
      } catch (error) {
        const reason = error instanceof Error ? error.message : String(error);
        throw new Error(`seed ${seed}, round ${round}: ${reason}`, { cause: error });
      }
    }
    await endpoint.whenFlushed();
    return { ...run.report, rounds };
  } finally {
    await run.end();
  }
}

class FuzzRun {
  readonly report = { rounds: 0, answered: 0, failed: 0, refused: 0, messages: 0 };
  readonly #protocol: AnyProtocol;
  readonly #endpoint: Endpoint;
  readonly #fraction: Fraction;
  readonly #source: SampleSource;
  readonly #domain: Domain;
  readonly #answerMs: number;
  readonly #frontEnd: Uint8Array;
  readonly #recovers: boolean;
  readonly #scratch: Scratch;
  /** What both a message and a request may be. */
  readonly #byteLengthMax: number;
  /** What references of samples name; registered when first needed. */
  #buffer: RegisteredBuffer | undefined = undefined;
  #sequence = 0;
  #layout: Layout | undefined = undefined;
  #reply: GreetingReply | undefined = undefined;

  constructor(options: FuzzOptions, endpoint: Endpoint, fraction: Fraction) {
    this.#protocol = options.protocol;
    this.#endpoint = endpoint;
    this.#fraction = fraction;
    this.#domain = options.domain;
    this.#source = { fraction, reference: () => this.#lend() };
    this.#answerMs = options.answerMs ?? answerMsDefault;
    this.#frontEnd = Uint8Array.from({ length: idBytes }, () => this.#below(256));
    this.#recovers = fraction() < 0.7;
    const { parameterBytes, messageBytes } = quotaOf(options.protocol);
    this.#scratch = new Scratch(Math.max(parameterBytes, messageBytes));
    this.#byteLengthMax = Math.min(parameterBytes, messageBytes);
  }

  async end(): Promise<void> {
    await this.#endpoint.destroy();
    await this.#buffer?.unregister();
  }

  async askBeforeGreeting(): Promise<void> {
    if (this.#protocol.transactions.length === 0) return;
    const outcome = await this.#ask(Uint8Array.of(1));
    this.#expect(outcome === 'NOT_AGREED', `before the greeting: ${String(outcome)}`);
  }

  async greet(): Promise<void> {
    const status = await this.#ask(this.#greeting());
    const reply = status instanceof Uint8Array ? decodeReply(status) : undefined;
    this.#expect(reply !== undefined, `the greeting was answered ${String(status)}`);
    this.#reply = reply;
    this.#layout = this.#protocol.layoutAt(reply?.version ?? this.#protocol.version);
    this.#endpoint.submitMessage(encodeNotice('resumed'));
  }

  async step(): Promise<void> {
    const choice = this.#fraction();
    if (choice < 0.35) await this.#sendTransaction((bytes) => bytes);
    else if (choice < 0.65) await this.#sendTransaction((bytes) => this.#damage(bytes));
    else if (choice < 0.72) await this.#judge(this.#ask(this.#randomBytes()), undefined);
    else if (choice < 0.77) await this.#askUnknown();
    else if (choice < 0.82) await this.#greetBadly();
    else await this.#sendMessage(choice < 0.9);
  }

  #lend(): RemoteBufferReference {
    const bytes = new Uint8Array(lentBytes);
    this.#buffer ??= this.#domain.registerBuffer(bytes, { access: 'readWrite' });
    return this.#buffer.reference;
  }

  #greeting(): Uint8Array {
    const { features } = this.#protocol;
    return encodeGreeting({
      ...versionsOf(this.#protocol),
      features,
      frontEnd: this.#frontEnd,
      writes: true,
      recovers: this.#recovers,
      oldestUnsettled: this.#sequence + 1,
    });
  }

  async #greetBadly(): Promise<void> {
    await this.#judge(this.#ask(this.#damage(this.#greeting())), undefined);
    await this.greet();
  }

  async #askUnknown(): Promise<void> {
    const count = this.#layout?.transactions.length ?? 1;
    const number = count + this.#below(256 - count);
    if (number > 255) return;
    const outcome = await this.#ask(Uint8Array.of(number, 1, 2, 3));
    this.#expect(outcome === 'UNKNOWN_ITEM', `number ${number}: ${String(outcome)}`);
  }

  async #sendTransaction(change: (bytes: Uint8Array) => Uint8Array): Promise<void> {
    const layout = this.#pick(this.#layout?.transactions.filter((it) => it !== undefined) ?? []);
    if (layout === undefined) return;
    const bytes = change(this.#encode(layout));
    const isWhole = bytes[0] === layout.item.number;
    await this.#judge(this.#ask(bytes), isWhole ? layout : undefined);
  }

  #encode(layout: TransactionLayout): Uint8Array {
    const cursor = this.#scratch.begin();
    const { number, effect, schema } = layout.item;
    writeU8(cursor, number);
    if (this.#reply?.recovery === 'table') {
      const isChange = effect !== 'none';
      if (isChange && this.#fraction() < 0.9) this.#sequence += 1;
      writeUintSafe(cursor, isChange ? this.#sequence : 0);
      if (isChange) writeUintSafe(cursor, this.#below(2));
    }
    const version = this.#layout?.version ?? 1;
    layout.parameters.write(cursor, sampleRecord(schema.parameters ?? {}, version, this.#source));
    return this.#scratch.end().slice();
  }

  async #sendMessage(isLegal: boolean): Promise<void> {
    const layout = this.#pick(this.#layout?.messagesToBack.filter((it) => it !== undefined) ?? []);
    let bytes = this.#randomBytes();
    if (layout !== undefined) {
      const cursor = this.#scratch.begin();
      const { number, schema } = layout.item;
      writeU8(cursor, number);
      const version = this.#layout?.version ?? 1;
      layout.fields.write(cursor, sampleRecord(schema.fields ?? {}, version, this.#source));
      const whole = this.#scratch.end().slice();
      bytes = isLegal ? whole : this.#damage(whole);
    }
    await this.#endpoint.whenWritable({ kind: 'message', byteLength: bytes.length });
    this.#expect(this.#endpoint.submitMessage(bytes) >= 0, 'a message was refused');
    this.report.messages += 1;
  }

  /** The status, or the name of a failure that is known. */
  async #ask(bytes: Uint8Array): Promise<Uint8Array | string> {
    try {
      return await this.#endpoint.submitTransaction(bytes, { timeoutMs: this.#answerMs });
    } catch (error) {
      if (!(error instanceof IdcError) || error.code !== ErrorCode.Remote) throw error;
      const code = error.remoteCode ?? 0;
      const name = kitFailureFromWire(code) ?? this.#protocol.errorName(code);
      if (name === undefined) throw new Error(`the unknown code ${code}`, { cause: error });
      return name;
    }
  }

  async #judge(
    asked: Promise<Uint8Array | string>,
    layout: TransactionLayout | undefined,
  ): Promise<void> {
    const outcome = await asked;
    if (outcome instanceof Uint8Array) {
      this.report.answered += 1;
      const isRight = layout === undefined || decodeRecord(layout.status, outcome) !== undefined;
      this.#expect(isRight, `${layout?.item.name ?? ''}: a status that cannot be read`);
    } else if (this.#protocol.schema.errors?.[outcome] !== undefined) {
      this.report.failed += 1;
    } else {
      this.report.refused += 1;
    }
  }

  /** Some bits flipped, bytes left out, put in, or cut off. */
  #damage(bytes: Uint8Array): Uint8Array {
    const damaged = [...bytes];
    for (let count = 1 + this.#below(3); count > 0; count--) {
      const at = this.#below(damaged.length + 1);
      const kind = this.#below(5);
      if (kind === 0) damaged[at] = (damaged[at] ?? 0) ^ (1 << this.#below(8));
      else if (kind === 1) damaged.splice(at, 1);
      else if (kind === 2) damaged.splice(at, 0, this.#below(256));
      else if (kind === 3) damaged[at] = [0, 0x7f, 0x80, 0xff][this.#below(4)] ?? 0;
      else damaged.length = Math.min(damaged.length, at);
    }
    return Uint8Array.from(damaged.slice(0, this.#byteLengthMax));
  }

  #randomBytes(): Uint8Array {
    const byteLength = this.#below(Math.min(64, this.#byteLengthMax));
    return Uint8Array.from({ length: byteLength }, () => this.#below(256));
  }

  #pick<T>(list: readonly T[]): T | undefined {
    return list[this.#below(list.length)];
  }

  #below(count: number): number {
    return Math.floor(this.#fraction() * count);
  }

  #expect(holds: boolean, reason: string): void {
    if (!holds) throw new Error(reason);
  }
}
