/**
 * Admission: whether, and when, a transaction that was understood is executed. One for each
 * attached front end; `AnyAdmission` without recovery, and one for each kind of it.
 */
import type { AttachedFrontEnd, Conclude, Job } from './attached-front-end.js';
import type { AnswerTable, TableEntry } from './answer-table.js';
import { kitFailures } from './driver-error.js';
import { idBytes, type Greeting, type GreetingReply, type Notice } from './greeting.js';
import type { ItemReader } from './item-codec.js';
import type { LeaseKeeper } from './lease-keeper.js';
import { spanOf } from './range-gate.js';
import type { RangeQueue } from './range-queue.js';
import type { Effect } from './schema.js';
import { readUintSafe } from './wire.js';

/** Of a change, its number at its front end and the lowest that is not settled there. */
export interface Place {
  readonly sequence: number;
  readonly oldestUnsettled: number;
}

/** What a front end is told of its standing. */
export type Standing = Pick<GreetingReply, 'recovery' | 'isWriter' | 'memory' | 'isKnown'>;

export interface Admission {
  enter(greeting: Greeting): Standing;
  takeNotice(notice: Notice): void;
  disconnected(): void;
  /** HOT: what stands before the parameters; undefined if that is not legal. */
  readHead(reader: ItemReader, effect: Effect): Place | undefined;
  /** HOT: leads to exactly one answer. */
  admit(frontEnd: AttachedFrontEnd, job: Job, place: Place): void | Promise<void>;
  /** HOT: calls `start`, which handles a message, after the handlers of what came before. */
  inTurn(start: () => void | Promise<void>): void | Promise<void>;
}

const noMemory = new Uint8Array(idBytes);
/** Of what changes nothing, and of everything where nothing is remembered. */
const noPlace: Place = { sequence: 0, oldestUnsettled: 0 };

/** Everything is executed at once, and nothing remembered. */
export class PlainAdmission implements Admission {
  enter(): Standing {
    return { recovery: 'none', isWriter: true, memory: noMemory, isKnown: false };
  }

  takeNotice(): void {
    // There is nothing that would wait for it.
  }

  disconnected(): void {
    // Nobody is waited for.
  }

  readHead(): Place {
    return noPlace;
  }

  admit(frontEnd: AttachedFrontEnd, job: Job): void | Promise<void> {
    return frontEnd.execute(job);
  }

  inTurn(start: () => void | Promise<void>): void | Promise<void> {
    return start();
  }
}

/** Changes are executed for the holder of the lease alone. */
export class LeaseAdmission implements Admission {
  readonly #lease: LeaseKeeper;
  #id = '';
  #isConnected = false;
  #isCounted = false;
  #runningCount = 0;
  #wantsToLeave = false;

  constructor(lease: LeaseKeeper) {
    this.#lease = lease;
  }

