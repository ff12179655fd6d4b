/**
 * Ledger: the journal of one process, read into what the checks ask for. Work is forgotten after
 * each round; epochs and lifecycles go on.
 */
import type { Execution } from 'idc';

import type { Entry, What } from './journal.js';

export interface Settlement {
  readonly code: string;
  readonly execution: Execution;
  readonly atUs: number;
}

/** Something that this process submitted. */
export interface Submission {
  readonly id: string;
  readonly what: What;
  readonly epochKey: string;
  /** Its number among the requests of the epoch; 0 if it was refused or the process died. */
  ordinal: number;
  isRefused: boolean;
  readonly settlements: Settlement[];
}

/** Something that a handler of this process was given. */
export interface Handling {
  readonly id: string;
  readonly epochKey: string;
  readonly ordinal: number;
  readonly atUs: number;
  readonly completions: number[];
}

export interface EpochEnd {
  readonly epochKey: string;
  readonly reason: string;
  readonly submittedThrough: number;
  readonly handledThrough: number;
  readonly neverFrom: number;
  readonly acceptedCount: number;
  readonly atUs: number;
}

/** A moment at which the process was still at work for an epoch, or connected it. */
export interface Moment {
  readonly link: string;
  readonly epoch: number;
  readonly atUs: number;
  readonly text: string;
}

type SubmissionEntry = Extract<Entry, { type: 'submit' | 'accepted' | 'refused' | 'settled' }>;
type HandlingEntry = Extract<Entry, { type: 'handled' | 'late' | 'completed' }>;
type LifecycleEntry = Exclude<
  Entry,
  SubmissionEntry | HandlingEntry | DamageEntry | { type: 'breach' | 'givenUp' }
>;
type DamageEntry = Extract<Entry, { type: 'garbled' | 'foreign' | 'misplaced' }>;

/** What no carrier may do to work, unless the round tampered with the epoch's line. */
export interface Damage {
  readonly type: DamageEntry['type'];
  readonly epochKey: string;
  readonly text: string;
}

interface EndpointState {
  readonly link: string;
  phase: 'absent' | 'appeared' | 'connected' | 'draining' | 'destroyed';
  epoch: number;
  acceptedCount: number;
}

export class Ledger {
  readonly submissions: Map<string, Submission> = new Map<string, Submission>();
  readonly handlings: Map<string, Handling> = new Map<string, Handling>();
  readonly ends: EpochEnd[] = [];
  readonly works: Moment[] = [];
  readonly connects: Moment[] = [];
  readonly leavings: Moment[] = [];
  readonly damages: Damage[] = [];
  readonly problems: string[] = [];
  readonly #endpoints = new Map<string, EndpointState>();
  /** `accepted` follows its `submit` before anything else is submitted. */
  #submitter = '';

  take(entries: readonly Entry[]): void {
    for (const entry of entries) this.#take(entry);
  }

  /** The round is checked. */
  forget(): void {
    this.submissions.clear();
    this.handlings.clear();
    this.ends.length = 0;
    this.works.length = 0;
    this.leavings.length = 0;
    this.damages.length = 0;
    this.problems.length = 0;
    // Work that is later than the last one of its link would be caught by it.
    const last = new Map(this.connects.map((connect) => [connect.link, connect]));
    this.connects.splice(0, Infinity, ...last.values());
  }

