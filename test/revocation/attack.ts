/**
 * Attack: the owner of a region takes it back, round for round, from holders that do not give it.
 *
 * A thread and two processes read and write it flat out and never stop of themselves; one more
 * process is honest. In each round one process is stopped in the middle of an access, or killed
 * there. A thread of the owner's own process samples the owner's bytes all the time.
 */
import assert from 'node:assert/strict';

import type { BufferAccess } from '../../core/contract.js';
import type { RegionHost } from '../../transports/ring/region-memory.js';
import { Protection } from '../../transports/ring/native.js';
import { wordsPerTally } from '../../transports/ring/region-layout.js';
import type { OwnRegion } from '../../transports/ring/shared-region.js';
import { lookAtHoldings } from '../unit/ring-memory-rig.js';
import { describeRegion, makeHost, makeRegion } from '../unit/ring-region-rig.js';
import type { Offer, Report } from './orders.js';
import { ProcessParty, ThreadParty, type Party } from './parties.js';
import { Sampler } from './sampler.js';
import { isWordOf, makeWord, partsOf, Tag } from './words.js';

const regionBytes = 256 * 1024;
const threadId = 1;
const honestId = 2;
const stoppedId = 3;
const killedId = 4;
/** So often is the region shared for reading alone, and a process killed instead of stopped. */
const readEvery = 4;
const killEvery = 6;
/** Passes of each holder before it counts as hammering, and after each of the owner's steps. */
const passes = 5;
const stopsMax = 1000;

export class Attack {
  /** Of each `revoke`, in milliseconds. */
  readonly revokeMs: number[] = [];
  kills = 0;
  stops = 0;
  readonly #host: RegionHost = makeHost();
  readonly #region: OwnRegion;
  readonly #parts: Int32Array[];
  readonly #sampler: Sampler;
  readonly #thread: ThreadParty;
  readonly #honest: ProcessParty;
  readonly #stopped: ProcessParty;
  #killed: ProcessParty;
  /** Who takes part in this round. */
  #parties: readonly Party[] = [];

  constructor() {
    this.#region = makeRegion(this.#host, regionBytes);
    this.#parts = partsOf(this.#region.bytes);
    this.#fill(makeWord(Tag.owner, 0));
    this.#sampler = new Sampler(this.#host.native, this.#region.bytes);
    this.#thread = new ThreadParty({ id: threadId, isHonest: false });
    this.#honest = new ProcessParty({ id: honestId, isHonest: true });
    this.#stopped = new ProcessParty({ id: stoppedId, isHonest: false });
    this.#killed = new ProcessParty({ id: killedId, isHonest: false });
  }