  enter(greeting: Greeting): Standing {
    const id = Buffer.from(greeting.frontEnd).toString('hex');
    // Another name on the same connection is another front end.
    if (id !== this.#id) this.#depart();
    this.#id = id;
    this.#isConnected = true;
    this.#wantsToLeave = false;
    if (greeting.writes) this.#lease.ask(id);
    const isWriter = this.#lease.isHeldBy(id);
    if (isWriter && !this.#isCounted) {
      this.#lease.connected(id);
      this.#isCounted = true;
    }
    return { recovery: 'lease', isWriter, memory: this.#lease.nameFor(id), isKnown: false };
  }

  takeNotice(notice: Notice): void {
    if (notice !== 'left') return;
    this.#wantsToLeave = true;
    this.#noteDrained();
  }

  disconnected(): void {
    this.#isConnected = false;
    this.#noteDrained();
  }

  readHead(): Place {
    return noPlace;
  }

  admit(frontEnd: AttachedFrontEnd, job: Job): void | Promise<void> {
    if (job.item.item.effect === 'none') return frontEnd.execute(job);
    if (!this.#lease.isHeldBy(this.#id) || this.#wantsToLeave) {
      frontEnd.refuse(job.request, 'NOT_WRITER');
      return undefined;
    }
    this.#runningCount += 1;
    return frontEnd.execute(job, (code, status) => {
      job.request.complete(status, code);
      this.#runningCount -= 1;
      this.#noteDrained();
    });
  }

  inTurn(start: () => void | Promise<void>): void | Promise<void> {
    return start();
  }

  /** Others may write only once nothing that this one submitted can. */
  #noteDrained(): void {
    if (this.#runningCount > 0) return;
    if (this.#wantsToLeave) this.#lease.release(this.#id);
    if (!this.#isConnected || this.#wantsToLeave) this.#depart();
  }

  #depart(): void {
    if (this.#isCounted) this.#lease.drained(this.#id);
    this.#isCounted = false;
  }
}

/** Changes are looked up in the table, so that none is executed twice. */
export class TableAdmission implements Admission {
  readonly #table: AnswerTable;
  readonly #ranges: RangeQueue;
  #id = '';
  #recovers = false;

  constructor(table: AnswerTable, ranges: RangeQueue) {
    this.#table = table;
    this.#ranges = ranges;
  }

  enter(greeting: Greeting): Standing {
    const id = Buffer.from(greeting.frontEnd).toString('hex');
    this.#recovers = greeting.recovers;
    if (!greeting.recovers) {
      this.disconnected();
      return { recovery: 'none', isWriter: true, memory: noMemory, isKnown: false };
    }
    const isKnown = this.#table.enter(id, greeting.oldestUnsettled);
    if (id !== this.#id) {
      this.disconnected();
      this.#table.connected(id);
      this.#id = id;
    }
    return { recovery: 'table', isWriter: true, memory: this.#table.memoryFor(id), isKnown };
  }

  takeNotice(notice: Notice): void {
    if (notice === 'resumed' && this.#recovers) this.#table.resumed(this.#id);
  }

  disconnected(): void {
    if (this.#id !== '') this.#table.disconnected(this.#id);
    this.#id = '';
  }

  readHead(reader: ItemReader, effect: Effect): Place | undefined {
    if (!this.#recovers) return noPlace;
    const sequence = reader.take(readUintSafe);
    if (sequence === undefined || (sequence === 0) !== (effect === 'none')) return undefined;
    if (sequence === 0) return noPlace;
    const ahead = reader.take(readUintSafe);
    if (ahead === undefined || ahead >= sequence) return undefined;
    return { sequence, oldestUnsettled: sequence - ahead };
  }

  admit(frontEnd: AttachedFrontEnd, job: Job, place: Place): void | Promise<void> {
    const { sequence, oldestUnsettled } = place;
    if (sequence === 0) return this.#whenRecovered(job, () => this.#runUnknown(frontEnd, job));
    const id = this.#id;
    const entry = this.#table.find(id, sequence, oldestUnsettled);
    if (entry !== undefined && entry.item !== job.item.item.number) {
      frontEnd.refuse(job.request, 'BAD_PARAMETERS');
      return undefined;
    }
    if (entry !== undefined) return this.#admitAgain(frontEnd, job, entry);
    if (!this.#table.hasRoom(id, sequence)) {
      frontEnd.refuse(job.request, 'TOO_MANY_UNSETTLED');
      return undefined;
    }
    return this.#whenRecovered(job, () => this.#runNew(frontEnd, job, id, sequence));
  }

  inTurn(start: () => void | Promise<void>): void | Promise<void> {
    return this.#table.inTurn(start);
  }

  #admitAgain(frontEnd: AttachedFrontEnd, job: Job, entry: TableEntry): void | Promise<void> {
    const { request } = job;
    switch (entry.state) {
      case 'answered':
        return this.#table.whenWritten(() => {
          request.complete(entry.status, entry.code);
        });
      case 'running':
        entry.waiting.push(() => {
          request.complete(entry.status, entry.code);
        });
        return undefined;
      case 'lost':
        frontEnd.refuse(request, 'OUTCOME_UNKNOWN');
        return undefined;
      case 'begun':
        return defer(
          job,
          (run, forget) => {
            this.#table.redo.submit(entry, request.signal, run, forget);
          },
          () => {
            entry.state = 'running';
            return this.#runEntry(frontEnd, job, entry);
          },
        );
    }
  }

  /** Nothing new is executed before what was begun in an earlier life has been done again. */
  #whenRecovered(job: Job, start: () => void | Promise<void>): void | Promise<void> {
    const { redo } = this.#table;
    if (redo.isEmpty) return start();
    return defer(
      job,
      (run, forget) => {
        redo.hold(job.request.signal, run, forget);
      },
      start,
    );
  }

  /** Not in the table: it changes nothing, or its front end does not recover. */
  #runUnknown(frontEnd: AttachedFrontEnd, job: Job): void | Promise<void> {
    return this.#inRange(job, (onDone) => {
      if (onDone === undefined) return this.#table.inTurn(() => frontEnd.execute(job));
      const conclude: Conclude = (code, status) => {
        job.request.complete(status, code);
        onDone();
      };
      return this.#table.inTurn(() => frontEnd.execute(job, conclude));
    });
  }

  #runNew(
    frontEnd: AttachedFrontEnd,
    job: Job,
    id: string,
    sequence: number,
  ): void | Promise<void> {
    const { number, effect } = job.item.item;
    return this.#inRange(job, (onDone) => {
      const entry = this.#table.begin(id, sequence, number, effect === 'idempotent');
      return this.#table.whenWritten(() => this.#runEntry(frontEnd, job, entry, onDone));
    });
  }

  #runEntry(
    frontEnd: AttachedFrontEnd,
    job: Job,
    entry: TableEntry,
    onDone?: () => void,
  ): void | Promise<void> {
    return frontEnd.execute(job, (code, status) => {
      this.#table.answer(entry, code, status);
      return this.#table.whenWritten(() => {
        job.request.complete(entry.status, code);
        this.#table.settle(entry);
        onDone?.();
      });
    });
  }

  /** Starts it once no earlier change of the same place is under way. */
  #inRange(job: Job, start: (onDone?: () => void) => void | Promise<void>): void | Promise<void> {
    const { range } = job.item.item;
    if (range === undefined) return start();
    const span = spanOf(range, job.values);
    const leave = (): void => {
      this.#ranges.leave(span);
    };
    if (this.#ranges.tryEnter(span)) return start(leave);
    return defer(
      job,
      (run, forget) => {
        const giveUp = this.#ranges.wait(span, run);
        job.request.signal.addEventListener('abort', () => {
          if (giveUp()) forget();
        });
      },
      () => start(leave),
    );
  }
}

const noStatus = new Uint8Array(0);

/**
 * Starts `start` when `schedule` calls back, or completes the request when that says that the front
 * end gave it up before its turn came, and so hears no answer. Rejects with what a handler throws.
 */
function defer(
  { request }: Job,
  schedule: (run: () => void, forget: () => void) => void,
  start: () => void | Promise<void>,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const run = async (): Promise<void> => start();
    schedule(
      () => {
        run().then(resolve, reject);
      },
      () => {
        request.complete(noStatus, kitFailures.OUTCOME_UNKNOWN.wire);
        resolve();
      },
    );
  });
}
