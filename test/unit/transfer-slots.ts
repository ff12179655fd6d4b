/**
 * Slots of received transactions that a test fills by hand, so that it can deliver a request to a
 * server late, twice or in any order, and whatever bytes it likes.
 */
import assert from 'node:assert/strict';
import type { Bytes } from '../../core/api.js';
import type { Endpoint } from '../../core/endpoint.js';
import { byteLengthOf, gather } from '../../core/local-buffer.js';
import {
  ReceivedTransaction,
  type ReceivedTransactionOwner,
} from '../../core/received-transaction.js';
import { AnswerReader } from '../../core/transfer/transfer-wire.js';
import type { Party, RigChannel } from './transfer-rig.js';

/** Fills what lies around a request; nothing of it may ever reach a buffer. */
export const slotPoison = 0xee;

export interface Delivered {
  readonly wireCode: number;
  readonly status: Uint8Array;
}

export class Slots implements ReceivedTransactionOwner {
  readonly endpoint: Endpoint;
  readonly statusBytesMax: number;
  /** By slot: what the server answered, or undefined as long as it has not. */
  readonly answers: (Delivered | undefined)[] = [];
  readonly #party: Party;
  readonly #channel: RigChannel;
  readonly #bytes: Uint8Array;
  readonly #strideBytes: number;
  readonly #slots: ReceivedTransaction[] = [];
  #ticket = 0;
  #next = 0;

  /** As those of `party`'s end of a channel. */
  constructor(party: Party, channel: RigChannel, slotCount: number, slotBytes: number) {
    this.endpoint = channel.endpoint;
    this.statusBytesMax = channel.endpoint.quota.statusBytes;
    this.#party = party;
    this.#channel = channel;
    this.#strideBytes = slotBytes;
    this.#bytes = new Uint8Array(slotCount * slotBytes);
    for (let slot = 0; slot < slotCount; slot++) {
      const offset = slot * slotBytes;
      this.#slots.push(new ReceivedTransaction(this, this.#bytes, offset, slot));
      this.answers.push(undefined);
    }
  }

  get openCount(): number {
    return this.#slots.filter(({ isOpen }) => isOpen).length;
  }

  /** Gives the server one request; answers what it said at once, or undefined. */
  deliver(parameters: Uint8Array): Delivered | undefined {
    const transaction = this.#slots[this.#next];
    assert(transaction !== undefined && !transaction.isOpen, 'a slot is free');
    assert(parameters.length <= this.#strideBytes, 'a request fits its slot');
    this.#next = (this.#next + 1) % this.#slots.length;
    this.#bytes.fill(slotPoison, transaction.offset, transaction.offset + this.#strideBytes);
    this.#bytes.set(parameters, transaction.offset);
    this.#ticket++;
    this.answers[transaction.slot] = undefined;
    transaction.begin(this.#ticket, parameters.length);
    this.#party.server.serve(transaction, this.#channel);
    return this.answers[transaction.slot];
  }

  transactionCompleted(transaction: ReceivedTransaction, status: Bytes, code: number): void {
    const copy = new Uint8Array(byteLengthOf(status));
    gather(status, copy, 0);
    assert(copy.length <= this.statusBytesMax, 'an answer fits the agreed quota');
    this.answers[transaction.slot] = { wireCode: code, status: copy };
  }
}

/** What a holder reads of an answer; fails if it is none. */
export function readAnswer({ wireCode, status }: Delivered): AnswerReader {
  const reader = new AnswerReader();
  assert(reader.read(wireCode, status, 0, status.length), 'a legal answer');
  return reader;
}
