/**
 * EventInbox: the events of a front end, from the endpoint to handlers and observers.
 *
 * Observers are told first. An event is complete, and its credit goes back to the back end, once
 * the handler's promise has settled: so a slow handler slows its sender and nobody else. An event
 * that comes before the ends have agreed waits for that, in the endpoint's own memory.
 */
import { Subject } from 'rxjs';
import type { Endpoint, ReceivedMessage } from 'idc';
import { ItemReader, type Values } from './item-codec.js';
import type { Layout } from './layout.js';
import type { AnyProtocol } from './protocol.js';
import type { ReadScope } from './scalar-codec.js';

export type EventHandler = (values: Values) => void | Promise<void>;

/** An item that the other end sent and that no legal one sends. It was dropped. */
export interface ItemFault {
  /** The item's name, if that much could be read. */
  readonly item: string;
  readonly byteLength: number;
}

export class EventInbox {
  /** By the event's name. */
  readonly subjects: ReadonlyMap<string, Subject<Values>>;
  readonly faults: Subject<ItemFault> = new Subject<ItemFault>();
  readonly #handlers: Readonly<Record<string, EventHandler | undefined>>;
  readonly #reader = new ItemReader();
  #layout: Layout | undefined = undefined;
  #scope: ReadScope = { from: undefined, lends: false };
  #waiting: ReceivedMessage[] = [];

  constructor(protocol: AnyProtocol, handlers: Readonly<Record<string, EventHandler | undefined>>) {
    const events = protocol.messages.filter(({ to }) => to === 'front');
    this.subjects = new Map(events.map(({ name }) => [name, new Subject<Values>()]));
    this.#handlers = handlers;
  }

  open(layout: Layout, endpoint: Endpoint): void {
    this.#layout = layout;
    this.#scope = { from: endpoint, lends: false };
    for (const message of this.#waiting.splice(0)) void this.#deliver(message, layout);
  }

  /** What still waits can be understood no more. */
  interrupt(): void {
    this.#layout = undefined;
    for (const message of this.#waiting.splice(0)) message.complete();
    this.#reader.forget();
  }

  /** HOT: settles when the event is complete; rejects with what a handler throws. */
  take(message: ReceivedMessage): void | Promise<void> {
    if (this.#layout !== undefined) return this.#deliver(message, this.#layout);
    this.#waiting.push(message);
    return undefined;
  }

  end(): void {
    for (const subject of this.subjects.values()) subject.complete();
    this.faults.complete();
  }

  #deliver(message: ReceivedMessage, layout: Layout): void | Promise<void> {
    const { bytes, offset, byteLength } = message;
    const number = byteLength > 0 ? (bytes[offset] ?? 0) : 0;
    this.#reader.begin(bytes, offset + 1, byteLength - 1);
    const event = layout.messagesToFront[number];
    const values = event && this.#reader.takeFields(event.fields, this.#scope);
    if (event === undefined || values === undefined) {
      message.complete();
      this.faults.next({ item: event?.item.name ?? `event ${number}`, byteLength });
      return undefined;
    }
    const { name } = event.item;
    this.subjects.get(name)?.next(values);
    const handled = this.#handlers[name]?.(values);
    if (handled === undefined) {
      message.complete();
      return undefined;
    }
    return handled.then(() => {
      message.complete();
    });
  }
}
