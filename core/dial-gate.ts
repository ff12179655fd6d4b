/**
 * DialGate: how many endpoints of one domain knock at one authority at the same time.
 *
 * A listening side greets a bounded crowd and turns the rest away (`Port`). When thousands of
 * endpoints dial at once, because they are made in one loop or their service has restarted, those
 * who are turned away or time out come again later, and each attempt costs both sides a link. So
 * they queue here, in order. A place is held from the dial to the peer's greeting only, which the
 * transport and `handshakeMs` bound, and each authority has places of its own: a dead one delays
 * nobody else.
 */

/** Half of what a port greets at one time, so that two domains can come at once. */
const knockersMax = 512;

/** Who knocks at one authority, and who waits for a place. */
interface Door {
  readonly inside: Set<Knocker>;
  readonly waiting: Set<Knocker>;
}

/** One endpoint at the gate; `knock` and `leave` may follow each other any number of times. */
export class Knocker {
  readonly #gate: DialGate;
  readonly #authority: string;
  readonly #dial: () => void;

  /** `dial` starts an attempt; it may call `leave`. */
  constructor(gate: DialGate, authority: string, dial: () => void) {
    this.#gate = gate;
    this.#authority = authority;
    this.#dial = dial;
  }

  /** Dials, at once or when others have left. */
  knock(): void {
    this.#gate.enter(this.#authority, this);
  }

  /** The attempt was greeted, has failed, or is not wanted any more. Idempotent. */
  leave(): void {
    this.#gate.leave(this.#authority, this);
  }

  /** @internal Its turn has come. */
  admitted(): void {
    this.#dial();
  }
}

export class DialGate {
  /** Only those with somebody at them. */
  readonly #doors = new Map<string, Door>();

  /** @internal For `Knocker`. */
  enter(authority: string, knocker: Knocker): void {
    let door = this.#doors.get(authority);
    if (door === undefined) {
      door = { inside: new Set(), waiting: new Set() };
      this.#doors.set(authority, door);
    }
    if (door.inside.has(knocker)) return;
    door.waiting.add(knocker);
    admit(door);
  }

  /** @internal For `Knocker`. */
  leave(authority: string, knocker: Knocker): void {
    const door = this.#doors.get(authority);
    if (door === undefined) return;
    door.waiting.delete(knocker);
    if (door.inside.delete(knocker)) admit(door);
    if (door.inside.size + door.waiting.size === 0) this.#doors.delete(authority);
  }
}

function admit(door: Door): void {
  for (const knocker of door.waiting) {
    if (door.inside.size >= knockersMax) return;
    door.waiting.delete(knocker);
    door.inside.add(knocker);
    knocker.admitted();
  }
}
