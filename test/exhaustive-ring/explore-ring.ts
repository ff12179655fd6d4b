/**
 * Explores every interleaving of the steps of two sides of a ring: depth first, and each state is
 * entered once. A state is everything that decides what can follow, compared exactly: the memory,
 * what is not visible in it yet, the doorbells, and for each side its fields and where it is.
 *
 * A run must not come back to a state of its own (nobody may go round in circles), and where no
 * step is left both sides must be done: a lost wake-up ends in a state where somebody waits.
 */
import { loadRing, type RingFault } from './load-ring.js';
import { Pc, RingSide, type SideCounts, type SidePlan, type Surroundings } from './ring-side.js';
import { StepMemory, suspended, Violation } from './step-memory.js';
import { recordBytes } from '../../transports/ring/ring-layout.js';

export interface Scenario {
  readonly name: string;
  readonly ringBytes: number;
  /** Where all positions begin. */
  readonly start: number;
  readonly plans: readonly [SidePlan, SidePlan];
  /** Plain stores become visible late and in any order. */
  readonly isRelaxed?: boolean;
  /** Either side may die before any of its steps, and the other one is told some time later. */
  readonly mayDie?: boolean;
  /**
   * When somebody wakes, all sleeps so far are forgotten and the next one has the first number
   * again. Sound while a new number equals no older one, which runs without this prove, and while
   * an action that asks whether the peer sleeps does nothing after it.
   */
  readonly forgetsSleeps?: boolean;
  /** So many times somebody who waits wakes without a doorbell. */
  readonly wakesInVain?: number;
}

export interface Exploration extends SideCounts {
  readonly states: number;
  readonly steps: number;
  /** States in which nothing is left to do. */
  readonly ends: number;
  readonly pads: number;
  readonly wraps: number;
  /** What the runs ended in: for each side what it received, or that it died. */
  readonly outcomes: readonly string[];
}

interface SideState {
  /** The side's fields when its action began; the same array for the same values. */
  readonly saved: Saved;
  /** What the action loaded since. */
  readonly log: readonly number[];
}

interface Saved {
  readonly id: number;
  readonly values: readonly number[];
}

interface State {
  readonly cells: Int32Array;
  readonly buffers: readonly [readonly number[], readonly number[]];
  readonly bells: readonly [boolean, boolean];
  /** The side that died; -1 if none did. */
  readonly dead: number;
  readonly isTold: boolean;
  readonly wakesLeft: number;
  readonly sides: readonly [SideState, SideState];
}

interface Move {
  readonly name: string;
  readonly next: () => State | undefined;
}

/** Position of `pc` among the saved fields: `vars` comes first, and `pc` first in it. */
const pcField = 0;

/** Writes numbers into a string that is equal for equal numbers only. */
class KeyWriter {
  readonly #bytes = Buffer.alloc(4096);
  #end = 0;

  begin(): void {
    this.#end = 0;
  }

  /** Small numbers take one byte. */
  add(value: number): void {
    if (value >= 0 && value < 255) {
      this.#bytes[this.#end++] = value;
      return;
    }
    this.#bytes[this.#end++] = 255;
    this.#bytes.writeInt32LE(value, this.#end);
    this.#end += 4;
  }

  end(): string {
    return this.#bytes.toString('latin1', 0, this.#end);
  }
}

