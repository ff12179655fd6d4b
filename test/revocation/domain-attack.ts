/**
 * DomainAttack: a domain takes a buffer back, round for round, from holders that go on using it.
 *
 * A thread and a process over a ring and a process over TCP read and write it flat out. In each
 * round one of the processes is stopped in the middle of its transfers, or killed there; after the
 * unregistering it is let go on. A thread of the owner's process samples the owner's bytes all the
 * time.
 */
import assert from 'node:assert/strict';

import { createDomain, type Domain, type RegisteredBuffer } from '../../core/index.js';
import { ring } from '../../transports/ring/index.js';
import { tcp } from '../../transports/tcp/index.js';
import { requireNative } from '../unit/ring-memory-rig.js';
import type { DomainHolderOptions, DomainOrder, DomainReport } from './domain-orders.js';
import { ProcessParty, ThreadParty, type Party } from './parties.js';
import { Sampler } from './sampler.js';
import { isWordOf, makeWord, partsOf, Tag, tagOf } from './words.js';

type DomainParty = Party<DomainHolderOptions, DomainOrder, DomainReport>;
type DomainProcess = ProcessParty<DomainHolderOptions, DomainOrder, DomainReport>;

const bufferBytes = 512 * 1024;
/** Transfers of each holder before it counts as at work, and after each of the owner's steps. */
const transfers = 12;
/** A round in so many a process is killed, not stopped. */
const killEvery = 4;

function startProcess(id: number, transport: 'ring' | 'tcp'): DomainProcess {
  return new ProcessParty({ id, transport }, new URL('domain-holder-main.js', import.meta.url));
}

export class DomainAttack {
  /** Of each `unregister`, from the call until it has resolved, in milliseconds. */
  readonly unregisterMs: number[] = [];
  kills = 0;
  stops = 0;
  transfers = 0;
  readonly #mode: 'copy' | 'map';
  readonly #domain: Domain;
  readonly #bytes: Uint8Array;
  readonly #parts: readonly Int32Array[];
  readonly #sampler: Sampler;
  readonly #thread: DomainParty;
  /** Over a ring, and over TCP. */
  readonly #processes: DomainProcess[];

  constructor(mode: 'copy' | 'map') {
    this.#mode = mode;
    this.#domain = createDomain({ name: 'owner', transports: [ring(), tcp()] });
    this.#bytes = this.#domain.allocateBuffer(bufferBytes, { shared: mode === 'map' });
    this.#parts = partsOf(this.#bytes);
    this.#fill(makeWord(Tag.owner, 0));
    this.#sampler = new Sampler(requireNative(), this.#bytes);
    const program = new URL('domain-holder-thread.js', import.meta.url);
    this.#thread = new ThreadParty({ id: 1, transport: 'ring' }, program);
    this.#processes = [startProcess(2, 'ring'), startProcess(3, 'tcp')];
  }

