/**
 * Rig: what one test runs on. It makes domains and connected pairs from a harness, waits for
 * facts, and at the end closes everything and looks for what was left behind.
 */
import assert from 'node:assert/strict';
import type { Address, TransportFactory } from '../../core/contract.js';
import type { End } from './end.js';
import { turnEventLoop, type MakeHarness, type TransportHarness } from './harness.js';
import type { ListenerRecord } from './listener-record.js';
import { Monitor } from './monitor.js';
import { createRandom, seedOfThisRun, type Random } from './random.js';
import { TestDomain } from './test-domain.js';

/** Nothing that the suite waits for takes this long unless it never comes. */
const watchdogMs = 20_000;
/** Calls of `settle` without an event after which nothing is on its way any more. */
const calmCount = 4;

/** Turns of the event loop after which closed handles are gone; few, so that no timer runs out. */
const leakTurnsMax = 200;

/** A link as the suite sees it: both ends up. */
export interface Pair {
  readonly dialler: End;
  readonly acceptor: End;
}

/** A pair, with the listener and the two domains that it was made of. */
export interface Meeting extends Pair {
  readonly listener: ListenerRecord;
  readonly dialling: TestDomain;
  readonly listening: TestDomain;
}

export class Rig {
  readonly harness: TransportHarness;
  readonly monitor: Monitor = new Monitor();
  readonly seed: number = seedOfThisRun();
  readonly random: Random = createRandom(this.seed);
  readonly #domains: TestDomain[] = [];
  readonly #resources: ReadonlyMap<string, number>;

  private constructor(harness: TransportHarness, resources: ReadonlyMap<string, number>) {
    this.harness = harness;
    this.#resources = resources;
  }

  static async create(makeHarness: MakeHarness): Promise<Rig> {
    const resources = countResources();
    return new Rig(await makeHarness(), resources);
  }

  domain(factory: TransportFactory): TestDomain {
    const domain = new TestDomain(factory, this.harness.runtime, this.monitor);
    this.#domains.push(domain);
    return domain;
  }

  /** A listener that is listening. */
  async listen(domain: TestDomain = this.domain(this.harness.listener)): Promise<ListenerRecord> {
    const listener = domain.listen(this.harness.listenAddress());
    await this.until('the listener listens', () => listener.address !== undefined);
    return listener;
  }

  /** Where to dial a listener that is listening. */
  dialAddress(listener: ListenerRecord): Promise<Address> {
    assert(listener.address !== undefined);
    return this.harness.dialAddress(listener.address);
  }

  /** Dials and waits until both ends are up. One dial at a time, so that the ends are known. */
  async dial(domain: TestDomain, listener: ListenerRecord): Promise<Pair> {
    const index = listener.ends.length;
    const dialler = domain.open(await this.dialAddress(listener));
    await this.until('both ends are up', () => dialler.isUp && listener.ends[index]?.isUp === true);
    const acceptor = listener.ends[index];
    assert(acceptor !== undefined);
    return { dialler, acceptor };
  }

  /** Two domains and a link between them. */
  async pair(): Promise<Meeting> {
    const listening = this.domain(this.harness.listener);
    const dialling = this.domain(this.harness.dialler);
    const listener = await this.listen(listening);
    return { ...(await this.dial(dialling, listener)), listener, listening, dialling };
  }

  /** Lets the medium move until `fact` holds. */
  async until(what: string, fact: () => boolean): Promise<void> {
    const startMs = performance.now();
    for (;;) {
      this.monitor.check();
      if (fact()) return;
      if (performance.now() - startMs > watchdogMs) throw this.#overdue(what);
      await this.harness.settle();
    }
  }

  /** Lets the medium move until nothing is told any more. */
  async quiet(): Promise<void> {
    let seenCount = this.monitor.eventCount;
    for (let calm = 0; calm < calmCount; calm++) {
      await this.harness.settle();
      if (seenCount !== this.monitor.eventCount) calm = -1;
      seenCount = this.monitor.eventCount;
    }
    this.monitor.check();
  }

  /** Closes what the test left open, and holds the medium to law L13. */
  async dispose(): Promise<void> {
    try {
      await this.#closeAll();
    } finally {
      await this.harness.dispose();
    }
    await this.#expectNoLeak();
    this.monitor.check();
  }

  async #closeAll(): Promise<void> {
    const listeners = this.#domains.flatMap((domain) => domain.listeners);
    for (const domain of this.#domains) domain.resume();
    for (const listener of listeners) listener.close();
    const ends = () => [...this.#domains, ...listeners].flatMap((owner) => owner.ends);
    for (const end of ends()) end.close();
    await this.until('every link and listener is closed', () => {
      for (const end of ends()) if (!end.isCloseCalled) end.close();
      return ends().every((end) => end.isClosed) && listeners.every((l) => l.closedCount === 1);
    });
    await this.quiet();
  }

  async #expectNoLeak(): Promise<void> {
    const leaks = (): string[] =>
      [...countResources()]
        .filter(([type, count]) => count > (this.#resources.get(type) ?? 0))
        .map(([type]) => type);
    for (let turn = 0; turn < leakTurnsMax && leaks().length > 0; turn++) await turnEventLoop(1);
    assert.deepEqual(leaks(), [], 'L13 nothing of a closed link remains');
  }

  #overdue(what: string): Error {
    const seed = `IDC_SEED=${String(this.seed)}`;
    return new Error(`watchdog: waited ${String(watchdogMs)} ms until ${what} (${seed})`);
  }
}

/**
 * A write under way. A transport's ends with its handle, which counts; the others are this
 * process's own output, which waits for its reader.
 */
const writeResource = 'SimpleWriteWrap';

/** How many handles, requests and timers of each type keep this process alive. */
function countResources(): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const type of process.getActiveResourcesInfo()) {
    if (type === writeResource) continue;
    counts.set(type, (counts.get(type) ?? 0) + 1);
  }
  return counts;
}

/** Declares one fact that a law implies, and how to see it. */
export type Check = (fact: string, body: (rig: Rig) => Promise<void>) => void;
