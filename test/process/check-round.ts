/**
 * The checks after a round: the journals of both sides are joined by the ids in the bodies. Each
 * problem is one line that names the work; an empty list is a clean round.
 */
import type { EpochEnd, Handling, Ledger, Moment, Submission } from './ledger.js';

export interface Account {
  readonly name: string;
  readonly ledger: Ledger;
  /** Not killed: everything that it submitted has to settle. */
  readonly hasSurvived: boolean;
}

/** What the round did to bytes in flight, and which checks mean nothing because of it. */
export interface Taint {
  /** Deep in bodies only: then every check means what it always does, but that of the bodies. */
  readonly isBodyOnly: boolean;
  /** So many records were changed. */
  readonly changeCount: number;
  /** The side whose words were changed on their way: what it hears is as true as ever. */
  readonly speaker: string;
  /** Whether the epoch ran over the line. */
  isTainted(epochKey: string): boolean;
  /**
   * Whether work of the epoch may go on beside a newer one: a changed greeting can make a stranger
   * of who dials, whom the listener gives an endpoint of its own, and from then on a token for it.
   */
  mayOutlast?(epochKey: string): boolean;
}

/** How the transactions of a round ended; `atEnd` are those that the end of an epoch settled. */
export interface Tally {
  transactions: number;
  done: number;
  never: number;
  maybe: number;
  atEnd: number;
  maybeAtEnd: number;
  /** Handlers that wrote on after their epoch ended, and whose side connected again later. */
  late: number;
  /** Bodies and statuses that arrived changed, and epochs that ended as corrupt. */
  damaged: number;
  corrupt: number;
}

export class RoundCheck {
  readonly problems: string[] = [];
  readonly tally: Tally = {
    transactions: 0,
    done: 0,
    never: 0,
    maybe: 0,
    atEnd: 0,
    maybeAtEnd: 0,
    late: 0,
    damaged: 0,
    corrupt: 0,
  };
  readonly #accounts: readonly Account[];
  /** The last number that a handler was given, by epoch and submitting side; kept over rounds. */
  readonly #handledLast: Map<string, number>;
  readonly #taint: Taint | undefined;

  constructor(accounts: readonly Account[], handledLast: Map<string, number>, taint?: Taint) {
    this.#accounts = accounts;
    this.#handledLast = handledLast;
    this.#taint = taint;
  }

  run(): void {
    for (const account of this.#accounts) {
      this.problems.push(...account.ledger.problems.map((text) => `${account.name}: ${text}`));
    }
    for (const account of this.#accounts) this.#checkSubmissions(account);
    for (const account of this.#accounts) this.#checkOrder(account);
    for (const account of this.#accounts) this.#checkEnds(account);
    this.#checkCycles();
    this.#checkDamages();
    for (const { ledger } of this.#accounts) this.tally.late += countLate(ledger);
  }

  /** Frames of the epoch were changed: what its journals say of each other means little. */
  #isDoubtful(epochKey: string): boolean {
    if (this.#taint === undefined || this.#taint.isBodyOnly) return false;
    return this.#taint.isTainted(epochKey);
  }

  #handlingOf(id: string): Handling | undefined {
    for (const { ledger } of this.#accounts) {
      const handling = ledger.handlings.get(id);
      if (handling !== undefined) return handling;
    }
    return undefined;
  }

  #submissionOf(id: string): Submission | undefined {
    for (const { ledger } of this.#accounts) {
      const submission = ledger.submissions.get(id);
      if (submission !== undefined) return submission;
    }
    return undefined;
  }

  #checkSubmissions(account: Account): void {
    for (const submission of account.ledger.submissions.values()) {
      const handling = this.#handlingOf(submission.id);
      if (submission.isRefused && handling !== undefined) {
        this.problems.push(`${submission.id} was refused, and handled`);
      }
      if (submission.what === 'message') continue;
      this.#checkTransaction(account, submission, handling);
    }
  }

  #checkTransaction(account: Account, submission: Submission, handling?: Handling): void {
    const { id, what, isRefused, settlements } = submission;
    const settlement = settlements[0];
    if (settlements.length > 1) this.problems.push(`${id} settled twice`);
    if (settlement === undefined) {
      // A refusal of the callback form is its whole answer.
      const isAnswered = isRefused && what === 'callback';
      if (account.hasSurvived && !isAnswered) this.problems.push(`${id} never settled`);
      return;
    }
    const { code, execution, atUs } = settlement;
    const told = `${id} ${code} ${execution}`;
    if (isRefused && execution !== 'never') this.problems.push(`${told}: lazy, it was refused`);
    const isDoubtful = this.#isDoubtful(submission.epochKey);
    // Who spoke over a changed line has heard the truth: what it calls `never` was not handled.
    const mayErr = isDoubtful && !account.name.startsWith(this.#taint?.speaker ?? '');
    if (execution === 'never' && handling !== undefined && !mayErr) {
      this.problems.push(`${told}: wrong, a handler was given it`);
    }
    if (execution === 'done' && !isDoubtful) {
      const isBefore = handling?.completions.some((completedUs) => completedUs <= atUs);
      if (isBefore !== true) this.problems.push(`${told}: wrong, no handler had completed it`);
    }
    if (!isRefused) this.#count(settlement.execution, code === 'DISCONNECTED');
  }

  #count(execution: 'never' | 'maybe' | 'done', isAtEnd: boolean): void {
    this.tally.transactions++;
    this.tally[execution]++;
    if (!isAtEnd) return;
    this.tally.atEnd++;
    if (execution === 'maybe') this.tally.maybeAtEnd++;
  }

