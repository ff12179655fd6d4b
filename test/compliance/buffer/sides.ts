/**
 * Sides: two connected domains, one that owns a buffer and one that uses it; and what scenarios of
 * remote buffers do all the time: hand a reference over, and put an outcome into words.
 */
import {
  RemoteBufferReference,
  type Bytes,
  type Domain,
  type DomainOptions,
  type RegisteredBuffer,
  type RegisterOptions,
} from '../../../core/index.js';
import { describeError, type Actor } from '../endpoint/actor.js';
import { contentOf } from '../endpoint/content.js';
import { Gate } from '../endpoint/gate.js';
import type { Stage } from '../endpoint/stage.js';

/** Of the domains of most scenarios, so that little data is many pieces. */
export const pieceBytes = 4096;

/** More than the edges of a buffer that nobody may touch. */
const edgeBytes = 32;

/** Two connected domains. Either may own, and either may use. */
export interface Sides {
  readonly owner: Domain;
  readonly user: Domain;
  /** Each one's end of the endpoint between them. */
  readonly ownerEnd: Actor;
  readonly userEnd: Actor;
  /** Where the one that listens does. */
  readonly address: string;
}

export interface SidesOptions {
  /** Who dials; default: the user does. */
  readonly dials?: 'owner' | 'user';
  readonly owner?: Partial<DomainOptions>;
  readonly user?: Partial<DomainOptions>;
}

/** Domains `owner` and `user`, and one endpoint between them, connected; the ends are muted. */
export async function makeSides(stage: Stage, options: SidesOptions = {}): Promise<Sides> {
  const transfers = { pieceBytes };
  const owner = stage.domain('owner', { transfers, ...options.owner });
  const user = stage.domain('user', { transfers, ...options.user });
  const isOwnerDialling = options.dials === 'owner';
  const [dialling, listening] = isOwnerDialling ? [owner, user] : [user, owner];
  const service = await stage.listen(listening, 'service');
  const front = stage.dial(dialling, 'front', service.address);
  const back = await stage.connected(front, service);
  // Of interest are the transfers, which the scenario notes.
  stage.mute();
  const [ownerEnd, userEnd] = isOwnerDialling ? [front, back] : [back, front];
  return { owner, user, ownerEnd, userEnd, address: service.address };
}

/** Passes a reference to the other end of `from`, as bytes; answers what arrived there. */
export async function handOver(
  from: Actor,
  reference: RemoteBufferReference,
): Promise<RemoteBufferReference> {
  const to = from.other;
  if (to === undefined) throw new Error(`${from.label} has no other end`);
  const arrived = new Gate<RemoteBufferReference>();
  const { isVerbose, onTransaction } = to;
  // The bytes of a reference are different in each run.
  to.isVerbose = false;
  to.onTransaction = (transaction) => {
    arrived.open(RemoteBufferReference.decode(transaction.parameters, transaction.endpoint));
    transaction.complete();
  };
  await from.endpoint.submitTransaction(reference.encode());
  to.isVerbose = isVerbose;
  to.onTransaction = onTransaction;
  return arrived.opened;
}

/** A registered buffer, and its reference as the user has it. */
export interface Loan {
  readonly bytes: Uint8Array;
  readonly buffer: RegisteredBuffer;
  readonly reference: RemoteBufferReference;
}

/** The owner registers a buffer, and hands its reference over. */
export async function lend(
  sides: Sides,
  bytes: Uint8Array,
  options: Partial<RegisterOptions> = {},
): Promise<Loan> {
  const buffer = sides.owner.registerBuffer(bytes, { access: 'readWrite', ...options });
  return { bytes, buffer, reference: await handOver(sides.ownerEnd, buffer.reference) };
}

/** `OK`, or code and execution. */
export function outcomeOf(transfer: Promise<void>): Promise<string> {
  return transfer.then(() => 'OK', describeError);
}

/** What `narrow`, `decode` and the like throw, in the same words. */
export function outcomeOfCall(call: () => unknown): string {
  try {
    call();
    return 'OK';
  } catch (error) {
    return describeError(error);
  }
}

export function areEqual(one: Uint8Array, other: Uint8Array): boolean {
  return Buffer.compare(one, other) === 0;
}

/** True if each byte is `value`. */
export function isFilledWith(bytes: Uint8Array, value: number): boolean {
  return bytes.every((byte) => byte === value);
}

export function joinParts(parts: Bytes): Uint8Array {
  return parts instanceof Uint8Array ? parts : new Uint8Array(Buffer.concat([...parts]));
}

/** Bytes in the middle of an array that is watched on both sides of them. */
export class Framed {
  readonly bytes: Uint8Array;
  readonly #all: Uint8Array;
  readonly #before: Uint8Array;

  constructor(seed: number, byteLength: number) {
    this.#all = contentOf(seed, byteLength + 2 * edgeBytes);
    this.#before = new Uint8Array(this.#all);
    this.bytes = this.#all.subarray(edgeBytes, edgeBytes + byteLength);
  }

  /** What the bytes were when it was made. */
  get first(): Uint8Array {
    return this.#before.subarray(edgeBytes, -edgeBytes);
  }

  isIntactAround(): boolean {
    const end = this.#all.length - edgeBytes;
    const isHeadIntact = areEqual(
      this.#all.subarray(0, edgeBytes),
      this.#before.subarray(0, edgeBytes),
    );
    return isHeadIntact && areEqual(this.#all.subarray(end), this.#before.subarray(end));
  }
}
