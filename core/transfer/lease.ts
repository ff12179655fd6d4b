/**
 * Lease: what a holder knows of one owner's clock, so that its writes can be judged late (B5).
 *
 * Every answer of an owner carries its time, the stamp; every Write carries the latest stamp back,
 * and the owner executes none whose stamp is older than `leaseMs`. Both sides measure lengths of
 * time only, each by its own clock: a stamp is no older than the request that brought it.
 */

/** Stated assumption: two clocks differ by no more than 1 %, and readings by these milliseconds. */
const driftFactor = 1.01;
const slackMs = 10;

/** Owners whose leases are kept. */
const leasesMax = 4_096;

export class Lease {
  /** Tells the owner and its incarnation. */
  readonly ownerKey: string;
  /** The owner's latest time that is known. */
  stamp = 0;
  /** What the owner grants, in milliseconds; 0 before its first answer. */
  leaseMs = 0;
  /** By this side's clock: the stamp is not older. */
  #sinceMs = -Infinity;

  constructor(ownerKey: string) {
    this.ownerKey = ownerKey;
  }

  /** HOT: an answer to a request that was submitted at `submittedMs` or later. */
  renew(stamp: number, leaseMs: number, submittedMs: number): void {
    this.leaseMs = leaseMs;
    // A later stamp is no older than either request.
    if (stamp > this.stamp) this.stamp = stamp;
    if (submittedMs > this.#sinceMs) this.#sinceMs = submittedMs;
  }

  /** The owner refused the stamp: whoever gave it, this one is the owner's. */
  replace(stamp: number, leaseMs: number, submittedMs: number): void {
    this.leaseMs = leaseMs;
    this.stamp = stamp;
    this.#sinceMs = submittedMs;
  }

  /** HOT: a Write with the stamp has half of the lease left for its way. */
  isYoung(nowMs: number): boolean {
    return nowMs - this.#sinceMs < this.leaseMs / 2;
  }

  /** From when on nothing lands any more that was submitted at `submittedMs`. */
  landsUntil(submittedMs: number): number {
    return submittedMs + this.leaseMs * driftFactor + slackMs;
  }
}

/** The leases of all owners that this side writes to. */
export class Leases {
  readonly #byOwner = new Map<string, Lease>();

  get(ownerId: string, incarnation: string): Lease {
    const ownerKey = `${ownerId}.${incarnation}`;
    const known = this.#byOwner.get(ownerKey);
    if (known !== undefined) return known;
    const lease = new Lease(ownerKey);
    this.#byOwner.set(ownerKey, lease);
    if (this.#byOwner.size > leasesMax) this.#forgetOldest();
    return lease;
  }

  /** Who still writes there keeps its own; the next one asks anew. */
  #forgetOldest(): void {
    const [oldest] = this.#byOwner.keys();
    if (oldest !== undefined) this.#byOwner.delete(oldest);
  }
}