  /** V5: what is handled is handled in the order of submission, and completed once. */
  #checkOrder(account: Account): void {
    const last = new Map<string, number>();
    for (const handling of account.ledger.handlings.values()) {
      const { id, epochKey, completions } = handling;
      if (completions.length > 1) this.problems.push(`${id} was completed twice`);
      if (completions.length === 0 && account.hasSurvived) {
        this.problems.push(`${id} was never completed`);
      }
      const submission = this.#submissionOf(id);
      if (submission === undefined) {
        this.problems.push(`${id} was handled in a round that did not submit it`);
        continue;
      }
      if (this.#isDoubtful(epochKey)) continue;
      if (submission.epochKey !== epochKey) this.problems.push(`${id}: handled in ${epochKey}`);
      // Its submitter was killed before it could note the number.
      const ordinal = submission.ordinal || handling.ordinal;
      if (ordinal === 0) continue;
      if (handling.ordinal !== 0 && handling.ordinal !== ordinal) {
        this.problems.push(`${id} is number ${ordinal} here and ${handling.ordinal} there`);
      }
      const before = last.get(epochKey) ?? 0;
      if (ordinal <= before) this.problems.push(`${id}: number ${ordinal} after ${before}`);
      last.set(epochKey, ordinal);
      this.#handledLast.set(`${epochKey} by ${partyOf(id)}`, ordinal);
    }
  }

  #checkEnds(account: Account): void {
    for (const end of account.ledger.ends) {
      const { epochKey, submittedThrough, handledThrough, neverFrom, acceptedCount } = end;
      const told = `${account.name} ${epochKey} ${submittedThrough}/${handledThrough}/${neverFrom}`;
      const handledLast = this.#handledLast.get(`${epochKey} by ${account.name}`) ?? 0;
      if (submittedThrough !== acceptedCount) {
        this.problems.push(`${told}: ${acceptedCount} were submitted`);
      }
      if (end.reason === 'CORRUPT') this.tally.corrupt++;
      if (neverFrom > submittedThrough + 1) this.problems.push(`${told}: never from beyond`);
      if (this.#isDoubtful(epochKey)) continue;
      if (end.reason === 'CORRUPT') this.problems.push(`${told}: called corrupt`);
      if (handledThrough > handledLast || neverFrom <= handledLast) {
        this.problems.push(`${told}: wrong, handled through ${handledLast}`);
      }
      if (end.reason === 'DESTROYED' && neverFrom !== handledThrough + 1) {
        this.problems.push(`${told}: lazy, the peer's goodbye was no evidence`);
      }
      this.#checkOutcomesOf(account, end, told);
    }
  }

