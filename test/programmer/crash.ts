/** Crash: one child that makes one mistake, and what its peer, this process, sees of it. */
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createDomain, type Domain, type ErrorCode, type Execution, IdcError } from 'idc';
import { tcp } from 'idc/tcp';

import { Gate } from '../compliance/endpoint/gate.js';

/** What became of one endpoint of the peer. */
export interface Account {
  connects: number;
  readonly reasons: ErrorCode[];
  /** How its own transactions settled: `OK`, or code and execution. */
  readonly outcomes: string[];
  /** How many transactions it submitted. */
  submitted: number;
}

export interface Crash {
  readonly exitCode: number | null;
  /** The code of the assertion on standard error; all of that if there is none. */
  readonly assertion: string;
  readonly witness: Account;
  readonly subject: Account;
}

/** `leaves`: the parent destroys its subject as soon as its work was submitted. */
export interface Plan {
  readonly mistake: string;
  readonly leaves: boolean;
}

export async function watchCrash(plan: Plan, signal: AbortSignal): Promise<Crash> {
  const domain = createDomain({ name: 'parent', transports: [tcp()] });
  const child = fork(new URL('child.js', import.meta.url), [plan.mistake], {
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    execArgv: [],
    signal,
    killSignal: 'SIGKILL',
  });
  try {
    return await watch(domain, child, plan);
  } finally {
    child.kill('SIGKILL');
    await domain.close({ drainMs: 0 });
  }
}

async function watch(domain: Domain, child: ChildProcess, plan: Plan): Promise<Crash> {
  let stderr = '';
  child.stderr?.on('data', (chunk) => (stderr += String(chunk)));
  const closed = once(child, 'close');
  const told: readonly unknown[] = await Promise.race([once(child, 'message'), closed]);
  const address = told[0];
  if (typeof address !== 'string') throw new Error(`the child did not start: ${stderr}`);
  const witness = dial(domain, address, false);
  await witness.connected;
  const subject = dial(domain, address.replace('/witness', '/subject'), plan.leaves);
  await closed;
  await Promise.all([witness.settled(), subject.settled()]);
  const assertion = /^\S*Error\S*: ([A-Z_]+): /m.exec(stderr)?.[1] ?? stderr;
  const { exitCode } = child;
  return { exitCode, assertion, witness: witness.account, subject: subject.account };
}

interface Dialled {
  readonly account: Account;
  readonly connected: Promise<void>;
  /** Its first link is over, and all that it submitted has settled. */
  settled(): Promise<void>;
}

function dial(domain: Domain, address: string, leaves: boolean): Dialled {
  const account: Account = { connects: 0, reasons: [], outcomes: [], submitted: 0 };
  const works: Promise<void>[] = [];
  const connected = new Gate();
  const over = new Gate();
  const endpoint = domain.createEndpoint(address, {
    connect: () => {
      account.connects++;
      endpoint.submitMessage(new Uint8Array(4));
      for (account.submitted = 0; account.submitted < 2; account.submitted++) {
        works.push(note(account, endpoint.submitTransaction(new Uint8Array(8))));
      }
      connected.open();
      if (leaves) void endpoint.destroy();
    },
    disconnect: (_endpoint, event) => {
      account.reasons.push(event.reason);
    },
    transaction: (transaction) => {
      transaction.complete();
    },
  });
  endpoint.lifecycle$.subscribe((event) => {
    if (event.type === 'attempt' || event.type === 'destroyed') over.open();
  });
  const settled = async (): Promise<void> => {
    await over.opened;
    await Promise.all(works);
  };
  return { account, connected: connected.opened, settled };
}

async function note(account: Account, work: Promise<Uint8Array>): Promise<void> {
  try {
    await work;
    account.outcomes.push('OK');
  } catch (error) {
    if (!(error instanceof IdcError)) throw error;
    account.outcomes.push(outcomeOf(error.code, error.execution));
  }
}

function outcomeOf(code: ErrorCode, execution: Execution): string {
  return `${code} ${execution}`;
}
