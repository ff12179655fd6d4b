/**
 * Schemas: a protocol as plain data, and the TypeScript types that follow from it.
 *
 * Plain data needs no generation step, can be printed, compared and sent, and keeps its literal
 * types through `as const`. What each kind is on the wire is in `field-codec.ts`.
 */
import type { Reference } from './reference-field.js';

/** The values of fields that a single word describes. */
export interface ScalarValues {
  boolean: boolean;
  /** 0 to 255; one byte. */
  uint8: number;
  /** 0 to 65,535; two bytes. */
  uint16: number;
  /** 0 to 2^32 - 1; one to five bytes. */
  uint32: number;
  /** 0 to 2^53 - 1; one to eight bytes. Offsets and lengths of large things. */
  uint53: number;
  /** -2^31 to 2^31 - 1; one to five bytes. */
  int32: number;
  /** Any safe integer; one to eight bytes. */
  int53: number;
  /** A bigint from 0 to 2^64 - 1; eight bytes. */
  uint64: bigint;
  float64: number;
  /** A name for bytes that another domain owns. */
  reference: Reference;
}
export type Scalar = keyof ScalarValues;

/** What may be said of any field. */
export interface FieldNotes {
  /** The version of the protocol that brought the field. Default 1. */
  readonly since?: number;
  /** The value for this side when the peer speaks an older version. Needs `since`. */
  readonly otherwise?: unknown;
  /** For the reader of the documentation. */
  readonly note?: string;
}

export type FieldSchema =
  | Scalar
  | (FieldNotes & { readonly is: Scalar })
  /** At most so many bytes. `lent`: a back end's handler gets a view, valid until it answers. */
  | (FieldNotes & { readonly bytes: number; readonly lent?: boolean })
  /** Text of at most so many bytes of UTF-8. */
  | (FieldNotes & { readonly text: number })
  /** One of these words. */
  | (FieldNotes & { readonly choice: readonly string[] })
  /** At most `max` of them. */
  | (FieldNotes & { readonly list: FieldSchema; readonly max: number })
  | (FieldNotes & { readonly record: RecordSchema })
  | (FieldNotes & { readonly optional: FieldSchema });

/** Fields by name, in the order in which they are sent. */
export interface RecordSchema {
  readonly [name: string]: FieldSchema;
}

/** The type of a field's value. */
export type ValueOf<S> = S extends Scalar
  ? ScalarValues[S]
  : S extends { readonly is: infer K extends Scalar }
    ? ScalarValues[K]
    : S extends { readonly bytes: number }
      ? Uint8Array
      : S extends { readonly text: number }
        ? string
        : S extends { readonly choice: readonly (infer C)[] }
          ? C
          : S extends { readonly list: infer E }
            ? readonly ValueOf<E>[]
            : S extends { readonly record: infer R }
              ? ValuesOf<R>
              : S extends { readonly optional: infer O }
                ? ValueOf<O> | undefined
                : never;

type OptionalNames<R> = {
  [K in keyof R]: R[K] extends { readonly optional: unknown } ? K : never;
}[keyof R];

/** The type of a record's values; `optional` fields may be left out. */
export type ValuesOf<R> = {
  readonly [K in Exclude<keyof R, OptionalNames<R>>]: ValueOf<R[K]>;
} & { readonly [K in OptionalNames<R>]?: ValueOf<R[K]> };

/**
 * What executing a transaction again would do, were the first time not known: `none` it changes
 * nothing, so any front end may ask again; `idempotent` the state is as after the first time,
 * provided that nobody else changed it in between; `once` it must not happen.
 */
export type Effect = 'none' | 'idempotent' | 'once';

/**
 * Which part of the device a transaction changes: the names of two parameter fields, the second a
 * number or bytes. Where work is recovered, two changes of one place never run at one time, so that
 * doing an older one again cannot undo a newer one. If a protocol has anything idempotent, a change
 * without a range is one of the whole device, and must not wait for another change to come.
 */
export interface Range {
  readonly from: string;
  readonly length: string;
}

export interface TransactionSchema {
  readonly parameters?: RecordSchema;
  readonly status?: RecordSchema;
  /** Default `once`. */
  readonly effect?: Effect;
  readonly range?: Range;
  /** The version that brought it. Default 1. */
  readonly since?: number;
  /** The feature that both ends must have. */
  readonly feature?: string;
  readonly note?: string;
}

export interface MessageSchema {
  /** Which end handles it. One `to: 'front'` is an event. */
  readonly to: 'front' | 'back';
  readonly fields?: RecordSchema;
  readonly since?: number;
  readonly feature?: string;
  readonly note?: string;
}

/** A whole protocol, as given to `defineProtocol`. */
export interface ProtocolSchema {
  readonly name: string;
  /** The newest version that this definition describes; counts from 1. */
  readonly version: number;
  /** The oldest that it still speaks. Default 1. */
  readonly oldest?: number;
  readonly note?: string;
  /** Abilities that an end may lack, with what each is for. */
  readonly features?: { readonly [name: string]: string };
  /** Reasons for which a handler turns a transaction down: codes from 1 on. */
  readonly errors?: { readonly [name: string]: number };
  readonly transactions?: { readonly [name: string]: TransactionSchema };
  readonly messages?: { readonly [name: string]: MessageSchema };
}

type Part<D, K extends PropertyKey> = D extends { readonly [P in K]: infer T } ? T : unknown;
/** A part that is not there is an empty record. */
type Fields<D, K extends PropertyKey> = unknown extends Part<D, K> ? object : Part<D, K>;

export type TransactionsOf<D> = Fields<D, 'transactions'>;
export type MessagesOf<D> = Fields<D, 'messages'>;
export type ErrorNameOf<D> = keyof Fields<D, 'errors'> & string;
export type FeatureOf<D> = keyof Fields<D, 'features'> & string;
export type ParametersOf<T> = ValuesOf<Fields<T, 'parameters'>>;
export type StatusOf<T> = ValuesOf<Fields<T, 'status'>>;
export type MessageValuesOf<M> = ValuesOf<Fields<M, 'fields'>>;

/** The names of the messages that go to one end. */
export type MessageNames<D, End extends 'front' | 'back'> = {
  [K in keyof MessagesOf<D>]: MessagesOf<D>[K] extends { readonly to: End } ? K : never;
}[keyof MessagesOf<D>] &
  string;

/** True for a record with nothing that has to be given. */
export type IsEmpty<V> = object extends V ? true : false;
