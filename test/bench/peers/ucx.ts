/**
 * Peers `ucx-*`: UCX, in C and busy polling, by its own `ucx_perftest` between two processes
 * (Debian's package `ucx-utils`). `tag` is a tagged send and receive, `am` an active message, `put`
 * a write into the peer's memory that the peer is not told of; `tcp` goes over loopback, `shm` over
 * POSIX shared memory. Each run is two processes of its own, which end with it.
 *
 * Both ends poll without ever sleeping, so that these figures need two cores with nothing else on
 * them. `ucx_perftest` sends one length only, so random lengths are left out.
 */
import type { Contender, Figure, Start } from '../contender.js';
import { isErrorCode, reasonOf } from '../narrow.js';
import { workloads, type Workload, type WorkloadName } from '../workload.js';
import type { Medium, Peer, TransportName } from './peer.js';
import { parseUcxOutput, type UcxResult } from './ucx-output.js';
import { runUcx } from './ucx-run.js';

interface UcxKind {
  /** Its environment: which media UCX may use. */
  readonly media: string;
  readonly flood: string;
  /** The test of a round trip; undefined where `ucx_perftest` has none that compares. */
  readonly roundTrip: string | undefined;
  /** It stands beside transfers as well: what UCX has for bytes in bulk over that medium. */
  readonly isBulk: boolean;
}

type UcxName = 'ucx-tag-tcp' | 'ucx-am-tcp' | 'ucx-tag-shm' | 'ucx-am-shm' | 'ucx-put-shm';

const tcpMedia = 'tcp,self';
const shmMedia = 'posix,self';
const kinds: Readonly<Record<UcxName, UcxKind>> = {
  'ucx-tag-tcp': { media: tcpMedia, flood: 'tag_bw', roundTrip: 'tag_lat', isBulk: true },
  'ucx-am-tcp': { media: tcpMedia, flood: 'ucp_am_bw', roundTrip: undefined, isBulk: true },
  'ucx-tag-shm': { media: shmMedia, flood: 'tag_bw', roundTrip: 'tag_lat', isBulk: false },
  'ucx-am-shm': { media: shmMedia, flood: 'ucp_am_bw', roundTrip: undefined, isBulk: false },
  'ucx-put-shm': { media: shmMedia, flood: 'ucp_put_bw', roundTrip: undefined, isBulk: true },
};

/** What one run is to take on a machine that does nothing else. */
const runMs = 150;
/** `ucx_perftest` takes its median from a table of so many durations, filled or not. */
const roundTripsMin = 2048;
const floodItemsMin = 100;
/** In each step of finding out how many items make a run. */
const growthMax = 100;
/** Below this rate the printed time of one item is more exact than the printed rate. */
const slowRate = 10_000;

export function ucxPeer(name: UcxName, medium: Medium, ...besides: readonly TransportName[]): Peer {
  const kind = kinds[name];
  return {
    name,
    medium,
    besides,
    measures: ({ beside, shape, itemBytes }: Workload) =>
      (beside === 'systems' || (beside === 'bulk' && kind.isBulk)) &&
      itemBytes !== 'random' &&
      (shape === 'flood' || kind.roundTrip !== undefined),
    start: (workload) => start(kind, workload),
  };
}

async function start(kind: UcxKind, workload: WorkloadName): Promise<Start> {
  try {
    return { kind: 'ready', contender: await UcxContender.calibrate(kind, workload) };
  } catch (error) {
    return isErrorCode(error, 'ENOENT')
      ? { kind: 'missing', reason: 'ucx_perftest is not installed (package ucx-utils)' }
      : { kind: 'failed', reason: reasonOf(error) };
  }
}

class UcxContender implements Contender {
  readonly #kind: UcxKind;
  readonly #workload: WorkloadName;
  readonly #itemBytes: number;
  #items: number;

  private constructor(kind: UcxKind, workload: WorkloadName) {
    const { itemBytes, shape } = workloads[workload];
    if (itemBytes === 'random') throw new Error('ucx_perftest has no random lengths');
    this.#kind = kind;
    this.#workload = workload;
    this.#itemBytes = itemBytes;
    this.#items = shape === 'flood' ? floodItemsMin : roundTripsMin;
  }

  /** Finds how many items make a run. */
  static async calibrate(kind: UcxKind, workload: WorkloadName): Promise<UcxContender> {
    const contender = new UcxContender(kind, workload);
    for (;;) {
      const growth = runMs / contender.#elapsedMs(await contender.#measure());
      if (growth < 2) return contender;
      contender.#items = Math.ceil(contender.#items * Math.min(growth, growthMax));
    }
  }

  get note(): string {
    return `${this.#test}, UCX_TLS=${this.#kind.media}, ${this.#items} a run, busy polling`;
  }

  async run(): Promise<readonly Figure[]> {
    const result = await this.#measure();
    const { shape, rateUnit } = workloads[this.#workload];
    // It tells the time of one way, half a round trip.
    if (shape === 'round-trip') return [{ metric: 'p50', unit: 'us', value: 2 * result.medianUs }];
    const value = rateUnit === 'GB/s' ? (rateOf(result) * this.#itemBytes) / 1e9 : rateOf(result);
    return [{ metric: 'rate', unit: rateUnit, value }];
  }

  /** Nothing is left of a run. */
  stop(): Promise<void> {
    return Promise.resolve();
  }

  get #test(): string {
    const { flood, roundTrip } = this.#kind;
    return workloads[this.#workload].shape === 'flood' ? flood : (roundTrip ?? flood);
  }

  async #measure(): Promise<UcxResult> {
    const output = await runUcx({
      test: this.#test,
      media: this.#kind.media,
      itemBytes: this.#itemBytes,
      items: this.#items,
    });
    return parseUcxOutput(output);
  }

  #elapsedMs({ averageUs }: UcxResult): number {
    const ways = workloads[this.#workload].shape === 'flood' ? 1 : 2;
    return Math.max((ways * averageUs * this.#items) / 1000, 1e-3);
  }
}

function rateOf({ messagesPerSecond, averageUs }: UcxResult): number {
  return messagesPerSecond < slowRate ? 1e6 / averageUs : messagesPerSecond;
}
