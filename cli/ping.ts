/** `idc ping ADDRESS`: connects, and measures the way to the peer's domain and back. */
import { setTimeout as sleep } from 'node:timers/promises';
import { IdcError, type Endpoint } from 'idc';
import { requireAddress } from './address.js';
import { connect } from './connect.js';
import { ExitCode, Failure } from './failure.js';
import { onInterrupt } from './interrupt.js';
import { print } from './print.js';
import { quantile } from './quantile.js';
import { createCommandDomain } from './transports.js';

export interface PingOptions {
  readonly count: number;
  readonly intervalMs: number;
  readonly timeoutMs: number;
  readonly json: boolean;
}

/** Of all that were answered, in milliseconds. */
interface Summary {
  readonly address: string;
  readonly peer: string;
  readonly sent: number;
  readonly answered: number;
  readonly minMs: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
}

/** For whoever gets no answer. */
const advice = 'does it listen there?';

export async function ping(address: string, options: PingOptions): Promise<void> {
  requireAddress(address);
  const domain = createCommandDomain('idc ping');
  const interrupt = onInterrupt();
  try {
    const { signal } = interrupt;
    const patience = { timeoutMs: options.timeoutMs, signal, advice };
    const endpoint = await connect(domain, address, patience);
    if (endpoint === undefined) {
      throw new Failure(`${address}: interrupted; ${advice}`, ExitCode.Unreachable);
    }
    const samples = await measure(endpoint, options, signal);
    const summary = summarise(address, endpoint, samples);
    print(options.json ? JSON.stringify(summary) : describe(summary));
    if (summary.answered < summary.sent || summary.answered === 0) {
      process.exitCode = ExitCode.Unreachable;
    }
  } finally {
    interrupt.stop();
    await domain.close();
  }
}

/** The round trips; undefined for one that was not answered. */
async function measure(
  endpoint: Endpoint,
  { count, intervalMs, json }: PingOptions,
  signal: AbortSignal,
): Promise<readonly (number | undefined)[]> {
  const samples: (number | undefined)[] = [];
  for (let index = 1; index <= count && !signal.aborted; index++) {
    const roundTripMs = await endpoint.ping().catch((error: unknown) => {
      if (error instanceof IdcError) return undefined;
      throw error;
    });
    samples.push(roundTripMs);
    const answer = roundTripMs === undefined ? 'no answer' : `${roundTripMs.toFixed(3)} ms`;
    if (!json) print(`${String(index).padStart(4)}  ${answer}`);
    if (index < count) await sleep(intervalMs, undefined, { signal }).catch(() => undefined);
  }
  return samples;
}

function summarise(
  address: string,
  { peer }: Endpoint,
  samples: readonly (number | undefined)[],
): Summary {
  const answered = samples.filter((sample) => sample !== undefined).sort((a, b) => a - b);
  const at = (share: number): number => round(quantile(answered, share));
  return {
    address,
    peer: `${peer?.domainName ?? 'nobody'} (${peer?.identity.origin ?? ''})`,
    sent: samples.length,
    answered: answered.length,
    minMs: at(0),
    p50Ms: at(0.5),
    p99Ms: at(0.99),
    maxMs: at(1),
  };
}

function describe({ peer, sent, answered, minMs, p50Ms, p99Ms, maxMs }: Summary): string {
  const times = `min ${minMs}, p50 ${p50Ms}, p99 ${p99Ms}, max ${maxMs} ms`;
  return `${peer}: ${answered} of ${sent} answered; ${times}`;
}

/** To the microsecond. */
function round(ms: number): number {
  return Math.round(ms * 1_000) / 1_000;
}
