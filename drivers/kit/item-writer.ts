/** ItemWriter: encodes what a front end submits; each item is valid until the next is written. */
import type { Call } from './call.js';
import type { FrontSession } from './front-session.js';
import { Scratch } from './item-codec.js';
import type { MessageLayout, TransactionLayout } from './layout.js';
import { writeU8, writeUintSafe } from './wire.js';

export class ItemWriter {
  readonly #scratch: Scratch;

  constructor(byteLengthMax: number) {
    this.#scratch = new Scratch(byteLengthMax);
  }

  /** HOT: `ahead`: of the oldest unsettled sequence. Throws `ValueError`. */
  writeTransaction(
    call: Call,
    layout: TransactionLayout,
    session: FrontSession,
    ahead: number,
  ): Uint8Array {
    const cursor = this.#scratch.begin();
    writeU8(cursor, call.item.number);
    if (session.recovery === 'table') {
      writeUintSafe(cursor, call.sequence);
      if (call.sequence > 0) writeUintSafe(cursor, ahead);
    }
    layout.parameters.write(cursor, call.values);
    return this.#scratch.end();
  }

  /** HOT: throws `ValueError`. */
  writeMessage(call: Call, layout: MessageLayout): Uint8Array {
    const cursor = this.#scratch.begin();
    writeU8(cursor, call.item.number);
    layout.fields.write(cursor, call.values);
    return this.#scratch.end();
  }
}
