/**
 * LaneWrites: executes the Writes whose data comes on one bulk lane.
 *
 * A Write is a body on the lane and a transaction on the channel, which name each other by a number
 * and come in any order. It is judged when its body begins, and again right before each part of it
 * is written; between two turns no write into a buffer is under way (law N5). So a fence, a lease
 * that ran out, or `unregister` end it at once, wherever it is, and need nobody's cooperation. The
 * transaction is answered when both have come and the body was taken or refused.
 */
import type { LaneBytes } from '../bulk-lane.js';
import { ErrorCode, type Execution } from '../errors.js';
import type { ReceivedTransaction } from '../received-transaction.js';
import type { Scheduler } from '../runtime.js';
import type { FenceTable } from './fence-table.js';
import type { BodyHeader } from './lane-wire.js';
import type { Holder } from './register-uses.js';
import type { Grant, OpenAccess, Registration } from './registration.js';

/** References that a holder has named at one time; a newer one takes the place of the oldest. */
export const namesMax = 64;
/** A holder gives a Write no number that is so much above that of one which has not settled. */
export const writeSpanMax = 64;

export interface LaneWritesHost {
  readonly scheduler: Scheduler;
  readonly fences: FenceTable;
  readonly holder: Holder;
  check(reference: Uint8Array, offset: number, byteLength: number): Grant | ErrorCode;
  /** Completes the transaction, with the owner's stamp. */
  answer(transaction: ReceivedTransaction, code: ErrorCode, execution: Execution): void;
  wrote(byteLength: number): void;
}

/** One Write: what has come of it so far. */
class Incoming {
  readonly number: number;
  transaction: ReceivedTransaction | undefined = undefined;
  hasBody = false;
  /** Its holder gave it up: not one byte of it is written any more. */
  isAbandoned = false;
  code: ErrorCode | undefined = undefined;
  execution: Execution = 'never';

  constructor(number: number) {
    this.number = number;
  }
}

/** The body that arrives. */
class Arrival {
  readonly incoming: Incoming;
  readonly registration: Registration;
  readonly byteLength: number;
  readonly header: BodyHeader;
  access: OpenAccess | undefined = undefined;
  /** Something of it may be written already. */
  hasBegun = false;

  constructor(
    incoming: Incoming,
    registration: Registration,
    byteLength: number,
    header: BodyHeader,
  ) {
    this.incoming = incoming;
    this.registration = registration;
    this.byteLength = byteLength;
    this.header = header;
  }
}

interface Named {
  readonly name: number;
  /** The encoded reference, a copy. */
  readonly reference: Uint8Array;
}

export class LaneWrites {
  readonly #host: LaneWritesHost;
  readonly #names: (Named | undefined)[] = new Array<undefined>(namesMax);
  /** By number; those of a holder that is legal never meet. */
  readonly #places: (Incoming | undefined)[] = new Array<undefined>(writeSpanMax);
  #arrival: Arrival | undefined = undefined;
  #isLost = false;

  constructor(host: LaneWritesHost) {
    this.#host = host;
  }

  /** From now on `name` stands for a copy of `reference`. */
  name(name: number, reference: Uint8Array): void {
    this.#names[name % namesMax] = { name, reference: new Uint8Array(reference) };
  }

  /** The transaction with that number. False: no legal peer sends it; it is not answered. */
  take(transaction: ReceivedTransaction, number: number): boolean {
    if (this.#isLost) {
      // Whether its body had come first is not known any more.
      this.#host.answer(transaction, ErrorCode.Disconnected, 'maybe');
      return true;
    }
    const incoming = this.#at(number);
    if (incoming === undefined || incoming.transaction !== undefined) return false;
    incoming.transaction = transaction;
    if (incoming.code !== undefined) {
      this.#answer(incoming);
      return true;
    }
    transaction.signal.addEventListener('abort', () => {
      this.#abandon(incoming);
    });
    return true;
  }

