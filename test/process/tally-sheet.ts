/** TallySheet: how transactions ended, by kind of round, in lines for people. */
import type { Tally } from './check-round.js';

export class TallySheet {
  readonly #tallies = new Map<string, Tally>();

  add(kind: string, tally: Tally): void {
    const sum = this.#tallies.get(kind);
    if (sum === undefined) {
      this.#tallies.set(kind, { ...tally });
      return;
    }
    sum.transactions += tally.transactions;
    sum.done += tally.done;
    sum.never += tally.never;
    sum.maybe += tally.maybe;
    sum.atEnd += tally.atEnd;
    sum.maybeAtEnd += tally.maybeAtEnd;
    sum.late += tally.late;
  }

  /** Handlers that held back their own next connect. */
  get late(): number {
    return [...this.#tallies.values()].reduce((sum, { late }) => sum + late, 0);
  }

  lines(): string[] {
    return [...this.#tallies].map(([kind, tally]) => {
      const { transactions, done, never, maybe, atEnd, maybeAtEnd, late } = tally;
      const all = `${transactions} transactions: ${done} done, ${never} never, ${maybe} maybe`;
      const share = ((100 * maybe) / Math.max(1, transactions)).toFixed(2);
      const ends = `${maybeAtEnd} maybe of ${atEnd} that an end settled`;
      return `${kind}: ${all} (${share} %); ${ends}; ${late} handlers held back a connect`;
    });
  }
}
