/**
 * Pair: the two processes of the test and the lines between them, through deaths and returns. Who
 * dials whom, and with how many endpoints, is its topology.
 */
import assert from 'node:assert/strict';
import path from 'node:path';

import type { Quota, TimeLimits } from 'idc';

import { ChaosProxy, type Side } from './chaos-proxy.js';
import { RoundCheck, type Account, type Taint, type Tally } from './check-round.js';
import { Ledger } from './ledger.js';
import type { LoadRate } from './load.js';
import { Party } from './party.js';
import type { Report } from './setup.js';
import { Standstill } from './standstill.js';

export interface Topology {
  /** So many endpoints of that side dial the other side, which listens if there are any. */
  readonly dialCounts: Readonly<Record<Side, number>>;
  readonly quota: Partial<Quota>;
  readonly limits: Partial<TimeLimits>;
  readonly rate: LoadRate;
}

/** What connects both: the epoch of each link. */
export type Bonds = ReadonlyMap<string, number>;

interface Member {
  readonly party: Party;
  readonly ledger: Ledger;
  isKilled: boolean;
}

export const sides = ['front', 'back'] as const;

export function otherOf(side: Side): Side {
  return side === 'front' ? 'back' : 'front';
}

export class Pair {
  readonly topology: Topology;
  /** By the side that dials through it. */
  readonly proxies: ReadonlyMap<Side, ChaosProxy>;
  readonly #folder: string;
  readonly #current = new Map<Side, Member>();
  /** Everyone whose journal the next check reads, and everyone ever started, for the teardown. */
  #members: Member[] = [];
  readonly #started: Party[] = [];
  readonly #handledLast = new Map<string, number>();
  readonly #counts = { front: 0, back: 0 };
  readonly #proxyPorts = new Map<Side, number>();
  /** Of this process, through which everything goes that both say to each other. */
  readonly #standstill = new Standstill();

  /** Journals go into `folder`. */
  constructor(folder: string, topology: Topology) {
    this.#folder = folder;
    this.topology = topology;
    const dialling = sides.filter((side) => topology.dialCounts[side] > 0);
    this.proxies = new Map(dialling.map((side) => [side, new ChaosProxy()]));
  }

  async start(): Promise<void> {
    for (const [side, proxy] of this.proxies) this.#proxyPorts.set(side, await proxy.listen());
    await this.startParty('back');
    await this.startParty('front');
    await this.connected();
  }

  party(side: Side): Party {
    const member = this.#current.get(side);
    assert.ok(member !== undefined, 'the pair was started');
    return member.party;
  }

  /** The only line's proxy, where the front alone dials. */
  get proxy(): ChaosProxy {
    const proxy = this.proxies.get('front');
    assert.ok(proxy !== undefined, 'the front dials');
    return proxy;
  }

