/** EventOutbox: the events for one front end, in order, through a bounded queue. */
import { ErrorCode, IdcError, Refusal, type Endpoint } from 'idc';
import { DriverError, makeKitError } from './driver-error.js';
import { Scratch, type Values } from './item-codec.js';
import type { Layout, MessageItem } from './layout.js';
import { ValueError } from './scalar-codec.js';
import { writeU8 } from './wire.js';

interface Waiting {
  readonly bytes: Uint8Array;
  readonly resolve: () => void;
  readonly reject: (error: IdcError) => void;
}

/** What both ends speak. */
interface Spoken {
  readonly endpoint: Endpoint;
  readonly layout: Layout;
  readonly features: readonly string[];
}

export class EventOutbox {
  readonly #scratch: Scratch;
  readonly #queueMax: number;
  #spoken: Spoken | undefined = undefined;
  #waiting: Waiting[] = [];
  #isWaitingForRoom = false;

  constructor(messageBytesMax: number, queueMax: number) {
    this.#scratch = new Scratch(messageBytesMax);
    this.#queueMax = queueMax;
  }

  open(spoken: Spoken): void {
    this.#spoken = spoken;
  }

  /** What waits was never sent. */
  interrupt(): void {
    this.#spoken = undefined;
    this.#isWaitingForRoom = false;
    for (const { reject } of this.#waiting.splice(0)) {
      reject(new IdcError(ErrorCode.Disconnected, 'never'));
    }
  }

  /** Resolves once the event is submitted; rejects with an `IdcError` `never`. */
  send(item: MessageItem, values: Values): Promise<void> {
    const spoken = this.#spoken;
    if (spoken === undefined) {
      return Promise.reject(new IdcError(ErrorCode.NotConnected, 'never'));
    }
    const bytes = this.#encode(item, values, spoken);
    if (bytes instanceof DriverError) return Promise.reject(bytes);
    const refusal = this.#waiting.length > 0 ? Refusal.Quota : spoken.endpoint.submitMessage(bytes);
    if (refusal >= 0) return Promise.resolve();
    if (refusal !== Refusal.Quota && refusal !== Refusal.BackPressured) {
      return Promise.reject(new IdcError(ErrorCode.Disconnected, 'never'));
    }
    if (this.#waiting.length >= this.#queueMax) return Promise.reject(makeKitError('QUEUE_FULL'));
    return new Promise((resolve, reject) => {
      this.#waiting.push({ bytes: bytes.slice(), resolve, reject });
      this.#waitForRoom(spoken.endpoint);
    });
  }

  #encode(item: MessageItem, values: Values, spoken: Spoken): Uint8Array | DriverError {
    const layout = spoken.layout.messagesToFront[item.number];
    const hasFeature = item.feature === undefined || spoken.features.includes(item.feature);
    if (layout === undefined || !hasFeature) return makeKitError('UNKNOWN_ITEM');
    const cursor = this.#scratch.begin();
    try {
      writeU8(cursor, item.number);
      layout.fields.write(cursor, values);
    } catch (error) {
      if (!(error instanceof ValueError)) throw error;
      return makeKitError('BAD_VALUE', false, `${item.name}: ${error.message}.`);
    }
    return this.#scratch.end();
  }

  #waitForRoom(endpoint: Endpoint): void {
    const [first] = this.#waiting;
    if (first === undefined || this.#isWaitingForRoom) return;
    this.#isWaitingForRoom = true;
    endpoint.whenWritable({ kind: 'message', byteLength: first.bytes.length }).then(
      () => {
        if (endpoint !== this.#spoken?.endpoint) return;
        this.#isWaitingForRoom = false;
        this.#pump(endpoint);
      },
      (error: unknown) => {
        // The epoch is over, and `interrupt` rejects what waits.
        if (!(error instanceof IdcError)) throw error;
      },
    );
  }

  #pump(endpoint: Endpoint): void {
    let next = this.#waiting[0];
    while (next !== undefined && endpoint.submitMessage(next.bytes) >= 0) {
      next.resolve();
      this.#waiting.shift();
      next = this.#waiting[0];
    }
    this.#waitForRoom(endpoint);
  }
}