  #take(entry: Entry): void {
    switch (entry.type) {
      case 'submit':
      case 'accepted':
      case 'refused':
      case 'settled':
        this.#takeSubmission(entry);
        break;
      case 'handled':
      case 'late':
      case 'completed':
        this.#takeHandling(entry);
        break;
      case 'garbled':
      case 'foreign':
      case 'misplaced':
        this.#takeDamage(entry);
        break;
      case 'breach':
        this.problems.push(entry.text);
        break;
      case 'givenUp':
        break;
      case 'appear':
      case 'connect':
      case 'disconnect':
      case 'drained':
      case 'disappear':
      case 'destroyed':
      case 'leaving':
        this.#takeLifecycle(entry);
        break;
    }
  }

  #takeSubmission(entry: SubmissionEntry): void {
    const { id } = entry;
    if (entry.type === 'submit') {
      const { link } = this.#endpointOf(entry.endpoint);
      const epochKey = `${link} ${entry.epoch}`;
      const submission = { id, what: entry.what, epochKey, ordinal: 0, isRefused: false };
      if (this.submissions.has(id)) this.problems.push(`${id} was submitted twice`);
      this.submissions.set(id, { ...submission, settlements: [] });
      this.#submitter = entry.endpoint;
      return;
    }
    const submission = this.submissions.get(id);
    if (submission === undefined) {
      this.problems.push(`${id}: ${entry.type} without being submitted in this round`);
    } else if (entry.type === 'accepted') {
      submission.ordinal = entry.ordinal;
      this.#endpointOf(this.#submitter).acceptedCount = entry.ordinal;
    } else if (entry.type === 'refused') {
      submission.isRefused = true;
    } else {
      const { code, execution, atUs } = entry;
      submission.settlements.push({ code, execution, atUs });
    }
  }

  #takeHandling(entry: HandlingEntry): void {
    const { id, epoch, atUs, type } = entry;
    const { link } = this.#endpointOf(entry.endpoint);
    this.works.push({ link, epoch, atUs, text: `${type} ${id}` });
    if (type === 'handled') {
      if (this.handlings.has(id)) this.problems.push(`${id} was handled twice`);
      const { ordinal } = entry;
      const epochKey = `${link} ${epoch}`;
      this.handlings.set(id, { id, epochKey, ordinal, atUs, completions: [] });
    } else if (type === 'completed') {
      this.handlings.get(id)?.completions.push(atUs);
    }
  }

  #takeDamage(entry: DamageEntry): void {
    const { type, id } = entry;
    if (type === 'foreign') {
      const epochKey = this.submissions.get(id)?.epochKey ?? '';
      this.damages.push({ type, epochKey, text: `${id} was given another status` });
      return;
    }
    const { link } = this.#endpointOf(entry.endpoint);
    const epochKey = `${link} ${entry.epoch}`;
    const whose = type === 'misplaced' ? `, of ${entry.link}` : '';
    const text = `${id || 'a body'} was ${type} in ${epochKey}${whose}`;
    this.damages.push({ type, epochKey, text });
  }

  /** The grammar `( appear ( connect disconnect )* disappear )* destroyed`; epochs grow. */
  #takeLifecycle(entry: LifecycleEntry): void {
    const { type, endpoint: name, atUs } = entry;
    if (type === 'appear' && !this.#endpoints.has(name)) {
      const { link } = entry;
      this.#endpoints.set(name, { link, phase: 'absent', epoch: 0, acceptedCount: 0 });
    }
    if (type === 'destroyed' && entry.abandoned) this.problems.push(`${name}: drain abandoned`);
    if (!this.#endpoints.has(name)) return;
    const endpoint = this.#endpointOf(name);
    const { link } = endpoint;
    const phase = endpoint.phase;
    const expect = (...phases: (typeof phase)[]): void => {
      if (!phases.includes(phase)) this.problems.push(`${name}: ${type} while ${phase}`);
    };
    switch (type) {
      case 'appear':
        expect('absent');
        endpoint.phase = 'appeared';
        break;
      case 'connect':
        expect('appeared');
        if (entry.epoch <= endpoint.epoch) this.problems.push(`${name}: epochs do not grow`);
        endpoint.phase = 'connected';
        endpoint.epoch = entry.epoch;
        endpoint.acceptedCount = 0;
        this.connects.push({ link, epoch: entry.epoch, atUs, text: `connect of ${name}` });
        break;
      case 'disconnect':
        expect('connected');
        if (entry.epoch !== endpoint.epoch) this.problems.push(`${name}: another epoch ended`);
        endpoint.phase = 'draining';
        this.#takeEnd(entry, endpoint);
        break;
      case 'drained':
        expect('draining');
        endpoint.phase = 'appeared';
        this.works.push({ link, epoch: entry.epoch, atUs, text: 'drain' });
        break;
      case 'disappear':
        expect('appeared');
        endpoint.phase = 'absent';
        break;
      case 'destroyed':
        expect('absent');
        endpoint.phase = 'destroyed';
        break;
      case 'leaving':
        this.leavings.push({ link, epoch: endpoint.epoch, atUs, text: name });
        break;
    }
  }

  #takeEnd(entry: Extract<Entry, { type: 'disconnect' }>, endpoint: EndpointState): void {
    const { epoch, reason, submittedThrough, handledThrough, neverFrom, atUs } = entry;
    const { link, acceptedCount } = endpoint;
    const counts = { submittedThrough, handledThrough, neverFrom, acceptedCount };
    this.ends.push({ epochKey: `${link} ${epoch}`, reason, atUs, ...counts });
    this.works.push({ link, epoch, atUs, text: 'disconnect' });
    for (const submission of this.submissions.values()) {
      // A promise tells its settlement one microtask later than a callback.
      if (submission.what !== 'callback' || submission.isRefused) continue;
      if (submission.epochKey === `${link} ${epoch}` && submission.settlements.length === 0) {
        this.problems.push(`${submission.id} was not settled before disconnect`);
      }
    }
  }

  #endpointOf(name: string): EndpointState {
    const endpoint = this.#endpoints.get(name);
    if (endpoint === undefined) throw new Error(`${name} did not appear`);
    return endpoint;
  }
}
