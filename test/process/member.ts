/** Member: one endpoint of a process of the test, with its handlers, its load and its journal. */
import type { DisconnectEvent, Endpoint, EndpointHandlers } from 'idc';

import { between, createRandom, type Random } from '../compliance/random.js';
import type { Journal } from './journal.js';
import { Load, type LoadRate } from './load.js';
import type { Quiet } from './quiet.js';
import type { Note } from './setup.js';
import { Witness } from './witness.js';

export interface Surroundings {
  readonly name: string;
  readonly link: string;
  readonly journal: Journal;
  readonly quiet: Quiet;
  readonly tell: (note: Note) => void;
  readonly nextId: () => string;
  readonly rate: LoadRate;
}

const drainMsMax = 20;

export class Member {
  readonly name: string;
  readonly witness: Witness;
  readonly handlers: EndpointHandlers;
  endpoint: Endpoint | undefined = undefined;
  load: Load | undefined = undefined;
  /** The endpoint of an accepted peer is known from here on. */
  onFound: () => void = () => undefined;
  isGone = false;
  readonly #around: Surroundings;
  readonly #random: Random;
  #isFlushed = true;
  #isConnected = false;

  constructor(around: Surroundings, seed: number) {
    const { name, link, journal, quiet } = around;
    this.name = name;
    this.#around = around;
    this.#random = createRandom(seed);
    this.witness = new Witness(name, link, journal, quiet, this.#random);
    this.handlers = {
      appear: (endpoint) => {
        this.attach(endpoint);
        journal.write({ type: 'appear', endpoint: name, link });
      },
      connect: (endpoint) => {
        this.#connect(endpoint.epoch);
      },
      disconnect: (_, event) => this.#disconnect(event),
      disappear: () => {
        journal.write({ type: 'disappear', endpoint: name });
        around.tell({ note: 'disappear', link });
      },
      message: (message, endpoint) => {
        this.witness.message(message, endpoint);
      },
      transaction: (transaction, endpoint) => {
        this.witness.transaction(transaction, endpoint);
      },
    };
  }

  /** Once; an accepted endpoint is known when it appears. */
  attach(endpoint: Endpoint): void {
    if (this.endpoint !== undefined) return;
    const { name, link, journal, quiet, nextId, rate } = this.#around;
    this.endpoint = endpoint;
    this.load = new Load(endpoint, name, link, journal, quiet, nextId, rate);
    endpoint.lifecycle$.subscribe((event) => {
      if (event.type !== 'destroyed') return;
      this.isGone = true;
      journal.write({ type: 'destroyed', endpoint: name, abandoned: event.abandoned });
      quiet.changed();
    });
    this.onFound();
  }

  async destroy(): Promise<void> {
    await this.endpoint?.destroy();
  }

  /** Nothing submitted is outstanding, nothing received is uncompleted. */
  get isQuiet(): boolean {
    if (this.load === undefined) return true;
    if (this.load.unsettledCount > 0 || this.witness.openCount > 0) return false;
    return !this.#isConnected || this.#isFlushed;
  }

  explain(): string {
    const { unsettledCount } = this.load ?? { unsettledCount: 0 };
    const counts = `${unsettledCount} unsettled, ${this.witness.openCount} held`;
    return `${this.endpoint?.explain() ?? 'no endpoint'} (${counts})`;
  }

  #connect(epoch: number): void {
    const { name, link, journal, tell } = this.#around;
    journal.write({ type: 'connect', endpoint: name, epoch });
    tell({ note: 'connect', link, epoch });
    this.#isConnected = true;
    this.#isFlushed = true;
    this.witness.begin();
    this.load?.connected();
  }

  async #disconnect(event: DisconnectEvent): Promise<void> {
    const { name, link, journal, quiet, tell } = this.#around;
    const { epoch, reason, submittedThrough, handledThrough, neverFrom } = event;
    const counts = { submittedThrough, handledThrough, neverFrom };
    journal.write({ type: 'disconnect', endpoint: name, epoch, reason, ...counts });
    tell({ note: 'disconnect', link, epoch, reason });
    this.#isConnected = false;
    this.load?.disconnected();
    this.witness.epochEnded();
    quiet.changed();
    await new Promise((resolve) => setTimeout(resolve, between(this.#random, 0, drainMsMax)));
    journal.write({ type: 'drained', endpoint: name, epoch });
  }

  /** Notes when every message submitted so far is complete: its credit came back. */
  flush(): void {
    if (!this.#isConnected || this.endpoint === undefined) return;
    this.#isFlushed = false;
    const { epoch } = this.endpoint;
    this.endpoint.whenFlushed().then(
      () => {
        if (this.endpoint?.epoch === epoch) this.#isFlushed = true;
        this.#around.quiet.changed();
      },
      () => {
        this.#around.quiet.changed();
      },
    );
  }
}
