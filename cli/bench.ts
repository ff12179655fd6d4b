/** `idc bench`: how fast messages, transactions and transfers are on this machine. */
import { spawn, type ChildProcess } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { createDomain, IdcError, type Domain } from 'idc';
import { createMemoryNetwork, memory } from 'idc/memory';
import { offerPeer } from './bench-peer.js';
import { measurements, type Place, type Row } from './bench-measure.js';
import { connect } from './connect.js';
import { ExitCode, Failure, reasonOf } from './failure.js';
import { onInterrupt } from './interrupt.js';
import { media, type Medium } from './media.js';
import { print } from './print.js';
import { createCommandDomain } from './transports.js';
import { version } from './version.js';

export interface BenchOptions {
  readonly only?: Medium;
  readonly runMs: number;
  readonly json: boolean;
}

/** From the start of the child to a connection. */
const connectMs = 10_000;
/** The name of what it is on each medium. */
const meaning: Readonly<Record<Medium, string>> = {
  memory: 'within this process',
  ring: 'shared memory, with a child process',
  tcp: 'loopback, with a child process',
};

export async function bench({ only, runMs, json }: BenchOptions): Promise<void> {
  const interrupt = onInterrupt();
  const { signal } = interrupt;
  const rows: Row[] = [];
  const problems: string[] = [];
  try {
    for (const medium of only === undefined ? media : [only]) {
      if (signal.aborted) break;
      if (!json) print(`${medium}: ${meaning[medium]}`);
      try {
        await measureMedium(medium, { runMs, signal }, (row) => {
          rows.push(row);
          if (!json) print(describe(row));
        });
      } catch (error) {
        if (!(error instanceof IdcError)) throw error;
        problems.push(`${medium}: ${reasonOf(error)}`);
      }
    }
  } finally {
    interrupt.stop();
  }
  if (json) {
    const machine = { node: process.versions.node, processors: availableParallelism() };
    print(JSON.stringify({ idc: version(), ...machine, runMs, rows }));
  }
  if (problems.length > 0) throw new Failure(`${problems.join('; ')}; see idc doctor`);
  if (signal.aborted) process.exitCode = ExitCode.Failed;
}

async function measureMedium(
  medium: Medium,
  settings: Pick<Place, 'runMs' | 'signal'>,
  take: (row: Row) => void,
): Promise<void> {
  const peer = medium === 'memory' ? await startPeerHere() : await startPeerChild(medium);
  try {
    const { signal } = settings;
    const patience = { timeoutMs: connectMs, signal, advice: 'see idc doctor' };
    const endpoint = await connect(peer.domain, peer.address, patience);
    if (endpoint === undefined) return;
    for (const measure of measurements) {
      const place = { ...settings, medium, domain: peer.domain, endpoint };
      const measured = await measure(place);
      // One that was cut short says nothing.
      if (signal.aborted) return;
      for (const row of measured) take({ medium, ...row });
    }
  } finally {
    await peer.stop();
  }
}

/** A peer, and a domain that reaches it. */
interface Peer {
  readonly domain: Domain;
  readonly address: string;
  readonly stop: () => Promise<void>;
}

async function startPeerHere(): Promise<Peer> {
  const network = createMemoryNetwork();
  const back = createDomain({ name: 'idc bench-peer', transports: [memory({ network })] });
  const domain = createDomain({ name: 'idc bench', transports: [memory({ network })] });
  const address = await offerPeer(back, 'memory://peer/bench');
  const stop = async (): Promise<void> => {
    await domain.close();
    await back.close();
  };
  return { domain, address, stop };
}

async function startPeerChild(medium: Exclude<Medium, 'memory'>): Promise<Peer> {
  const wanted = { ring: `ring://idc-bench-${process.pid}/bench`, tcp: 'tcp://127.0.0.1:0/bench' };
  const program = fileURLToPath(new URL('main.js', import.meta.url));
  const child = spawn(process.execPath, [program, 'bench-peer', wanted[medium]], {
    stdio: ['pipe', 'pipe', 'inherit'],
    // A Ctrl-C at the terminal is this process's to deal with.
    detached: true,
  });
  const address = await readLine(child);
  const domain = createCommandDomain('idc bench');
  const stop = async (): Promise<void> => {
    await domain.close();
    const hasEnded = new Promise((resolve) => child.once('close', resolve));
    child.stdin.end();
    if (child.exitCode === null && child.signalCode === null) await hasEnded;
  };
  return { domain, address, stop };
}

/** The first line that it prints. */
function readLine(child: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = '';
    child.stdout?.on('data', (bytes: Buffer) => {
      text += bytes.toString();
      const end = text.indexOf('\n');
      if (end >= 0) resolve(text.slice(0, end));
    });
    child.once('close', () => {
      reject(new Failure('the other process ended before it listened; see idc doctor'));
    });
    child.once('error', (error) => {
      reject(new Failure(`the other process does not start: ${error.message}`));
    });
  });
}

function describe({ what, figure, value, unit }: Row): string {
  const digits = value >= 1_000 ? 0 : value >= 10 ? 1 : 3;
  const number = value.toLocaleString('en', { maximumFractionDigits: digits });
  return `  ${what.padEnd(48)} ${figure.padEnd(5)} ${number.padStart(12)} ${unit}`;
}