class Explorer {
  readonly #scenario: Scenario;
  readonly #memory: StepMemory;
  readonly #sides: readonly [RingSide, RingSide];
  readonly #counts: SideCounts = {
    sleeps: 0,
    saved: 0,
    rings: 0,
    refused: 0,
    aborted: 0,
    spaceRings: 0,
  };
  readonly #savedByKey = new Map<string, Saved>();
  readonly #key = new KeyWriter();
  /** True while the state is on the path that led to the current one. */
  readonly #seen = new Map<string, boolean>();
  readonly #path: string[] = [];
  readonly #outcomes = new Set<string>();
  #steps = 0;
  #ends = 0;

  constructor(scenario: Scenario, fault: RingFault | undefined) {
    this.#scenario = scenario;
    this.#memory = new StepMemory(scenario.ringBytes, scenario.isRelaxed ?? false);
    this.#memory.setStart(scenario.start);
    const ring = loadRing(this.#memory.atomics, fault);
    const make = (index: number): RingSide =>
      new RingSide(index, scenario.plans, ring, this.#memory, this.#counts);
    this.#sides = [make(0), make(1)];
  }

  run(): Exploration {
    const [first, second] = this.#sides;
    try {
      this.#visit({
        cells: this.#memory.cells,
        buffers: [[], []],
        bells: [false, false],
        dead: -1,
        isTold: false,
        wakesLeft: this.#scenario.wakesInVain ?? 0,
        sides: [
          { saved: this.#intern(first.save()), log: [] },
          { saved: this.#intern(second.save()), log: [] },
        ],
      });
    } catch (error) {
      const what = error instanceof Error ? error.message : String(error);
      throw new Error(`${this.#scenario.name}: ${what}\nafter ${this.#path.join(' ')}`, {
        cause: error,
      });
    }
    return {
      ...this.#counts,
      ...this.#memory.counts,
      states: this.#seen.size,
      steps: this.#steps,
      ends: this.#ends,
      outcomes: [...this.#outcomes].sort(),
    };
  }

  #visit(state: State): void {
    const key = this.#keyOf(state);
    const isOnPath = this.#seen.get(key);
    if (isOnPath === true) throw new Violation('going round in circles');
    if (isOnPath === false) return;
    this.#seen.set(key, true);
    let isOver = true;
    for (const move of this.#movesOf(state)) {
      this.#path.push(move.name);
      const next = move.next();
      if (next !== undefined) {
        this.#steps++;
        this.#visit(next);
        isOver = false;
      }
      this.#path.pop();
    }
    if (isOver) this.#end(state);
    this.#seen.set(key, false);
  }

  #movesOf(state: State): Move[] {
    const moves: Move[] = [];
    for (const side of [0, 1] as const) {
      if (state.dead !== side && !this.#isDone(state, side)) {
        moves.push({ name: `${side}`, next: () => this.#step(state, side) });
        if (this.#scenario.mayDie === true && state.dead < 0) {
          moves.push({ name: `die${side}`, next: () => ({ ...state, dead: side }) });
        }
        if (state.wakesLeft > 0 && this.#isWaiting(state, side)) {
          moves.push({ name: `vain${side}`, next: () => this.#wakeInVain(state, side) });
        }
      }
      for (let entry = 0; entry < state.buffers[side].length; entry += 2) {
        moves.push({ name: `drain${side}`, next: () => this.#drain(state, side, entry) });
      }
    }
    if (state.dead >= 0 && !state.isTold) {
      moves.push({ name: 'tell', next: () => ({ ...state, isTold: true, bells: [true, true] }) });
    }
    return moves;
  }

  #pcOf(state: State, side: 0 | 1): number {
    return state.sides[side].saved.values[pcField] ?? -1;
  }

  #isDone(state: State, side: 0 | 1): boolean {
    return this.#pcOf(state, side) === Pc.Done;
  }

  #isWaiting(state: State, side: 0 | 1): boolean {
    return this.#pcOf(state, side) === Pc.Wait && !state.bells[side];
  }

  #load(state: State): void {
    this.#memory.cells = state.cells.slice();
    this.#memory.buffers = [[...state.buffers[0]], [...state.buffers[1]]];
  }

  #with(state: State, side: 0 | 1, sideState: SideState, bells: [boolean, boolean]): State {
    const sides: [SideState, SideState] = [...state.sides];
    sides[side] = sideState;
    return {
      ...state,
      cells: this.#memory.cells,
      buffers: this.#memory.buffers,
      bells,
      sides,
    };
  }

  #step(state: State, side: 0 | 1): State | undefined {
    if (this.#isWaiting(state, side)) return undefined;
    this.#load(state);
    const actor = this.#sides[side];
    const log = [...state.sides[side].log];
    const around: Surroundings = { bells: [...state.bells], isTold: state.isTold };
    actor.restore(state.sides[side].saved.values);
    this.#memory.begin(side, log);
    try {
      actor.run(around);
    } catch (error) {
      if (error !== suspended) throw error;
      return this.#with(state, side, { saved: state.sides[side].saved, log }, around.bells);
    }
    const saved = this.#intern(actor.save());
    const next = this.#with(state, side, { saved, log: [] }, around.bells);
    const hasWoken = this.#pcOf(state, side) === Pc.Wake;
    return hasWoken && this.#scenario.forgetsSleeps === true ? this.#forget(next, side) : next;
  }

  #forget(state: State, side: 0 | 1): State {
    this.#memory.forgetRung(1 - side);
    const sides: [SideState, SideState] = [...state.sides];
    for (const [index, name] of [
      [side, '$number'],
      [1 - side, 'rungWord'],
    ] as const) {
      const place = index === 0 ? 0 : 1;
      const values = [...sides[place].saved.values];
      values[this.#sides[place].placeOf(name)] = 0;
      sides[place] = { ...sides[place], saved: this.#intern(values) };
    }
    return { ...state, sides };
  }

  #intern(values: readonly number[]): Saved {
    this.#key.begin();
    for (const value of values) this.#key.add(value);
    const key = this.#key.end();
    let saved = this.#savedByKey.get(key);
    if (saved === undefined) {
      saved = { id: this.#savedByKey.size, values };
      this.#savedByKey.set(key, saved);
    }
    return saved;
  }

  #drain(state: State, side: 0 | 1, entry: number): State | undefined {
    this.#load(state);
    if (!this.#memory.drain(side, entry)) return undefined;
    return { ...state, cells: this.#memory.cells, buffers: this.#memory.buffers };
  }

  #wakeInVain(state: State, side: 0 | 1): State {
    const values = [...state.sides[side].saved.values];
    values[pcField] = Pc.Wake;
    const sides: [SideState, SideState] = [...state.sides];
    sides[side] = { saved: this.#intern(values), log: [] };
    return { ...state, wakesLeft: state.wakesLeft - 1, sides };
  }

  #end(state: State): void {
    this.#load(state);
    const words = ([0, 1] as const).map((side) => {
      if (state.dead === side) return 'died';
      if (!this.#isDone(state, side)) throw new Violation(`side ${side} waits for ever`);
      return this.#outcomeOf(state, side);
    });
    this.#ends++;
    this.#outcomes.add(words.join(', '));
  }

  /** What a side that is done has received: all that the peer published, and nothing else. */
  #outcomeOf(state: State, side: 0 | 1): string {
    const [plan, peerPlan] = [0, 1].map((index) => this.#scenario.plans[(side + index) & 1]);
    if (plan?.receives !== true || peerPlan === undefined) return 'sent';
    const actor = this.#sides[side];
    actor.restore(state.sides[side].saved.values);
    const { received } = actor.vars;
    const position = this.#positionAfter(peerPlan.sends.slice(0, received));
    if (position !== this.#memory.producedOf(1 - side)) {
      throw new Violation(`side ${side} is done after ${received} records; there are others`);
    }
    return `${received} of ${peerPlan.sends.length}`;
  }

  #positionAfter(byteLengths: readonly number[]): number {
    const { ringBytes, start } = this.#scenario;
    return byteLengths.reduce((position, byteLength) => {
      const bytesToEnd = ringBytes - (position & (ringBytes - 1));
      const taken = recordBytes(byteLength);
      return (position + taken + (taken > bytesToEnd ? bytesToEnd : 0)) | 0;
    }, start);
  }

  #keyOf(state: State): string {
    const key = this.#key;
    key.begin();
    for (const cell of state.cells) key.add(cell);
    for (const side of [0, 1] as const) {
      const { saved, log } = state.sides[side];
      const buffer = state.buffers[side];
      key.add(saved.id);
      key.add(log.length);
      for (const value of log) key.add(value);
      key.add(buffer.length);
      for (const value of buffer) key.add(value);
      key.add(state.bells[side] ? 1 : 0);
    }
    key.add(state.isTold ? 1 : 0);
    key.add(state.dead + 1);
    key.add(state.wakesLeft);
    return key.end();
  }
}

/** Throws with the path to it at the first state that breaks a rule. */
export function exploreRing(scenario: Scenario, fault?: RingFault): Exploration {
  return new Explorer(scenario, fault).run();
}
