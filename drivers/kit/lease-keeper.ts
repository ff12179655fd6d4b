/**
 * LeaseKeeper: which front end may change the device, if only one may at a time.
 *
 * A lease has a random name that is drawn when it passes to somebody else. So a front end that
 * finds the name unchanged knows that nobody else has written since, across a restart of the back
 * end if there is a journal. Without one a restart loses the name, and so what was `maybe` ends as
 * such.
 */
import type { Runtime } from 'idc';
import { idBytes } from './greeting.js';
import { compileRecord, decodeRecord, encodeRecord } from './item-codec.js';
import type { Journal } from './journal.js';

export interface LeaseSettings {
  readonly journal: Journal;
  /** How long a holder may be away before somebody else gets the lease. */
  readonly absentMs: number;
  readonly runtime: Runtime;
}

const recordCodec = compileRecord({ frontEnd: { text: 64 }, name: { bytes: idBytes } });

export class LeaseKeeper {
  readonly #settings: LeaseSettings;
  #holder = '';
  #name: Uint8Array = new Uint8Array(idBytes);
  /** How often the holder is connected; a new link may come before the old one is given up. */
  #connectionCount = 0;
  #absentSinceMs: number;

  constructor(settings: LeaseSettings) {
    this.#settings = settings;
    this.#absentSinceMs = settings.runtime.clock.now();
    const last = settings.journal.read().at(-1);
    const record = last && decodeRecord(recordCodec, last);
    if (record === undefined) return;
    this.#holder = String(record['frontEnd']);
    if (record['name'] instanceof Uint8Array) this.#name = record['name'];
  }

  /** The name of the lease that `frontEnd` has. */
  nameFor(frontEnd: string): Uint8Array {
    return this.isHeldBy(frontEnd) ? this.#name : new Uint8Array(idBytes);
  }

  isHeldBy(frontEnd: string): boolean {
    return this.#holder === frontEnd;
  }

  /** `frontEnd` asks for the lease, which it gets if it is free or the holder is gone for long. */
  ask(frontEnd: string): void {
    const { runtime, journal, absentMs } = this.#settings;
    if (this.isHeldBy(frontEnd)) return;
    const isAway = this.#connectionCount === 0;
    const awayMs = runtime.clock.now() - this.#absentSinceMs;
    if (this.#holder !== '' && !(isAway && awayMs >= absentMs)) return;
    this.#holder = frontEnd;
    this.#connectionCount = 0;
    this.#name = new Uint8Array(idBytes);
    runtime.prng.fill(this.#name);
    journal.replace([encodeRecord(recordCodec, { frontEnd, name: this.#name })]);
  }

  connected(frontEnd: string): void {
    if (this.isHeldBy(frontEnd)) this.#connectionCount += 1;
  }

  /** Its connection is over, and nothing that it submitted is still being executed. */
  drained(frontEnd: string): void {
    if (!this.isHeldBy(frontEnd)) return;
    this.#connectionCount -= 1;
    if (this.#connectionCount === 0) this.#absentSinceMs = this.#settings.runtime.clock.now();
  }

  /** The holder wants it no more. */
  release(frontEnd: string): void {
    if (!this.isHeldBy(frontEnd)) return;
    this.#holder = '';
    this.#settings.journal.replace([]);
  }
}
