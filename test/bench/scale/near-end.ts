/**
 * The program of the near end, started by `scale-cases.ts`: connects all endpoints to a far end in
 * another process, says what that took, and at each 'run' what idleness and messages cost.
 *
 * Costs are processor time of both processes together or of each, not time on the clock, so that
 * other work on the machine disturbs them less.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { createDomain, type Endpoint } from 'idc';

import type { Figure } from '../contender.js';
import type { NearEndMessage } from '../near-end-message.js';
import { reasonOf } from '../narrow.js';
import { FarProcess } from './far-process.js';
import { readKernelBytes, readProcess } from './reading.js';
import { decodeScaleJob, scaleQuota, type ScaleJob } from './scale-job.js';
import { describeScaleTransport, scaleTransport } from './scale-transport.js';

/** Until what the connecting left behind is collected, and what keeps alive is compiled. */
const settleMs = 20_000;
const idleMs = 20_000;
const busyMs = 500;
/** With fewer endpoints their memory is lost in what the process itself takes and gives back. */
const endpointsForMemory = 1000;
const body = new Uint8Array(scaleQuota.messageBytes);

function tell(message: NearEndMessage): void {
  process.send?.(message);
}

function connectAll(address: string, job: ScaleJob): Promise<Endpoint[]> {
  const { endpoints, wait } = job;
  const domain = createDomain({ name: 'front', transports: [scaleTransport(job)], wait });
  return new Promise((resolve) => {
    let connected = 0;
    const all: Endpoint[] = [];
    const connect = (): void => {
      connected += 1;
      if (connected === endpoints) resolve(all);
    };
    for (let count = 0; count < endpoints; count += 1) {
      all.push(domain.createEndpoint(address, { connect }, { quota: scaleQuota }));
    }
  });
}

class Scale {
  readonly #far: FarProcess;
  readonly #endpoints: readonly Endpoint[];
  /** What connecting came to; the same in every run. */
  readonly #fixed: readonly Figure[];

  private constructor(far: FarProcess, endpoints: readonly Endpoint[], fixed: readonly Figure[]) {
    this.#far = far;
    this.#endpoints = endpoints;
    this.#fixed = fixed;
  }

  static async open(job: ScaleJob): Promise<Scale> {
    const far = await FarProcess.start(job);
    const kernelBefore = await readKernelBytes();
    const farBefore = await far.read(true);
    const nearBefore = readProcess(true);
    const startMs = performance.now();
    const endpoints = await connectAll(far.address, job);
    const connectMs = performance.now() - startMs;
    const connectCpuMs = readProcess(false).cpuMs - nearBefore.cpuMs;
    const farConnectCpuMs = (await far.read(false)).cpuMs - farBefore.cpuMs;
    await pause(settleMs);
    const kernelBytes = (await readKernelBytes()) - kernelBefore;
    const idle = await cpuOf(far, () => pause(idleMs));
    const farBytes = (await far.read(true)).rssBytes - farBefore.rssBytes;
    const nearBytes = readProcess(true).rssBytes - nearBefore.rssBytes;
    const eachUs = (ms: number): number => (ms / job.endpoints) * 1000;
    const eachKib = (bytes: number): number => bytes / 1024 / job.endpoints;
    const percent = (cpuMs: number): number => (cpuMs / idle.wallMs) * 100;
    const memory: readonly Figure[] = [
      { metric: 'near-rss', unit: 'KiB', value: eachKib(nearBytes) },
      { metric: 'far-rss', unit: 'KiB', value: eachKib(farBytes) },
      { metric: 'kernel', unit: 'KiB', value: eachKib(kernelBytes) },
    ];
    return new Scale(far, endpoints, [
      { metric: 'connect-rate', unit: '1/s', value: (job.endpoints / connectMs) * 1000 },
      { metric: 'connect-cpu', unit: 'us', value: eachUs(connectCpuMs + farConnectCpuMs) },
      ...(job.endpoints < endpointsForMemory ? [] : memory),
      { metric: 'near-idle', unit: '%', value: percent(idle.nearMs) },
      { metric: 'far-idle', unit: '%', value: percent(idle.farMs) },
    ]);
  }

  async run(): Promise<Figure[]> {
    const [first] = this.#endpoints;
    const oneBusy = await this.#costOf(first === undefined ? [] : [first]);
    const allBusy = await this.#costOf(this.#endpoints);
    return [
      ...this.#fixed,
      { metric: 'one-busy', unit: 'us', value: oneBusy },
      { metric: 'all-busy', unit: 'us', value: allBusy },
    ];
  }

  /** Processor time of both ends for one message, in microseconds. */
  async #costOf(busy: readonly Endpoint[]): Promise<number> {
    await flood(busy, busyMs / 2);
    let sent = 0;
    const used = await cpuOf(this.#far, async () => {
      sent = await flood(busy, busyMs);
    });
    return ((used.nearMs + used.farMs) / sent) * 1000;
  }
}

interface Used {
  readonly nearMs: number;
  readonly farMs: number;
  readonly wallMs: number;
}

async function cpuOf(far: FarProcess, work: () => Promise<void>): Promise<Used> {
  const farBefore = await far.read(false);
  const nearBefore = readProcess(false);
  const startMs = performance.now();
  await work();
  const wallMs = performance.now() - startMs;
  const nearMs = readProcess(false).cpuMs - nearBefore.cpuMs;
  const farMs = (await far.read(false)).cpuMs - farBefore.cpuMs;
  return { nearMs, farMs, wallMs };
}

/** All send as much as they may; answers the messages, every one of them completed. */
async function flood(busy: readonly Endpoint[], durationMs: number): Promise<number> {
  const endMs = performance.now() + durationMs;
  const sent = await Promise.all(busy.map((endpoint) => sendUntil(endpoint, endMs)));
  return sent.reduce((sum, count) => sum + count, 0);
}

async function sendUntil(endpoint: Endpoint, endMs: number): Promise<number> {
  let sent = 0;
  do {
    while (endpoint.submitMessage(body) >= 0) sent += 1;
    await endpoint.whenFlushed();
  } while (performance.now() < endMs);
  return sent;
}

function fail(error: unknown): void {
  tell({ kind: 'failed', reason: reasonOf(error) });
}

async function main(job: ScaleJob): Promise<void> {
  const scale = await Scale.open(job);
  const { messages, messageBytes, transactions, parameterBytes } = scaleQuota;
  const quota = `quota ${messages} x ${messageBytes} B, ${transactions} x ${parameterBytes} B`;
  const waits = `wait ${job.wait}${describeScaleTransport(job)}`;
  tell({
    kind: 'ready',
    note: `${job.endpoints} endpoints, ${waits}, ${quota}; KiB and us are for each`,
  });
  process.on('message', () => {
    scale.run().then((figures) => {
      tell({ kind: 'ran', figures });
    }, fail);
  });
}

process.once('disconnect', () => process.exit());
await main(decodeScaleJob(process.argv.slice(2))).catch(fail);