  /** A new process in the place of one that is gone. */
  async startParty(side: Side): Promise<void> {
    const name = `${side}.${++this.#counts[side]}`;
    const { dialCounts, quota, limits, rate } = this.topology;
    const listens = dialCounts[otherOf(side)] > 0;
    const party = new Party({
      name,
      listens,
      dialCount: dialCounts[side],
      dialAddress: `tcp://127.0.0.1:${this.#proxyPorts.get(side) ?? 0}/load`,
      quota,
      limits,
      ...rate,
      journalPath: path.join(this.#folder, `${name}.log`),
    });
    const member = { party, ledger: new Ledger(), isKilled: false };
    this.#started.push(party);
    this.#members.push(member);
    this.#current.set(side, member);
    if (!listens) return;
    await party.until('listening', () => party.address !== '');
    const proxy = this.proxies.get(otherOf(side));
    if (proxy !== undefined) proxy.targetPort = Number(new URL(party.address).port);
  }

  async kill(side: Side): Promise<void> {
    const member = this.#current.get(side);
    assert.ok(member !== undefined, 'the pair was started');
    member.isKilled = true;
    member.party.signal('SIGKILL');
    await member.party.untilExit();
  }

  /** The bonds that both sides have now, if they agree on every link that is dialled. */
  get bonds(): Bonds | undefined {
    const bonds = new Map<string, number>();
    for (const side of sides) {
      const { dialled, connected } = this.party(side);
      const other = this.party(otherOf(side));
      if (dialled.size < this.topology.dialCounts[side]) return undefined;
      for (const link of dialled) {
        const epoch = connected.get(link);
        if (epoch === undefined || other.connected.get(link) !== epoch) return undefined;
        bonds.set(link, epoch);
      }
    }
    return bonds;
  }

  /** Those of `bonds` that `side` has dialled. */
  dialledBy(side: Side, bonds: Bonds): Bonds {
    const { dialled } = this.party(side);
    return new Map([...bonds].filter(([link]) => dialled.has(link)));
  }

  /** Ends of epochs that either side has told of. */
  get endCount(): number {
    return this.party('front').disconnected.size + this.party('back').disconnected.size;
  }

  /** How long both sides and the lines between them stood still at most since this was asked. */
  async stoodStillMs(): Promise<number> {
    const asked = sides.map((side) => this.party(side).ask({ command: 'explain' }));
    const reports = await Promise.all(asked);
    return reports.reduce((sum, report) => sum + report.stoodStillMs, this.#standstill.take());
  }

  /** Waits until all links are connected at both ends, in other epochs than `before`. */
  async connected(before: Bonds = new Map()): Promise<Bonds> {
    const isNew = (): boolean => {
      const { bonds } = this;
      if (bonds === undefined) return false;
      return [...before].every(([link, epoch]) => bonds.get(link) !== epoch);
    };
    const front = this.party('front');
    const back = this.party('back');
    // Each side hears only of itself: whoever is later has the last word.
    while (!isNew()) {
      const [inFront, inBack] = [front.noteCount, back.noteCount];
      await Promise.race([
        front.until('connect', () => isNew() || front.noteCount > inFront),
        back.until('connect', () => isNew() || back.noteCount > inBack),
      ]);
    }
    const { bonds } = this;
    assert.ok(bonds !== undefined, 'both are connected');
    return bonds;
  }

  /** Stops the load and waits until nothing is outstanding or left over on either side. */
  async settle(): Promise<Record<Side, Report>> {
    const [front, back] = [this.party('front'), this.party('back')];
    const { dialCounts } = this.topology;
    const endpoints = dialCounts.front + dialCounts.back;
    await Promise.all([front.ask({ command: 'hush' }), back.ask({ command: 'hush' })]);
    const [frontReport, backReport] = await Promise.all([
      front.ask({ command: 'settle', endpoints }),
      back.ask({ command: 'settle', endpoints }),
    ]);
    const reports = { front: frontReport, back: backReport };
    for (const side of sides) this.#checkLeft(side, reports[side], endpoints);
    return reports;
  }

  /**
   * Each endpoint has its socket, and a listener has one more. Timers are the keep-alive of the one
   * peer, and for each endpoint the time limit of its transactions, which may outlive them.
   */
  #checkLeft(side: Side, report: Report, endpoints: number): void {
    const { name } = this.party(side);
    const listeners = this.topology.dialCounts[otherOf(side)] > 0 ? 1 : 0;
    assert.equal(report.endpoints, endpoints, `${name}: endpoints after the round`);
    const opened = report.descriptors - report.descriptorsBefore;
    assert.equal(opened, endpoints + listeners, `${name}: descriptors after the round`);
    const { timersArmed } = report;
    const isExpected = timersArmed >= 1 && timersArmed <= 1 + endpoints;
    assert.ok(isExpected, `${name}: ${timersArmed} timers after the round`);
  }

  /** Reads the journals up to now and checks them against each other. */
  check(taint?: Taint): Tally {
    const accounts: Account[] = [];
    for (const { party, ledger, isKilled } of this.#members) {
      ledger.take(party.journal.read());
      accounts.push({ name: party.name, ledger, hasSurvived: !isKilled });
    }
    const check = new RoundCheck(accounts, this.#handledLast, taint);
    check.run();
    for (const { ledger } of this.#members) ledger.forget();
    this.#members = this.#members.filter(({ party }) => party.exit === undefined);
    const { problems } = check;
    assert.equal(
      problems.length,
      0,
      `${problems.length} problems:\n${problems.slice(0, 20).join('\n')}`,
    );
    return check.tally;
  }

  /** What both sides say that they wait for; for the message of a failure. */
  async explain(): Promise<string> {
    const texts = [...this.#current.values()].map(async ({ party }) => {
      if (party.exit !== undefined) return `${party.name}: ${JSON.stringify(party.exit)}`;
      party.signal('SIGCONT');
      return (await party.ask({ command: 'explain' })).text;
    });
    const lineCounts = [...this.proxies.values()].map(({ lineCount }) => lineCount);
    return `${(await Promise.all(texts)).join('\n')}\nlines: ${lineCounts.join(', ')}`;
  }

  /** Nothing of the test outlives it. */
  async dispose(): Promise<void> {
    this.#standstill.stop();
    for (const party of this.#started) party.kill();
    await Promise.all(this.#started.map((party) => party.untilExit()));
    for (const party of this.#started) party.journal.close();
    for (const proxy of this.proxies.values()) await proxy.close();
  }
}
