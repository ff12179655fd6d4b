/** Runs one case: ours and the peers beside it, warm and side by side, taking turns run by run. */
import type { Case } from './cases.js';
import type { Contender, Figure, Start } from './contender.js';
import { reasonOf } from './narrow.js';
import type { Peer } from './peers/peer.js';
import { reliabilityCost, summarize, type Row } from './row.js';
import { workloads } from './workload.js';

export interface CaseResult {
  readonly rows: readonly Row[];
  /** What a reader of the rows has to know. */
  readonly notes: readonly string[];
  /** What could not be measured although it should have been. */
  readonly problems: readonly string[];
}

/** One contender's part in a case. */
interface Entry {
  readonly peer: string | null;
  readonly contender: Contender;
  readonly runs: (readonly Figure[])[];
}

export async function runCase(
  theCase: Case,
  peers: readonly Peer[],
  runs: number,
): Promise<CaseResult> {
  const round = new Round();
  round.enter(null, await theCase.start());
  if (round.isEmpty) return round.conclude(theCase);
  if (theCase.isBusy) {
    await round.takeTurns(runs);
    await round.stopAll();
  }
  for (const peer of peers) {
    round.enter(peer.name, await peer.start(theCase.workload));
  }
  await round.takeTurns(runs);
  await round.stopAll();
  return round.conclude(theCase);
}

/** Those that stand beside a case in the table. */
export function peersBeside({ transport, workload }: Case, peers: readonly Peer[]): Peer[] {
  return peers.filter(
    (peer) => peer.besides.includes(transport) && peer.measures(workloads[workload]),
  );
}

class Round {
  readonly #entries: Entry[] = [];
  readonly #running = new Set<Entry>();
  readonly #notes: string[] = [];
  readonly #problems: string[] = [];
  /** Names of those left out, by the reason that they share. */
  readonly #leftOut = new Map<string, string[]>();

  get isEmpty(): boolean {
    return this.#entries.length === 0;
  }

  enter(peer: string | null, start: Start): void {
    const name = peer ?? 'idc';
    if (start.kind === 'ready') {
      const entry: Entry = { peer, contender: start.contender, runs: [] };
      this.#entries.push(entry);
      this.#running.add(entry);
      this.#notes.push(`${name}: ${start.contender.note}`);
    } else if (start.kind === 'missing' && peer !== null) {
      this.#leftOut.set(start.reason, [...(this.#leftOut.get(start.reason) ?? []), name]);
    } else {
      this.#problems.push(`${name}: ${start.reason}`);
    }
  }

  async takeTurns(runs: number): Promise<void> {
    for (let run = 0; run < runs; run += 1) {
      for (const entry of this.#running) await this.#runOnce(entry);
    }
  }

  async #runOnce(entry: Entry): Promise<void> {
    try {
      entry.runs.push(await entry.contender.run());
    } catch (error) {
      this.#problems.push(`${entry.peer ?? 'idc'}: ${reasonOf(error)}`);
      this.#running.delete(entry);
      await entry.contender.stop();
    }
  }

  async stopAll(): Promise<void> {
    for (const entry of this.#running) await entry.contender.stop();
    this.#running.clear();
  }

  /** Without a figure of ours there is nothing to compare, and no row. */
  conclude(theCase: Case): CaseResult {
    const { name, transport } = theCase;
    const ours = new Map<string, number>();
    const rows: Row[] = [];
    for (const { peer, runs } of this.#entries) {
      for (const { metric, unit, value } of summarize(runs)) {
        if (peer === null) ours.set(metric, value);
        const own = ours.get(metric);
        if (own === undefined) continue;
        const ratio = own === value ? 1 : own / value;
        rows.push({ case: name, transport, peer, metric, value, unit, ratio });
      }
    }
    const leftOut = [...this.#leftOut].map(
      ([reason, names]) => `${names.join(', ')}: left out, ${reason}`,
    );
    const notes = [...this.#notes, ...leftOut, ...reliabilityCost(rows)];
    return { rows, notes, problems: this.#problems };
  }
}
