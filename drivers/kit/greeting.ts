/**
 * The greeting: the first transaction of every epoch, in which the ends agree on a version, on
 * features and on how work is recovered.
 *
 * Its layout is for good: a later kit may append fields, which this one does not read.
 *
 * The rules of evolution. The ends speak the newest version that both know. A field takes no byte
 * in a version before its `since`: the older end never sees it, and the newer one reads
 * `otherwise`. An item is unknown before its `since`, and without its feature: the front end
 * refuses to submit it, and a back end that is asked all the same answers UNKNOWN_ITEM. What has
 * been part of a version never changes; the digests of the two definitions of the version show if
 * it did.
 */
import type { KitFailure } from './driver-error.js';
import { compileRecord, decodeRecord, encodeRecord } from './item-codec.js';
import type { RecordCodec } from './field-codec.js';
import type { AnyProtocol } from './protocol.js';
import {
  featureBytesMax,
  featuresMax,
  protocolNameBytesMax,
  versionsMax,
} from './protocol-check.js';

/** A request whose first byte is this is a greeting; a message, a notice. */
export const kitNumber = 0;
export const kitVersion = 1;
export const idBytes = 16;

/** How what ended `maybe` may be submitted again; named by the back end. */
export type RecoveryKind = 'none' | 'lease' | 'table';

/** What a front end says when an epoch begins. */
export interface Greeting {
  readonly number: number;
  readonly kit: number;
  readonly protocol: string;
  readonly oldest: number;
  readonly newest: number;
  /** Of each version from the oldest on. */
  readonly digests: readonly number[];
  readonly features: readonly string[];
  /** Tells the front end from others, in all epochs. */
  readonly frontEnd: Uint8Array;
  /** True if it wants to change the device. */
  readonly writes: boolean;
  /** True if it submits again what may be. */
  readonly recovers: boolean;
  /** No sequence below this one will be submitted again. */
  readonly oldestUnsettled: number;
}

/** What the back end answers. */
export interface GreetingReply {
  readonly kit: number;
  readonly version: number;
  readonly features: readonly string[];
  readonly recovery: RecoveryKind;
  /** True unless somebody else has the exclusive lease. */
  readonly isWriter: boolean;
  /** Names the lease or the table; another one means that what it knew is lost. */
  readonly memory: Uint8Array;
  /** True if the table still has what it knew of this front end. */
  readonly isKnown: boolean;
}

/** `resumed`: everything that is submitted again has been. `left`: the lease is free. */
export type Notice = 'resumed' | 'left';

const featuresField = { list: { text: featureBytesMax }, max: featuresMax };

const greetingCodec: RecordCodec = compileRecord({
  number: 'uint8',
  kit: 'uint8',
  protocol: { text: protocolNameBytesMax },
  oldest: 'uint16',
  newest: 'uint16',
  digests: { list: 'uint32', max: versionsMax },
  features: featuresField,
  frontEnd: { bytes: idBytes },
  writes: 'boolean',
  recovers: 'boolean',
  oldestUnsettled: 'uint53',
});
const replyCodec: RecordCodec = compileRecord({
  kit: 'uint8',
  version: 'uint16',
  features: featuresField,
  recovery: { choice: ['none', 'lease', 'table'] },
  isWriter: 'boolean',
  memory: { bytes: idBytes },
  isKnown: 'boolean',
});
const noticeCodec: RecordCodec = compileRecord({
  number: 'uint8',
  notice: { choice: ['resumed', 'left'] },
});

/** Room for a greeting of a later kit, too. */
export const greetingBytesMax: number = 2 * greetingCodec.byteLengthMax;
export const replyBytesMax: number = 2 * replyCodec.byteLengthMax;
export const noticeBytesMax: number = noticeCodec.byteLengthMax;

export function encodeGreeting(greeting: Omit<Greeting, 'number' | 'kit'>): Uint8Array {
  return encodeRecord(greetingCodec, { number: kitNumber, kit: kitVersion, ...greeting });
}

export function encodeReply(reply: Omit<GreetingReply, 'kit'>): Uint8Array {
  return encodeRecord(replyCodec, { kit: kitVersion, ...reply });
}

export function encodeNotice(notice: Notice): Uint8Array {
  return encodeRecord(noticeCodec, { number: kitNumber, notice });
}

export function decodeGreeting(bytes: Uint8Array): Greeting | undefined {
  // The codec's fields are those of the type.
  const greeting = decode(greetingCodec, bytes) as Greeting | undefined;
  if (greeting?.frontEnd.length !== idBytes) return undefined;
  const { oldest, newest, digests } = greeting;
  const isLegal = oldest >= 1 && oldest <= newest && digests.length === newest - oldest + 1;
  return isLegal ? greeting : undefined;
}

export function decodeReply(bytes: Uint8Array): GreetingReply | undefined {
  // The codec's fields are those of the type.
  const reply = decode(replyCodec, bytes) as GreetingReply | undefined;
  return reply?.memory.length === idBytes ? reply : undefined;
}

export function decodeNotice(bytes: Uint8Array): Notice | undefined {
  // The codec's fields are those of the type.
  const notice = decode(noticeCodec, bytes) as { readonly notice: Notice } | undefined;
  return notice?.notice;
}

function decode(codec: RecordCodec, bytes: Uint8Array): unknown {
  return decodeRecord(codec, bytes, 'more may follow');
}

/** What both ends speak in this epoch. */
export interface Agreement {
  readonly version: number;
  readonly features: readonly string[];
}

/** What a front end says of its definition. */
export function versionsOf(
  protocol: AnyProtocol,
): Pick<Greeting, 'protocol' | 'oldest' | 'newest' | 'digests'> {
  const { name, oldest, version } = protocol;
  const count = version - oldest + 1;
  const digests = Array.from({ length: count }, (_, index) => {
    return protocol.layoutAt(oldest + index).digest;
  });
  return { protocol: name, oldest, newest: version, digests };
}

/** The back end's decision. */
export function agree(
  protocol: AnyProtocol,
  offered: readonly string[],
  greeting: Greeting,
): Agreement | KitFailure {
  if (greeting.protocol !== protocol.name) return 'WRONG_PROTOCOL';
  const version = Math.min(protocol.version, greeting.newest);
  if (version < Math.max(protocol.oldest, greeting.oldest)) return 'WRONG_VERSION';
  const digest = greeting.digests[version - greeting.oldest];
  if (digest !== protocol.layoutAt(version).digest) return 'DEFINITIONS_DIFFER';
  return { version, features: offered.filter((name) => greeting.features.includes(name)) };
}
