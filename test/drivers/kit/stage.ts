/**
 * Stage: one back end and some front ends of a small driver in a simulated world, for scenarios
 * that are told step by step. The back end logs what it executes; a call whose label is held is
 * executed and not answered.
 */
import { IdcError } from 'idc';
import {
  createBackEnd,
  createFrontEnd,
  createMemoryJournal,
  defineProtocol,
  type FrontEnd,
  type FrontEndOptions,
  type Journal,
  type Protocol,
  type RecoveryOptions,
} from 'idc/drivers/kit';
import { World } from 'idc/simulation';

const tapeSchema = {
  name: 'tape',
  version: 1,
  transactions: {
    look: { parameters: { label: { text: 16 } }, effect: 'none' },
    set: {
      parameters: { label: { text: 16 }, from: 'uint8', count: 'uint8' },
      effect: 'idempotent',
      range: { from: 'from', length: 'count' },
    },
    add: {
      parameters: { label: { text: 16 }, from: 'uint8', count: 'uint8' },
      effect: 'once',
      range: { from: 'from', length: 'count' },
    },
    /** Two of them that overlap are in order. */
    move: {
      parameters: { label: { text: 16 }, from: 'uint8', count: 'uint8' },
      effect: 'idempotent',
      range: { from: 'from', length: 'count' },
    },
    /** Without a range. */
    reset: { parameters: { label: { text: 16 } }, effect: 'idempotent' },
  },
} as const;
export type TapeSchema = typeof tapeSchema;
export const tape: Protocol<TapeSchema> = defineProtocol(tapeSchema);
export type Tape = FrontEnd<TapeSchema>;

/** Something at a place of its own, so that nothing waits for it. */
export function at(label: string): { label: string; from: number; count: number } {
  let from = 0;
  for (const letter of label) from = (31 * from + letter.charCodeAt(0)) & 0xff;
  return { label, from, count: 1 };
}

const address = 'simulated://back/tape';
const patienceMs = 60_000;

export class Stage {
  readonly world: World;
  readonly journal: Journal = createMemoryJournal();
  /** What was executed, in order. */
  readonly log: string[] = [];
  /** Labels whose calls are executed and not answered. */
  readonly held: Set<string> = new Set();
  /** Answers what is held and was executed in this life of the back end. */
  release: (label: string) => void = () => undefined;
  readonly #fronts = new Map<string, Tape>();

  constructor(
    recovery: (journal: Journal) => RecoveryOptions,
    fronts: Readonly<Record<string, FrontEndOptions<TapeSchema>>> = { front: {} },
    provesIdentity = true,
  ) {
    this.world = new World({ seed: 1, provesIdentity });
    this.world.addDomain('back', (domain, { runtime }) => {
      const waiting = new Map<string, () => void>();
      this.release = (label) => waiting.get(label)?.();
      const execute =
        (name: string) =>
        ({ label }: { readonly label: string }): void | Promise<void> => {
          this.log.push(`${name} ${label}`);
          if (!this.held.has(label)) return undefined;
          return new Promise((resolve) => waiting.set(label, resolve));
        };
      const handlers = {
        look: execute('look'),
        set: execute('set'),
        add: execute('add'),
        move: execute('move'),
        reset: execute('reset'),
      };
      createBackEnd(domain, address, tape, handlers, { recovery: recovery(this.journal), runtime });
    });
    for (const [name, options] of Object.entries(fronts)) {
      this.world.addDomain(name, (domain, { runtime }) => {
        const settings = { recover: true, timeoutMs: patienceMs, ...options, runtime };
        this.#fronts.set(name, createFrontEnd(domain, address, tape, settings));
      });
    }
  }

  /** Resolves with a front end that has agreed with its back end. */
  async front(name = 'front'): Promise<Tape> {
    await this.until(`${name} agrees`, () => this.#fronts.get(name)?.agreed !== undefined);
    const front = this.#fronts.get(name);
    if (front === undefined) throw new Error(`no front end is called ${name}`);
    return front;
  }

  async until(what: string, fact: () => boolean): Promise<void> {
    await this.world.until(what, patienceMs, fact);
  }

  async rest(durationMs = 100): Promise<void> {
    await this.world.run(durationMs);
  }

  /** The power of the back end is cut; its front ends learn it at once. */
  crashBack(): void {
    this.world.place('back').crash({ learnMs: 1 });
  }

  startBack(): void {
    this.world.place('back').start();
  }

  /** All links are cut; both ends live on. */
  cutLinks(): void {
    this.world.network.sever(undefined, 0, 0);
  }

  async close(): Promise<void> {
    await this.world.close(patienceMs);
  }
}

/** How a call ended, once it has. */
export interface Outcome {
  /** `done`, or what the error says: `DISCONNECTED maybe`, `NOT_WRITER never`. */
  value: string | undefined;
}

/** Watches a call, and makes its rejection a value. */
export function watch(call: Promise<unknown>): Outcome {
  const outcome: Outcome = { value: undefined };
  call.then(
    () => (outcome.value = 'done'),
    (error: unknown) => {
      if (!(error instanceof IdcError)) throw error;
      const name = 'failure' in error ? String(error.failure) : error.code;
      outcome.value = `${name} ${error.execution}`;
    },
  );
  return outcome;
}