  /** Every transaction of the epoch by the counts of its end. */
  #checkOutcomesOf(account: Account, end: EpochEnd, told: string): void {
    const leftUs = this.#leavingOfPeer(account, end.epochKey);
    for (const submission of account.ledger.submissions.values()) {
      const { id, ordinal, settlements, epochKey, isRefused, what } = submission;
      const settlement = settlements[0];
      if (epochKey !== end.epochKey || isRefused || what === 'message') continue;
      if (settlement === undefined) continue;
      const { code, execution } = settlement;
      const outcome = `${told}: number ${ordinal}, ${id} ${code} ${execution}`;
      if (execution === 'done' && ordinal > end.handledThrough) {
        this.problems.push(`${outcome}: handled through less than what is known`);
      }
      if (execution === 'maybe' && ordinal >= end.neverFrom) {
        this.problems.push(`${outcome}: lazy, above what was handled`);
      }
      if (code === 'DISCONNECTED' && execution === 'never' && ordinal < end.neverFrom) {
        this.problems.push(`${outcome}: below what the event calls never`);
      }
      const completedUs = this.#handlingOf(id)?.completions[0] ?? Infinity;
      if (end.reason === 'DESTROYED' && execution === 'maybe' && code === 'DISCONNECTED') {
        const aheadUs = leftUs - completedUs;
        if (aheadUs > 0) this.problems.push(`${outcome}: lazy, answered ${aheadUs} us before`);
      }
    }
  }

  /** When the other side began to leave the epoch: by its own will, or by its disconnect. */
  #leavingOfPeer(account: Account, epochKey: string): number {
    let atUs = Infinity;
    for (const { name, ledger } of this.#accounts) {
      if (name === account.name) continue;
      for (const leaving of ledger.leavings) {
        if (`${leaving.link} ${leaving.epoch}` === epochKey) atUs = Math.min(atUs, leaving.atUs);
      }
      for (const end of ledger.ends) {
        if (end.epochKey === epochKey) atUs = Math.min(atUs, end.atUs);
      }
    }
    return atUs;
  }

  /** V1 and V2: after `connect` of an epoch, nobody is at work for an older one of that link. */
  #checkCycles(): void {
    const connects = new Map<string, Moment[]>();
    for (const connect of this.#accounts.flatMap(({ ledger }) => ledger.connects)) {
      const known = connects.get(connect.link);
      if (known === undefined) connects.set(connect.link, [connect]);
      else known.push(connect);
    }
    for (const { name, ledger } of this.#accounts) {
      for (const work of ledger.works) {
        const epochKey = `${work.link} ${work.epoch}`;
        if (this.#isDoubtful(epochKey) || this.#taint?.mayOutlast?.(epochKey) === true) continue;
        for (const connect of connects.get(work.link) ?? []) {
          if (connect.epoch <= work.epoch || connect.atUs >= work.atUs) continue;
          if (this.#isDoubtful(`${connect.link} ${connect.epoch}`)) continue;
          const lateMs = ((work.atUs - connect.atUs) / 1000).toFixed(1);
          const old = `${name}: ${work.text} of epoch ${work.epoch}`;
          this.problems.push(`${old} ${lateMs} ms after epoch ${connect.epoch}: ${connect.text}`);
        }
      }
    }
  }

  /** Bodies and statuses arrive as they were sent, but for those that the round changed. */
  #checkDamages(): void {
    const damages = this.#accounts.flatMap(({ ledger }) => ledger.damages);
    this.tally.damaged = damages.length;
    for (const { type, epochKey, text } of damages) {
      const isTainted = this.#taint?.isTainted(epochKey) ?? false;
      const isBody = type !== 'misplaced';
      if (!isTainted || !(isBody || this.#isDoubtful(epochKey))) this.problems.push(text);
    }
    const { isBodyOnly = false, changeCount = 0 } = this.#taint ?? {};
    if (isBodyOnly && damages.length > changeCount) {
      this.problems.push(`${damages.length} bodies differ, ${changeCount} records were changed`);
    }
  }
}

function countLate(ledger: Ledger): number {
  return ledger.works.filter(
    (work) =>
      work.text.startsWith('late') &&
      ledger.connects.some(({ link, epoch }) => link === work.link && epoch > work.epoch),
  ).length;
}

/** `front.2-17` was submitted by `front.2`. */
function partyOf(id: string): string {
  return id.slice(0, id.lastIndexOf('-'));
}
