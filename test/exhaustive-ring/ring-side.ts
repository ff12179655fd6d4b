/**
 * One side of a ring link as a sequence of actions, each of which calls the real algorithm once.
 *
 * It does what a link does: sends its records, receives the peer's, publishes, looks once more,
 * says that it sleeps, looks again, waits for the doorbell. Everything that it remembers is numbers
 * in `vars` and in the fields of the ring's objects, so it can be saved and put back.
 */
import { SleepBit, type RingMemory } from '../../transports/ring/ring-layout.js';
import type { Ring } from './load-ring.js';
import { type StepMemory, Violation } from './step-memory.js';

/** What one side does. */
export interface SidePlan {
  /** Frame lengths in bytes. */
  readonly sends: readonly number[];
  /** It publishes after so many records, and when there is nothing else to do. */
  readonly publishEvery: number;
  /** Before the record of this index a claim of so many bytes is made, filled and aborted. */
  readonly aborts?: Readonly<Record<number, number>>;
  /** It looks so often in vain before it goes to sleep. */
  readonly polls?: number;
  readonly receives: boolean;
  /** It sends nothing before it has received so many. */
  readonly waitsFor?: number;
  /** It ends after the peer did, not when it has sent everything. */
  readonly endsLast?: boolean;
  /** A fault: it says that it sleeps and waits without looking again. */
  readonly forgetsRecheck?: boolean;
}

export interface SideCounts {
  sleeps: number;
  saved: number;
  rings: number;
  refused: number;
  aborted: number;
  spaceRings: number;
}

/** What a side shares with the world beside the memory. */
export interface Surroundings {
  /** A doorbell that rang and was not heard yet, for each side. */
  readonly bells: [boolean, boolean];
  /** The living side knows that the other one is dead. */
  isTold: boolean;
}

export const Pc = {
  Send: 0,
  Fill: 1,
  Commit: 2,
  Publish: 3,
  Ring: 4,
  End: 5,
  Peek: 6,
  Read: 7,
  Release: 8,
  GiveBack: 9,
  Check: 10,
  Sleep: 11,
  Recheck: 12,
  Wait: 13,
  Wake: 14,
  Done: 15,
} as const;

type Field = readonly [object: Record<string, unknown>, name: string, isFlag: boolean];

/** Never change, so they need not be saved. */
const constants = new Set(['$ringBytes', '$mask', '$frameBytesMax']);

function fieldsOf(object: object): Field[] {
  // Fields are looked up by name to be saved; the algorithm itself never sees them this way.
  const record = object as Record<string, unknown>;
  return Object.keys(record)
    .filter((name) => !constants.has(name) && /number|boolean/.test(typeof record[name]))
    .map((name) => [record, name, typeof record[name] === 'boolean']);
}

/** The word `index` of a record: all of a run's words are different. */
function payloadWord(side: number, record: number, index: number): number {
  return 100 + side * 1000 + record * 40 + index;
}

export class RingSide {
  readonly vars = {
    pc: 0,
    after: 0,
    sent: 0,
    received: 0,
    offset: 0,
    isAborting: false,
    aborted: -1,
    isRefused: false,
    isEnded: false,
    isPeerEnded: false,
    isLast: false,
    polls: 0,
    rungWord: 0,
  };
  readonly #index: number;
  readonly #plan: SidePlan;
  readonly #peerPlan: SidePlan;
  readonly #memory: StepMemory;
  readonly #counts: SideCounts;
  readonly #own: RingMemory;
  readonly #peer: RingMemory;
  readonly #writer;
  readonly #reader;
  readonly #sleeper;
  readonly #fields: readonly Field[];

  constructor(
    index: number,
    plans: readonly [SidePlan, SidePlan],
    ring: Ring,
    memory: StepMemory,
    counts: SideCounts,
  ) {
    this.#index = index;
    this.#plan = plans[index === 0 ? 0 : 1];
    this.#peerPlan = plans[index === 0 ? 1 : 0];
    this.#memory = memory;
    this.#counts = counts;
    this.#own = memory.view(index);
    this.#peer = memory.view(1 - index);
    // The constructors read a start position each; that is before the first step.
    memory.begin(index, []);
    this.#writer = ring.makeWriter(this.#own, this.#peer);
    memory.begin(index, []);
    this.#reader = ring.makeReader(this.#peer, this.#own);
    this.#sleeper = ring.makeSleeper(this.#own);
    this.#fields = [this.vars, this.#writer, this.#reader, this.#sleeper].flatMap(fieldsOf);
  }

