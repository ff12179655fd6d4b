/** What both processes of the test agree on, and what they tell each other's parent. */
import type { Quota, TimeLimits } from 'idc';

export type Role = 'dial' | 'listen';

export interface PartyOptions {
  /** Names the start, not only the side: `front.3`. */
  readonly name: string;
  readonly role: Role;
  readonly address: string;
  readonly journalPath: string;
}

/** Small, so that links die and return often in a short test. */
export const limits: Partial<TimeLimits> = {
  handshakeMs: 5_000,
  lingerMs: 300,
  keepAliveMs: 150,
  flushMs: 2_000,
  drainMs: 20_000,
  dialMinMs: 5,
  dialMaxMs: 60,
};
export const forgetMs: number = 1_000;

export const quota: Partial<Quota> = {
  messages: 64,
  messageBytes: 128 * 1024,
  transactions: 32,
  parameterBytes: 64 * 1024,
  statusBytes: 32 * 1024,
};

/** Far below the largest body, so that much goes in fragments. */
export const frameBytesMax: number = 8 * 1024;

/** What a process tells its parent unasked. */
export type Note =
  | { readonly note: 'listening'; readonly address: string }
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
  /** Answer when everything submitted has settled and everything received is completed. */
  | { readonly command: 'settle' }
  /** Destroy every endpoint; then, if it is the dialling side, dial with a new one. */
  | { readonly command: 'replace' }
  /** Close the domain. The process then has nothing left to live for. */
  | { readonly command: 'close' }
  | { readonly command: 'explain' };

export interface Report {
  readonly rssBytes: number;
  /** Sockets among the open descriptors, the channel to the parent left out. */
  readonly sockets: number;
  readonly descriptors: number;
  readonly timersArmed: number;
  readonly endpoints: number;
  /** What still keeps the event loop of the process alive. */
  readonly resources: readonly string[];
  readonly text: string;
}

export interface Answer {
  readonly answers: number;
  readonly report: Report;
}
