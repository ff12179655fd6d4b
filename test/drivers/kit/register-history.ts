/**
 * RegisterHistory: what several clients wrote to one register and read from it, and whether one
 * register that does one thing after another could have answered them so.
 *
 * Every write has a value of its own. Then the operations of one value form a zone: from the first
 * end of any of them to the last start. The history is linearizable if no value is read before its
 * write, no two zones that run forward overlap, and none that runs backward lies within one that
 * runs forward (Gibbons and Korach, 1997). A write with no answer may take effect at any later
 * time, or never; it may not take effect, be overwritten, and come back.
 */
interface Operation {
  readonly startAt: number;
  endAt: number;
}

interface Zone {
  readonly value: number;
  readonly from: number;
  readonly to: number;
}

export class RegisterHistory {
  /** Counts starts and ends, so that no two are at one time. */
  #clock = 0;
  #valueCount = 0;
  readonly #writes = new Map<number, Operation>();
  readonly #reads = new Map<number, Operation[]>();

  /** `write` gets a value that nobody has written; if it fails, `isNever` tells with certainty. */
  async write(
    write: (value: number) => Promise<unknown>,
    isNever: (error: unknown) => boolean,
  ): Promise<void> {
    this.#valueCount += 1;
    const value = this.#valueCount;
    const operation: Operation = { startAt: ++this.#clock, endAt: Infinity };
    this.#writes.set(value, operation);
    try {
      await write(value);
      operation.endAt = ++this.#clock;
    } catch (error) {
      if (isNever(error)) this.#writes.delete(value);
      throw error;
    }
  }

  async read(read: () => Promise<number>): Promise<void> {
    const startAt = ++this.#clock;
    const value = await read();
    const reads = this.#reads.get(value) ?? [];
    reads.push({ startAt, endAt: ++this.#clock });
    this.#reads.set(value, reads);
  }

  /** Undefined if the history is linearizable; else what is wrong with it. */
  problem(): string | undefined {
    const forward: Zone[] = [];
    const backward: Zone[] = [];
    for (const [value, reads] of this.#reads) {
      const write = value === 0 ? beforeAll : this.#writes.get(value);
      if (write === undefined) return `${value} was read and never written`;
      const early = reads.find(({ endAt }) => endAt < write.startAt);
      if (early !== undefined) return `${value} was read before it was written`;
      addZone(value, [write, ...reads], forward, backward);
    }
    for (const [value, write] of this.#writes) {
      // Without an answer and without a reader it may never have happened.
      const isCertain = write.endAt !== Infinity;
      if (isCertain && !this.#reads.has(value)) addZone(value, [write], forward, backward);
    }
    return problemOf(forward, backward);
  }
}

const beforeAll: Operation = { startAt: -1, endAt: 0 };

function addZone(value: number, operations: Operation[], forward: Zone[], backward: Zone[]): void {
  const firstEnd = Math.min(...operations.map(({ endAt }) => endAt));
  const lastStart = Math.max(...operations.map(({ startAt }) => startAt));
  if (firstEnd < lastStart) forward.push({ value, from: firstEnd, to: lastStart });
  else backward.push({ value, from: lastStart, to: firstEnd });
}

function problemOf(forward: Zone[], backward: readonly Zone[]): string | undefined {
  forward.sort((one, other) => one.from - other.from);
  for (const [index, zone] of forward.entries()) {
    const next = forward[index + 1];
    if (next !== undefined && next.from < zone.to) {
      return `${zone.value} and ${next.value} were each there before and after the other`;
    }
    const inside = backward.find(({ from, to }) => from > zone.from && to < zone.to);
    if (inside !== undefined) {
      return `${inside.value} was written while ${zone.value} was there before and after`;
    }
  }
  return undefined;
}