  /** Everybody who takes part from the first round on is there. */
  async begin(): Promise<void> {
    await Promise.all([this.#honest.ready, this.#stopped.ready, this.#killed.ready]);
  }

  async play(round: number): Promise<void> {
    const access = round % readEvery === 0 ? 'read' : 'readWrite';
    const isKilling = round % killEvery === 0;
    if (isKilling) await this.#killed.ready;
    const ownWord = makeWord(Tag.owner, round);
    this.#fill(ownWord);
    const samples = this.#sampler.passes;
    assert.equal(this.#region.share(access), undefined);
    this.#parties = [this.#thread, this.#honest, this.#stopped, this.#killed].filter(
      (party) => party instanceof ThreadParty || party.isReady,
    );
    await this.#lend(access);
    await this.#stopInside(isKilling ? this.#killed : this.#stopped);
    if (isKilling) await this.#kill();

    const startMs = performance.now();
    this.#region.revoke();
    this.revokeMs.push(performance.now() - startMs);

    const left = this.#region.bytes.slice();
    this.#checkOwn(access, ownWord);
    this.#checkHonest(await this.#honest.ask({ order: 'pass', count: 1 }), access, ownWord);
    if (!isKilling) this.#stopped.signal('SIGCONT');
    await this.#goOn();
    assert.equal(Buffer.compare(this.#region.bytes, left), 0, 'no byte of the owner changes');
    const secret = makeWord(Tag.secret, round);
    this.#fill(secret);
    await this.#goOn();
    assert.ok(this.#parts.every((words) => words.every((word) => word === secret)));

    await this.#takeLeave();
    // It starts beside the next rounds, and takes part in those that find it there.
    if (isKilling) this.#killed = new ProcessParty({ id: killedId, isHonest: false });
    assert.ok(this.#sampler.passes > samples, 'the sampler reads');
    assert.equal(this.#sampler.broken, 0, `word ${this.#sampler.firstBroken} is nobody's`);
  }

  async end(): Promise<void> {
    await this.#sampler.stop();
    for (const party of [this.#thread, this.#honest, this.#stopped, this.#killed]) {
      await party.end();
    }
    this.#region.release();
  }

  get samples(): number {
    return this.#sampler.passes;
  }

  #fill(word: number): void {
    for (const words of this.#parts) words.fill(word);
  }

  /** All of them hold it, and have gone over it some times. */
  async #lend(access: BufferAccess): Promise<void> {
    const description = [...this.#region.describe()];
    const offer: Offer = { owner: process.pid, description, byteLength: regionBytes, access };
    const asked = this.#parties.map((party) => party.ask({ order: 'hold', offer }));
    for (const { outcome } of await Promise.all(asked)) assert.equal(outcome, 'holds');
    await this.#pass();
  }

  /** Whoever is alive goes over the bytes some more times, and finds nothing that it must not. */
  async #pass(): Promise<Report[]> {
    const asked = this.#parties.map((party) => party.ask({ order: 'pass', count: passes }));
    const reports = await Promise.all(asked);
    for (const { secrets, broken } of reports) {
      assert.deepEqual({ secrets, broken }, { secrets: 0, broken: 0 });
    }
    return reports;
  }

  /** The same after the revocation, which everybody knows of by now. */
  async #goOn(): Promise<void> {
    for (const { refused } of await this.#pass()) assert.ok(refused > 0, 'it was told');
  }

  /** Stops it again and again until that is in the middle of an access. */
  async #stopInside(party: ProcessParty): Promise<void> {
    const { native, ranges } = this.#host;
    const { tally } = describeRegion(this.#region);
    const page = ranges.map(tally, native.pageBytes, Protection.Read);
    assert.ok(typeof page === 'object');
    const words = new Int32Array(page.buffer);
    for (let attempt = 0; ; attempt++) {
      assert.ok(attempt < stopsMax, 'it is mostly in the middle of an access');
      await party.stop();
      if (Atomics.load(words, party.options.id * wordsPerTally) !== 0) break;
      party.signal('SIGCONT');
    }
    ranges.release(page);
    this.stops += 1;
  }

  async #kill(): Promise<void> {
    this.#killed.signal('SIGKILL');
    assert.equal(await this.#killed.ended, 'SIGKILL');
    this.#parties = this.#parties.filter((party) => party !== this.#killed);
    this.kills += 1;
  }

  #checkOwn(access: BufferAccess, ownWord: number): void {
    for (const [part, words] of this.#parts.entries()) {
      const isAlone = access === 'read' || part === 0;
      const isWhole = words.every((word) => (isAlone ? word === ownWord : isWordOf(part, word)));
      assert.ok(isWhole, `part ${part}`);
    }
  }

  /** What it was told had landed is there; the one write after that may be, in part. */
  #checkHonest(report: Report, access: BufferAccess, ownWord: number): void {
    assert.ok(report.refused > 0, 'it was told');
    if (access === 'read') return;
    const tag = Tag.holder + honestId;
    const landed = report.landed === 0 ? ownWord : makeWord(tag, report.landed);
    const next = makeWord(tag, report.landed + 1);
    const words = this.#parts[honestId];
    assert.ok(
      words?.every((word) => word === landed || word === next),
      'what landed is there',
    );
  }

  async #takeLeave(): Promise<void> {
    await Promise.all(this.#parties.map((party) => party.ask({ order: 'free' })));
    const { descriptors, memfdMappings } = lookAtHoldings();
    const left = descriptors.filter((line) => line.includes('memfd'));
    assert.deepEqual({ left, memfdMappings }, { left: [], memfdMappings: 0 });
  }
}
