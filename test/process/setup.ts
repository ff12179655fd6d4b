/** What both processes of the test agree on, and what they tell each other's parent. */
import type { Quota, TimeLimits } from 'idc';

export interface PartyOptions {
  /** Names the start, not only the side: `front.3`. */
  readonly name: string;
  /** It offers the service, at any free port. */
  readonly listens: boolean;
  /** So many endpoints dial that address. */
  readonly dialCount: number;
  readonly dialAddress: string;
  readonly quota: Partial<Quota>;
  readonly limits: Partial<TimeLimits>;
  /** The pause of each endpoint's load between two bursts, and its longest burst. */
  readonly tickMs: number;
  readonly burstMax: number;
  readonly journalPath: string;
}

/** Small, so that links die and return often in a short test. */
export const limits: Partial<TimeLimits> = {
  handshakeMs: 2_000,
  lingerMs: 300,
  keepAliveMs: 150,
  flushMs: 2_000,
  drainMs: 20_000,
  dialMinMs: 5,
  dialMaxMs: 60,
};
/** For many endpoints: a machine that is busy otherwise must not take them for dead. */
export const patientLimits: Partial<TimeLimits> = {
  ...limits,
  handshakeMs: 10_000,
  keepAliveMs: 400,
  dialMaxMs: 250,
};
export const forgetMs: number = 400;

/** For a few endpoints in a process. */
export const quota: Partial<Quota> = {
  messages: 64,
  messageBytes: 128 * 1024,
  transactions: 32,
  parameterBytes: 64 * 1024,
  statusBytes: 32 * 1024,
};

/** For many endpoints in a process. */
export const smallQuota: Partial<Quota> = {
  messages: 8,
  messageBytes: 12 * 1024,
  transactions: 4,
  parameterBytes: 12 * 1024,
  statusBytes: 12 * 1024,
};

/** Far below the largest body, so that much goes in fragments. */
export const frameBytesMax: number = 8 * 1024;

/** What a process tells its parent unasked. */
export type Note =
  | { readonly note: 'listening'; readonly address: string }
  /** The links that it dials from now on; no others. */
  | { readonly note: 'dialled'; readonly links: readonly string[] }
  | { readonly note: 'connect'; readonly link: string; readonly epoch: number }
  | {
      readonly note: 'disconnect';
      readonly link: string;
      readonly epoch: number;
      readonly reason: string;
    }
  | { readonly note: 'disappear'; readonly link: string }
  | { readonly note: 'submitted'; readonly count: number };

export type Command =
  /** Submit from now on. */
  | { readonly command: 'load'; readonly seed: number }
  /** Submit nothing more, and let held work go. */
  | { readonly command: 'hush' }
  /**
   * Answer when everything submitted has settled, everything received is completed, and so many
   * endpoints are left, each with one socket.
   */
  | { readonly command: 'settle'; readonly endpoints: number }
  /** Destroy every endpoint; then, if it dials, dial with new ones. */
  | { readonly command: 'replace' }
  /** Close the domain. The process then has nothing left to live for. */
  | { readonly command: 'close' }
  | { readonly command: 'explain' };

export interface Report {
  readonly rssBytes: number;
  readonly descriptors: number;
  /** Open before the domain was made. */
  readonly descriptorsBefore: number;
  readonly timersArmed: number;
  readonly endpoints: number;
  /** What still keeps the event loop of the process alive. */
  readonly resources: readonly string[];
  /** The longest time without a turn of its event loop since the last report. */
  readonly stoodStillMs: number;
  readonly text: string;
}

export interface Answer {
  readonly answers: number;
  readonly report: Report;
}