  /** Place of a field among those that are saved. */
  placeOf(name: string): number {
    return this.#fields.findIndex((field) => field[1] === name);
  }

  save(): number[] {
    return this.#fields.map(([object, name]) => Number(object[name]));
  }

  restore(saved: readonly number[]): void {
    this.#fields.forEach(([object, name, isFlag], index) => {
      const value = saved[index];
      object[name] = isFlag ? value === 1 : value;
    });
  }

  /** One action from its beginning; the memory suspends it by throwing. */
  run(around: Surroundings): void {
    const { vars } = this;
    switch (vars.pc) {
      case Pc.Send: {
        this.#send();
        return;
      }
      case Pc.Fill: {
        this.#fill();
        return;
      }
      case Pc.Commit: {
        this.#commit();
        return;
      }
      case Pc.Publish: {
        this.#ringIf(this.#writer.publish(), vars.after);
        return;
      }
      case Pc.Ring:
        around.bells[1 - this.#index] = true;
        vars.pc = vars.after;
        return;
      case Pc.End:
        vars.isEnded = true;
        {
          this.#ringIf(this.#writer.end(), Pc.Peek);
          return;
        }
      case Pc.Peek: {
        this.#peek();
        return;
      }
      case Pc.Read: {
        this.#read();
        return;
      }
      case Pc.Release:
        this.#reader.release();
        vars.received++;
        vars.offset = 0;
        vars.pc = Pc.Peek;
        return;
      case Pc.GiveBack: {
        this.#giveBack();
        return;
      }
      case Pc.Check: {
        this.#check(around.isTold);
        return;
      }
      case Pc.Sleep:
        this.#sleep();
        return;
      case Pc.Recheck: {
        this.#recheck(around.isTold);
        return;
      }
      case Pc.Wait:
        around.bells[this.#index === 0 ? 0 : 1] = false;
        vars.pc = Pc.Wake;
        return;
      case Pc.Wake:
        this.#sleeper.wake();
        vars.pc = Pc.Peek;
        return;
      default:
        throw new Violation(`no such action: ${vars.pc}`);
    }
  }

  #sleep(): void {
    this.#sleeper.sleep(this.vars.isRefused);
    this.#counts.sleeps++;
    this.vars.pc = this.#plan.forgetsRecheck === true ? Pc.Wait : Pc.Recheck;
  }

  #send(): void {
    const { vars } = this;
    if (!this.#canGoOn()) {
      vars.pc = Pc.Peek;
      return;
    }
    vars.isAborting = this.#abortBytes() > 0;
    if (vars.sent === this.#plan.sends.length && !vars.isAborting) {
      vars.pc = Pc.End;
      return;
    }
    vars.offset = this.#writer.claim(this.#claimBytes());
    vars.isRefused = vars.offset < 0;
    if (vars.isRefused) vars.offset = 0;
    if (vars.isRefused) this.#counts.refused++;
    vars.pc = vars.isRefused ? Pc.Peek : Pc.Fill;
  }

  /** True if there is something to send, or the end to be told. */
  #canGoOn(): boolean {
    const { sends, waitsFor = 0, endsLast = false } = this.#plan;
    const { sent, received, isRefused, isEnded, isPeerEnded } = this.vars;
    if (isRefused || isEnded || received < waitsFor) return false;
    return sent < sends.length || !endsLast || isPeerEnded;
  }

  #abortBytes(): number {
    if (this.vars.aborted === this.vars.sent) return 0;
    return this.#plan.aborts?.[this.vars.sent] ?? 0;
  }

  #claimBytes(): number {
    return this.vars.isAborting ? this.#abortBytes() : (this.#plan.sends[this.vars.sent] ?? 0);
  }

  #fill(): void {
    const { vars } = this;
    for (let index = 0; index * 4 < this.#claimBytes(); index++) {
      const word = vars.isAborting ? 99 : payloadWord(this.#index, vars.sent, index);
      this.#own.words[vars.offset / 4 + index] = word;
    }
    vars.pc = Pc.Commit;
  }

  #commit(): void {
    const { vars } = this;
    vars.offset = 0;
    if (vars.isAborting) {
      this.#writer.abort();
      vars.aborted = vars.sent;
      this.#counts.aborted++;
      vars.pc = Pc.Send;
      return;
    }
    this.#writer.commit();
    vars.sent++;
    vars.after = Pc.Send;
    vars.pc = vars.sent % this.#plan.publishEvery === 0 ? Pc.Publish : Pc.Send;
  }

  #ringIf(isAsked: boolean, after: number): void {
    const { vars } = this;
    vars.after = after;
    vars.pc = isAsked ? Pc.Ring : after;
    if (!isAsked) return;
    const word = this.#memory.sleepWordSeen;
    if ((word & SleepBit.Asleep) === 0) throw new Violation('a doorbell for one who is awake');
    if (word === vars.rungWord) throw new Violation('two doorbells for one sleep');
    vars.rungWord = word;
    this.#counts.rings++;
  }

  #peek(): void {
    const { vars } = this;
    if (!this.#plan.receives) {
      this.#flush();
      return;
    }
    vars.offset = this.#reader.peek();
    if (vars.offset === -2) throw new Violation('sound memory is called corrupt');
    if (vars.offset === -1) {
      vars.offset = 0;
      this.#flush();
    } else vars.pc = Pc.Read;
  }

  #flush(): void {
    this.vars.after = Pc.GiveBack;
    this.vars.pc = this.#plan.sends.length > 0 ? Pc.Publish : Pc.GiveBack;
  }

  #read(): void {
    const { vars } = this;
    const expected = this.#peerPlan.sends[vars.received];
    if (this.#reader.peekedBytes !== expected) throw new Violation('a frame of another length');
    for (let index = 0; index * 4 < expected; index++) {
      const word = this.#peer.words[vars.offset / 4 + index];
      if (word !== payloadWord(1 - this.#index, vars.received, index)) {
        throw new Violation(`record ${vars.received} is torn or another one: ${word ?? 'none'}`);
      }
    }
    vars.pc = Pc.Release;
  }

  #giveBack(): void {
    if (!this.#plan.receives) {
      this.vars.pc = Pc.Check;
      return;
    }
    const isAsked = this.#reader.publish();
    if (isAsked) this.#counts.spaceRings++;
    this.#ringIf(isAsked, Pc.Check);
  }

  #check(isTold: boolean): void {
    const { vars } = this;
    const plan = this.#plan;
    if (vars.isLast) vars.pc = Pc.Done;
    else if (isTold) {
      // Everything that the dead side stored is visible by now: a last look finds it.
      vars.isLast = true;
      vars.pc = Pc.Peek;
    } else {
      if (vars.isRefused && this.#writer.takeWritable()) vars.isRefused = false;
      if (plan.receives && !vars.isPeerEnded) vars.isPeerEnded = this.#reader.isPeerEnded;
      if (this.#canGoOn()) vars.pc = Pc.Send;
      else if (vars.isEnded && (vars.isPeerEnded || !plan.receives)) vars.pc = Pc.Done;
      else if (vars.polls < (plan.polls ?? 0)) {
        vars.polls++;
        vars.pc = Pc.Peek;
      } else vars.pc = Pc.Sleep;
    }
  }

  #recheck(isTold: boolean): void {
    const { vars } = this;
    let isSaved = isTold || (this.#plan.receives && this.#reader.peek() >= 0);
    if (!isSaved && vars.isRefused && this.#writer.takeWritable()) {
      vars.isRefused = false;
      isSaved = true;
    }
    if (!isSaved && this.#plan.receives && !vars.isPeerEnded) {
      vars.isPeerEnded = this.#reader.isPeerEnded;
      isSaved = vars.isPeerEnded;
    }
    if (isSaved) this.#counts.saved++;
    vars.pc = isSaved ? Pc.Wake : Pc.Wait;
  }
}
