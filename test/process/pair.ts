/** Pair: the two processes of the test and the line between them, through deaths and returns. */
import assert from 'node:assert/strict';
import path from 'node:path';

import { ChaosProxy, type Side } from './chaos-proxy.js';
import { RoundCheck, type Account, type Tally } from './check-round.js';
import { Ledger } from './ledger.js';
import { Party } from './party.js';
import type { Report } from './setup.js';

/** What connects both: the link's name and the epoch. */
export interface Bond {
  readonly link: string;
  readonly epoch: number;
}

interface Member {
  readonly party: Party;
  readonly ledger: Ledger;
  isKilled: boolean;
}

export class Pair {
  readonly proxy: ChaosProxy = new ChaosProxy();
  readonly #folder: string;
  readonly #current = new Map<Side, Member>();
  /** Everyone whose journal the next check reads, and everyone ever started, for the teardown. */
  #members: Member[] = [];
  readonly #started: Party[] = [];
  readonly #handledLast = new Map<string, number>();
  readonly #counts = { front: 0, back: 0 };
  #proxyPort = 0;

  /** Journals go into `folder`. */
  constructor(folder: string) {
    this.#folder = folder;
  }

  async start(): Promise<void> {
    this.#proxyPort = await this.proxy.listen();
    await this.startParty('back');
    await this.startParty('front');
    await this.connected();
  }

  party(side: Side): Party {
    const member = this.#current.get(side);
    assert.ok(member !== undefined, 'the pair was started');
    return member.party;
  }

  /** A new process in the place of one that is gone. */
  async startParty(side: Side): Promise<void> {
    const name = `${side}.${++this.#counts[side]}`;
    const isBack = side === 'back';
    const party = new Party({
      name,
      role: isBack ? 'listen' : 'dial',
      address: isBack ? 'tcp://127.0.0.1:0/load' : `tcp://127.0.0.1:${this.#proxyPort}/load`,
      journalPath: path.join(this.#folder, `${name}.log`),
    });
    const member = { party, ledger: new Ledger(), isKilled: false };
    this.#started.push(party);
    this.#members.push(member);
    this.#current.set(side, member);
    if (!isBack) return;
    await party.until('listening', () => party.address !== '');
    this.proxy.targetPort = Number(new URL(party.address).port);
  }

  async kill(side: Side): Promise<void> {
    const member = this.#current.get(side);
    assert.ok(member !== undefined, 'the pair was started');
    member.isKilled = true;
    member.party.signal('SIGKILL');
    await member.party.untilExit();
  }

  /** The bond that both sides have now, if they agree on one. */
  get bond(): Bond | undefined {
    const back = this.party('back').connected;
    for (const [link, epoch] of this.party('front').connected) {
      if (back.get(link) === epoch) return { link, epoch };
    }
    return undefined;
  }

  /** Ends of epochs that either side has told of. */
  get endCount(): number {
    return this.party('front').disconnected.size + this.party('back').disconnected.size;
  }

  /** Waits until both sides are connected, in another epoch than `before`. */
  async connected(before?: Bond): Promise<Bond> {
    const isNew = (): boolean => {
      const { bond } = this;
      return bond !== undefined && (bond.link !== before?.link || bond.epoch !== before.epoch);
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
    const { bond } = this;
    assert.ok(bond !== undefined, 'both are connected');
    return bond;
  }

  /** Stops the load and waits until nothing is outstanding on either side. */
  async settle(): Promise<Record<Side, Report>> {
    const [front, back] = [this.party('front'), this.party('back')];
    await Promise.all([front.ask({ command: 'hush' }), back.ask({ command: 'hush' })]);
    const [frontReport, backReport] = await Promise.all([
      front.ask({ command: 'settle' }),
      back.ask({ command: 'settle' }),
    ]);
    return { front: frontReport, back: backReport };
  }

  /** Reads the journals up to now and checks them against each other. */
  check(): Tally {
    const accounts: Account[] = [];
    for (const { party, ledger, isKilled } of this.#members) {
      ledger.take(party.journal.read());
      accounts.push({ name: party.name, ledger, hasSurvived: !isKilled });
    }
    const check = new RoundCheck(accounts, this.#handledLast);
    check.run();
    for (const { ledger } of this.#members) ledger.forget();
    this.#members = this.#members.filter(({ party }) => party.exit === undefined);
    assert.deepEqual(check.problems.slice(0, 20), [], `${check.problems.length} problems`);
    return check.tally;
  }

  /** What both sides say that they wait for; for the message of a failure. */
  async explain(): Promise<string> {
    const texts = [...this.#current.values()].map(async ({ party }) => {
      if (party.exit !== undefined) return `${party.name}: ${JSON.stringify(party.exit)}`;
      party.signal('SIGCONT');
      return (await party.ask({ command: 'explain' })).text;
    });
    return `${(await Promise.all(texts)).join('\n')}\n${this.proxy.lineCount} lines`;
  }

  /** Nothing of the test outlives it. */
  async dispose(): Promise<void> {
    for (const party of this.#started) party.kill();
    await Promise.all(this.#started.map((party) => party.untilExit()));
    for (const party of this.#started) party.journal.close();
    await this.proxy.close();
  }
}
