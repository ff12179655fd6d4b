/** TallySheet: how transactions ended, by kind of round, in lines for people. */
import type { Tally } from './check-round.js';

export class TallySheet {
  readonly #tallies = new Map<string, Tally>();
  readonly #returnMs = new Map<string, number>();

  /** `returnMs`: from the end of the trouble until every link was connected. */
  add(kind: string, tally: Tally, returnMs: number): void {
    this.#returnMs.set(kind, Math.max(this.#returnMs.get(kind) ?? 0, returnMs));
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
    sum.damaged += tally.damaged;
    sum.corrupt += tally.corrupt;
  }

  /** Handlers that held back their own next connect. */
  get late(): number {
    return [...this.#tallies.values()].reduce((sum, { late }) => sum + late, 0);
  }

  lines(): string[] {
    return [...this.#tallies].map(([kind, tally]) => {
      const { transactions, done, never, maybe, atEnd, maybeAtEnd, late } = tally;
      const { damaged, corrupt } = tally;
      const all = `${transactions} transactions: ${done} done, ${never} never, ${maybe} maybe`;
      const share = ((100 * maybe) / Math.max(1, transactions)).toFixed(2);
      const ends = `${maybeAtEnd} maybe of ${atEnd} that an end settled`;
      const harm =
        damaged + corrupt > 0 ? `; ${damaged} bodies changed, ${corrupt} ends CORRUPT` : '';
      const backMs = Math.round(this.#returnMs.get(kind) ?? 0);
      const held = `${late} handlers held back a connect; back within ${backMs} ms`;
      return `${kind}: ${all} (${share} %); ${ends}; ${held}${harm}`;
    });
  }
}