  /** HOT: where a body goes, if it may. */
  target(header: BodyHeader, byteLength: number): LaneBytes | undefined | 'illegal' {
    const incoming = this.#at(header.number);
    if (incoming === undefined || incoming.hasBody) return 'illegal';
    incoming.hasBody = true;
    if (incoming.isAbandoned) return undefined;
    const named = this.#names[header.name % namesMax];
    if (named?.name !== header.name) {
      // Another one has taken its place.
      this.#refuse(incoming, ErrorCode.BackPressured, 'never');
      return undefined;
    }
    const grant = this.#host.check(named.reference, header.offset, byteLength);
    const code = typeof grant === 'string' ? grant : this.#judge(header);
    if (typeof grant === 'string' || code !== ErrorCode.Ok) {
      this.#refuse(incoming, code, 'never');
      return undefined;
    }
    const { registration } = grant;
    const arrival = new Arrival(incoming, registration, byteLength, header);
    const onRevoke = (): void => {
      this.#stop(arrival, ErrorCode.StaleReference);
    };
    const { holder } = this.#host;
    const access = registration.begin(holder, 'write', grant.offset, byteLength, onRevoke);
    if (access === undefined) {
      this.#refuse(incoming, ErrorCode.StaleReference, 'never');
      return undefined;
    }
    arrival.access = access;
    this.#arrival = arrival;
    return access.bytes;
  }

  /** HOT: judges the body that arrives, right before a part of it is written. */
  proceed(): boolean {
    const arrival = this.#arrival;
    if (arrival === undefined) return false;
    const code = this.#judge(arrival.header);
    if (code !== ErrorCode.Ok) {
      this.#stop(arrival, code);
      return false;
    }
    arrival.hasBegun = true;
    return true;
  }

  landed(): void {
    const arrival = this.#arrival;
    if (arrival === undefined) return;
    this.#arrival = undefined;
    const { incoming, registration, byteLength } = arrival;
    arrival.access?.end();
    registration.note(this.#host.holder, 'write', byteLength);
    this.#host.wrote(byteLength);
    incoming.code = ErrorCode.Ok;
    incoming.execution = 'done';
    this.#answer(incoming);
  }

  /** Nothing more comes. */
  lost(): void {
    this.#isLost = true;
    const arrival = this.#arrival;
    if (arrival !== undefined) this.#stop(arrival, ErrorCode.Disconnected);
    for (const incoming of this.#places) {
      if (incoming === undefined || incoming.code !== undefined) continue;
      incoming.code = ErrorCode.Disconnected;
      this.#answer(incoming);
    }
  }

  #judge(header: BodyHeader): ErrorCode {
    const { fences } = this.#host;
    return fences.judge(header.area, header.operationAt, header.stamp, fences.stampNow());
  }

  /** What is known of that number; undefined if another one is still open in its place. */
  #at(number: number): Incoming | undefined {
    const place = number % writeSpanMax;
    const known = this.#places[place];
    if (known?.number === number) return known;
    if (known?.transaction !== undefined) return undefined;
    const incoming = new Incoming(number);
    this.#places[place] = incoming;
    return incoming;
  }

  /** The holder wants no answer any more. */
  #abandon(incoming: Incoming): void {
    incoming.isAbandoned = true;
    const arrival = this.#arrival;
    if (arrival?.incoming === incoming) this.#stop(arrival, ErrorCode.Cancelled);
    const { transaction } = incoming;
    incoming.transaction = undefined;
    if (transaction !== undefined) this.#host.answer(transaction, ErrorCode.Cancelled, 'maybe');
  }

  /** No byte of it is written any more. */
  #stop(arrival: Arrival, code: ErrorCode): void {
    if (this.#arrival !== arrival) return;
    this.#arrival = undefined;
    arrival.access?.end();
    this.#refuse(arrival.incoming, code, arrival.hasBegun ? 'maybe' : 'never');
  }

  /** Answers later: nothing may run in the turn of a read that was prepared (law N8). */
  #refuse(incoming: Incoming, code: ErrorCode, execution: Execution): void {
    incoming.code = code;
    incoming.execution = execution;
    this.#host.scheduler.soon(() => {
      this.#answer(incoming);
    });
  }

  /** Once both have come. */
  #answer(incoming: Incoming): void {
    const { transaction, code } = incoming;
    if (transaction === undefined || code === undefined) return;
    incoming.transaction = undefined;
    this.#host.answer(transaction, code, incoming.execution);
  }
}
