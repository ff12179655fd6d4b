/**
 * Subject and Session: the one interface by which every system is measured, IDC included.
 *
 * A subject has a near end, which starts, times and counts, and a far end in another process or
 * thread. One file holds both, so that it reads as the small program that it is.
 */
import type { Job } from './job.js';
import type { Durations } from './durations.js';
import type { Payloads } from './payloads.js';

/** An open connection to the far end, seen from the near end. */
export interface Session {
  /** What a reader of the figures has to know: quota, way of waiting, size of writes. */
  readonly note: string;
  /** Bytes moved so far beside round trips, where that is part of the workload. */
  readonly movedBytes?: number;
  /**
   * Sends until `durationMs` have passed, then waits until the far end has had everything. Answers
   * how many were sent.
   */
  flood(payloads: Payloads, durationMs: number): Promise<number>;
  /** One request at a time until `durationMs` have passed; each one's time goes to `durations`. */
  roundTrips(payloads: Payloads, durations: Durations, durationMs: number): Promise<void>;
  /** Lets go of everything, the far end included. */
  close(): Promise<void>;
}

export interface Subject {
  /** The near end: starts the far end, connects, and answers once both are ready. */
  open(job: Job): Promise<Session>;
  /**
   * The far end, in a process or thread of its own. `nearAddress` is where the near end listens,
   * empty if it does not. Answers where it listens itself, empty if it does not.
   */
  serve(job: Job, nearAddress: string): Promise<string>;
}