  /** Everybody who takes part is there, and the owner can be reached. */
  async begin(): Promise<void> {
    const name = `revocation-${process.pid}-${this.#mode}`;
    for (const address of [`ring://${name}/buffers`, 'tcp://127.0.0.1:0/buffers']) {
      await this.#domain.listen(address, () => ({})).ready;
    }
    await Promise.all(this.#processes.map((party) => party.ready));
  }

  async play(round: number): Promise<void> {
    const ownWord = makeWord(Tag.owner, round);
    this.#fill(ownWord);
    const [samples, mode] = [this.#sampler.passes, this.#mode];
    const registered = this.#domain.registerBuffer(this.#bytes, { access: 'readWrite', mode });
    assert.equal(registered.mode, mode);
    await this.#lend(registered);

    const chosen = this.#processes[round % this.#processes.length];
    assert.ok(chosen);
    const isKilling = round % killEvery < this.#processes.length && round >= killEvery;
    if (isKilling) await this.#kill(chosen);
    else await this.#stop(chosen);

    const startMs = performance.now();
    await registered.unregister();
    this.unregisterMs.push(performance.now() - startMs);

    const left = this.#bytes.slice();
    this.#checkOwn(ownWord);
    if (!isKilling) chosen.signal('SIGCONT');
    const alive = this.#all().filter((party) => !isKilling || party !== chosen);
    await askAll(alive, { order: 'passInVain', count: transfers });
    assert.equal(Buffer.compare(this.#bytes, left), 0, 'no byte of the owner changes');
    const secret = makeWord(Tag.secret, round);
    this.#fill(secret);
    await askAll(alive, { order: 'passInVain', count: transfers });
    const isWhole = this.#parts.every((words) => words.every((word) => word === secret));
    assert.ok(isWhole, 'no byte of the secret changes');

    const reports = await askAll(alive, { order: 'free' });
    for (const [index, report] of reports.entries()) {
      this.#checkReport(alive[index], report, partsOf(left), ownWord);
    }
    if (isKilling) await this.#replace(chosen);
    assert.ok(this.#sampler.passes > samples, 'the sampler reads');
    assert.equal(this.#sampler.broken, 0, `word ${this.#sampler.firstBroken} is nobody's`);
  }

  async end(): Promise<void> {
    await this.#sampler.stop();
    for (const party of this.#all()) await party.end();
    await this.#domain.close();
  }

  #all(): readonly DomainParty[] {
    return [this.#thread, ...this.#processes];
  }

  #fill(word: number): void {
    for (const words of this.#parts) words.fill(word);
  }

  /** All of them use it, by lent memory where they can. */
  async #lend(registered: RegisteredBuffer): Promise<void> {
    const reference = [...registered.reference.encode()];
    await askAll(this.#all(), { order: 'hold', reference });
    const reports = await askAll(this.#all(), { order: 'pass', count: transfers });
    for (const [index, report] of reports.entries()) {
      const transport = this.#all()[index]?.options.transport;
      const isMapped = this.#mode === 'map' && transport === 'ring';
      assert.equal(report.mapped > 0, isMapped, `${transport}: ${JSON.stringify(report)}`);
      assert.ok(report.done > 0, JSON.stringify(report));
    }
  }

  async #stop(party: DomainProcess): Promise<void> {
    await party.stop();
    this.stops += 1;
  }

  async #kill(party: DomainProcess): Promise<void> {
    party.signal('SIGKILL');
    assert.equal(await party.ended, 'SIGKILL');
    this.kills += 1;
  }

  async #replace(party: DomainProcess): Promise<void> {
    const index = this.#processes.indexOf(party);
    const { id, transport } = party.options;
    const fresh = startProcess(id, transport);
    this.#processes[index] = fresh;
    await fresh.ready;
  }

  #checkOwn(ownWord: number): void {
    for (const [part, words] of this.#parts.entries()) {
      const isWhole = words.every((word) =>
        part === 0 ? word === ownWord : isWordOf(part, word) && tagOf(word) !== Tag.secret,
      );
      assert.ok(isWhole, `part ${part}`);
    }
  }

  /** What was done is there, and nothing that was tried after the owner had said no. */
  #checkReport(
    party: DomainParty | undefined,
    report: DomainReport,
    left: readonly Int32Array[],
    ownWord: number,
  ): void {
    assert.ok(party);
    const { late, secrets, broken, landed, tried, oddities } = report;
    const told = JSON.stringify(report);
    assert.deepEqual({ late, secrets, broken, oddities }, noFindings, told);
    assert.ok(report.stale > 0, `${party.options.transport} was told: ${told}`);
    this.transfers += report.done;
    const possible = new Set<number>(landed === 0 ? [ownWord] : []);
    for (let number = Math.max(1, landed); number <= tried; number++) {
      possible.add(makeWord(Tag.holder + party.options.id, number));
    }
    const words = left[party.options.id];
    assert.ok(
      words?.every((word) => possible.has(word)),
      `what landed is there: ${told}`,
    );
  }
}

const noFindings = { late: 0, secrets: 0, broken: 0, oddities: {} };

function askAll(parties: readonly DomainParty[], order: DomainOrder): Promise<DomainReport[]> {
  return Promise.all(parties.map((party) => party.ask(order)));
}
