/** `idc doctor`: what of IDC works on this machine, and how to get the rest. */
import { readFileSync } from 'node:fs';
import { availableParallelism, release } from 'node:os';
import { createDomain, IdcError, type TransportFactory } from 'idc';
import { ring } from 'idc/ring';
import { tcp } from 'idc/tcp';
import { ExitCode } from './failure.js';
import { print } from './print.js';

export interface DoctorOptions {
  readonly json: boolean;
}

/** One thing that was looked at. `advice`: what to do if it is not as it should be. */
interface Finding {
  readonly name: string;
  readonly state: 'ok' | 'limited' | 'missing';
  readonly found: string;
  readonly advice?: string;
}

/** Fewer open files than this, and a busy listener runs out. */
const descriptorsWanted = 4_096;
const loopMs = 3_000;

export async function doctor({ json }: DoctorOptions): Promise<void> {
  const findings = [
    platform(),
    processors(),
    descriptors(),
    await loop('tcp', () => tcp(), 'tcp://127.0.0.1:0/doctor'),
    await loop('ring', () => ring(), `ring://idc-doctor-${process.pid}/doctor`),
    mappedRings(),
  ];
  print(json ? JSON.stringify(findings) : findings.map(describe).join('\n'));
  if (findings.some(({ state }) => state === 'missing')) process.exitCode = ExitCode.Failed;
}

function platform(): Finding {
  const found = `Node ${process.versions.node}, ${process.platform} ${release()}, ${process.arch}`;
  if (process.platform === 'linux') return { name: 'platform', state: 'ok', found };
  const advice = 'all of IDC is tested on Linux alone';
  return { name: 'platform', state: 'limited', found, advice };
}

function processors(): Finding {
  const count = availableParallelism();
  const found = `${count} to run on`;
  if (count > 1) return { name: 'processors', state: 'ok', found };
  const advice = "with one, poll mode and `wait: 'spin'` make both sides slower";
  return { name: 'processors', state: 'limited', found, advice };
}

function descriptors(): Finding {
  const name = 'open files';
  const limit = /^Max open files\s+(\d+|unlimited)/mu.exec(readLimits())?.[1];
  if (limit === undefined) return { name, state: 'ok', found: 'the limit is not to be seen' };
  const isEnough = limit === 'unlimited' || Number(limit) >= descriptorsWanted;
  if (isEnough) return { name, state: 'ok', found: `up to ${limit}` };
  const advice = `raise it for many peers: ulimit -n ${descriptorsWanted}`;
  return { name, state: 'limited', found: `up to ${limit}`, advice };
}

function readLimits(): string {
  try {
    return readFileSync('/proc/self/limits', 'utf8');
  } catch {
    // Another system, or no /proc.
    return '';
  }
}

/** Two domains that reach each other over the transport, and how long that takes. */
async function loop(
  name: string,
  factory: () => TransportFactory,
  address: string,
): Promise<Finding> {
  const back = createDomain({ name: 'doctor', transports: [factory()] });
  const front = createDomain({ name: 'patient', transports: [factory()] });
  try {
    const bound = await back.listen(address, () => ({})).ready;
    const roundTripMs = await new Promise<number | undefined>((resolve) => {
      setTimeout(resolve, loopMs, undefined).unref();
      front.createEndpoint(bound, {
        connect: async (endpoint) => {
          resolve(await endpoint.ping());
        },
      });
    });
    if (roundTripMs !== undefined) {
      return { name, state: 'ok', found: `round trip ${roundTripMs.toFixed(3)} ms` };
    }
    const advice = `something here keeps ${name} from connecting to itself`;
    return { name, state: 'missing', found: `no connection within ${loopMs} ms`, advice };
  } catch (error) {
    if (!(error instanceof IdcError)) throw error;
    return { name, state: 'missing', found: error.code, advice: error.reason };
  } finally {
    await Promise.all([front.close(), back.close()]);
  }
}

function mappedRings(): Finding {
  const name = 'shared memory between processes';
  try {
    ring({ memory: 'mapped' });
    return { name, state: 'ok', found: 'koffi and sealed memory' };
  } catch (error) {
    if (!(error instanceof IdcError)) throw error;
    return { name, state: 'limited', found: 'rings between threads only', advice: error.reason };
  }
}

function describe({ name, state, found, advice }: Finding): string {
  const line = `${state.padEnd(8)} ${name}: ${found}`;
  return advice === undefined ? line : `${line}\n         ${advice}`;
}
