/**
 * Protocol: what `defineProtocol` makes of a schema, for both ends.
 *
 * Items are numbered by the version that brought them and then by their order, so that a number
 * keeps its meaning as long as newer items name a newer version. Nothing relies on that being done
 * right: the ends compare the digest of the version that they are about to speak.
 */
import { DriverFailure } from './driver-error.js';
import { checkProtocol } from './protocol-check.js';
import { Layout, listMessages, listTransactions } from './layout.js';
import type { MessageItem, TransactionItem } from './layout.js';
import type { ErrorNameOf, ProtocolSchema } from './schema.js';

/** The schema that a protocol was made of: `FrontEnd<SchemaOf<typeof block>>`. */
export type SchemaOf<P> = P extends Protocol<infer D> ? D : never;

/** A protocol, whatever its types. */
export interface AnyProtocol {
  readonly schema: ProtocolSchema;
  readonly name: string;
  /** The newest version. */
  readonly version: number;
  /** The oldest version that is still spoken. */
  readonly oldest: number;
  readonly features: readonly string[];
  readonly transactions: readonly TransactionItem[];
  readonly messages: readonly MessageItem[];
  /** The protocol as one of its versions has it. */
  layoutAt(version: number): Layout;
  /** The name of a handler's code; a code of some later version has none. */
  errorName(code: number): string | undefined;
}

export class Protocol<D> implements AnyProtocol {
  readonly schema: D & ProtocolSchema;
  readonly name: string;
  readonly version: number;
  readonly oldest: number;
  readonly features: readonly string[];
  readonly transactions: readonly TransactionItem[];
  readonly messages: readonly MessageItem[];
  readonly #layouts = new Map<number, Layout>();
  readonly #errorNames: ReadonlyMap<number, string>;

  /** Use `defineProtocol`. */
  constructor(schema: D & ProtocolSchema) {
    this.schema = schema;
    this.name = schema.name;
    this.version = schema.version;
    this.oldest = schema.oldest ?? 1;
    this.features = Object.keys(schema.features ?? {});
    this.transactions = listTransactions(schema);
    this.messages = listMessages(schema);
    const errors = Object.entries(schema.errors ?? {});
    this.#errorNames = new Map(errors.map(([name, code]) => [code, name]));
  }

  layoutAt(version: number): Layout {
    let layout = this.#layouts.get(version);
    if (layout === undefined) {
      layout = new Layout(this.name, this.transactions, this.messages, version);
      this.#layouts.set(version, layout);
    }
    return layout;
  }

  /** What a handler throws, or answers, to turn a transaction down. */
  failure(name: ErrorNameOf<D>): DriverFailure {
    return new DriverFailure(name, this.schema.errors?.[name] ?? 0);
  }

  errorName(code: number): string | undefined {
    return this.#errorNames.get(code);
  }
}

/**
 * Makes a protocol of its schema. A definition that contradicts itself is a programmer error:
 * throws `IdcAssertionError` BAD_ARGUMENT, which names the item.
 */
export function defineProtocol<const D extends ProtocolSchema>(schema: D): Protocol<D> {
  checkProtocol(schema);
  return new Protocol<D>(schema);
}
