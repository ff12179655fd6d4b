/**
 * Layout: one version of a protocol. Which items there are, their codecs, their largest sizes, and
 * a digest of all that both ends have to agree on.
 */
import { RecordCodec, notesOf } from './field-codec.js';
import type {
  Effect,
  FieldSchema,
  MessageSchema,
  ProtocolSchema,
  Range,
  RecordSchema,
  TransactionSchema,
} from './schema.js';

/** What a transaction changes, if that has to be known. */
export type Extent = Range | 'everything';

/** A transaction, whatever the version. */
export interface TransactionItem {
  readonly name: string;
  /** From 1 on; 0 is the kit's greeting. */
  readonly number: number;
  readonly effect: Effect;
  readonly range: Extent | undefined;
  readonly since: number;
  readonly feature: string | undefined;
  readonly schema: TransactionSchema;
}

/** A message, whatever the version. */
export interface MessageItem {
  readonly name: string;
  /** From 1 on, for each direction by itself; 0 is the kit's notice. */
  readonly number: number;
  readonly to: 'front' | 'back';
  readonly since: number;
  readonly feature: string | undefined;
  readonly schema: MessageSchema;
}

export interface TransactionLayout {
  readonly item: TransactionItem;
  readonly parameters: RecordCodec;
  readonly status: RecordCodec;
}

export interface MessageLayout {
  readonly item: MessageItem;
  readonly fields: RecordCodec;
}

/** A number, and with recovery by a table a sequence and how many before it are unsettled. */
export const headBytesMax: number = 1 + 8 + 8;

const noFields: RecordSchema = {};

export class Layout {
  readonly version: number;
  /** A uint32 that differs if the peer defines this version differently, but for bad luck. */
  readonly digest: number;
  /** By number; there is none at 0. */
  readonly transactions: readonly (TransactionLayout | undefined)[];
  readonly messagesToFront: readonly (MessageLayout | undefined)[];
  readonly messagesToBack: readonly (MessageLayout | undefined)[];
  /** The most bytes of an item, head included. */
  readonly parameterBytesMax: number;
  readonly statusBytesMax: number;
  readonly messageBytesMax: number;

  constructor(
    name: string,
    transactions: readonly TransactionItem[],
    messages: readonly MessageItem[],
    version: number,
  ) {
    const spoken = transactions.filter((item) => item.since <= version);
    const sent = messages.filter((item) => item.since <= version);
    this.version = version;
    this.digest = digestOf(JSON.stringify([name, version, ...describe(spoken, sent, version)]));
    this.transactions = byNumber(
      spoken.map((item) => ({
        item,
        parameters: new RecordCodec(item.schema.parameters ?? noFields, version),
        status: new RecordCodec(item.schema.status ?? noFields, version),
      })),
    );
    const layouts = sent.map((item) => ({
      item,
      fields: new RecordCodec(item.schema.fields ?? noFields, version),
    }));
    this.messagesToFront = byNumber(layouts.filter(({ item }) => item.to === 'front'));
    this.messagesToBack = byNumber(layouts.filter(({ item }) => item.to === 'back'));
    const present = this.transactions.filter((layout) => layout !== undefined);
    this.parameterBytesMax =
      headBytesMax + most(present.map((layout) => layout.parameters.byteLengthMax));
    this.statusBytesMax = most(present.map((layout) => layout.status.byteLengthMax));
    this.messageBytesMax =
      headBytesMax + most(layouts.map((layout) => layout.fields.byteLengthMax));
  }
}

export function listTransactions(schema: ProtocolSchema): TransactionItem[] {
  const all = Object.values(schema.transactions ?? {});
  // Only what is idempotent is ever done again, and could undo something.
  const isOrdered = all.some(({ effect }) => effect === 'idempotent');
  return inOrder(Object.entries(schema.transactions ?? {})).map(([name, item], index) => ({
    name,
    number: index + 1,
    effect: item.effect ?? 'once',
    range: item.range ?? (isOrdered && item.effect !== 'none' ? 'everything' : undefined),
    since: item.since ?? 1,
    feature: item.feature,
    schema: item,
  }));
}

export function listMessages(schema: ProtocolSchema): MessageItem[] {
  const entries = inOrder(Object.entries(schema.messages ?? {}));
  return (['front', 'back'] as const).flatMap((end) =>
    entries
      .filter(([, item]) => item.to === end)
      .map(([name, item], index) => ({
        name,
        number: index + 1,
        to: end,
        since: item.since ?? 1,
        feature: item.feature,
        schema: item,
      })),
  );
}

/** By the version that brought them; of one version, as they are written. */
function inOrder<T extends { readonly since?: number }>(entries: [string, T][]): [string, T][] {
  return entries.sort(([, one], [, other]) => (one.since ?? 1) - (other.since ?? 1));
}

function byNumber<T extends { readonly item: { readonly number: number } }>(
  layouts: readonly T[],
): (T | undefined)[] {
  const list = new Array<T | undefined>(layouts.length + 1).fill(undefined);
  for (const layout of layouts) list[layout.item.number] = layout;
  return list;
}

function most(numbers: readonly number[]): number {
  return Math.max(0, ...numbers);
}

/** Everything that the wire and the rules of recovery depend on, in a fixed order. */
function describe(
  transactions: readonly TransactionItem[],
  messages: readonly MessageItem[],
  version: number,
): unknown[] {
  return [
    transactions.map(({ number, name, effect, feature = '', schema }) => [
      ...[number, name, effect, feature, schema.range?.from ?? '', schema.range?.length ?? ''],
      describeRecord(schema.parameters ?? noFields, version),
      describeRecord(schema.status ?? noFields, version),
    ]),
    messages.map(({ number, name, to, feature = '', schema }) => [
      ...[number, name, to, feature],
      describeRecord(schema.fields ?? noFields, version),
    ]),
  ];
}

function describeRecord(schema: RecordSchema, version: number): unknown[] {
  return Object.entries(schema)
    .filter(([, field]) => (notesOf(field).since ?? 1) <= version)
    .map(([name, field]) => [name, describeField(field, version)]);
}

function describeField(field: FieldSchema, version: number): unknown {
  if (typeof field === 'string') return field;
  if ('is' in field) return field.is;
  if ('bytes' in field) return ['bytes', field.bytes];
  if ('text' in field) return ['text', field.text];
  if ('choice' in field) return ['choice', ...field.choice];
  if ('list' in field) return ['list', field.max, describeField(field.list, version)];
  if ('record' in field) return ['record', describeRecord(field.record, version)];
  return ['optional', describeField(field.optional, version)];
}

/** FNV-1a, which guards against slips, not against forgers. */
function digestOf(text: string): number {
  let hash = 0x811c_9dc5;
  for (const byte of Buffer.from(text)) hash = Math.imul(hash ^ byte, 0x0100_0193);
  return hash >>> 0;
}
