/**
 * Grammar: the monitor of one endpoint's notifications,
 * `( appear ( connect disconnect )* disappear )* destroyed`.
 *
 * There is one for the handlers and one for `lifecycle$`; the two have to agree.
 */
export type Notice = 'appear' | 'connect' | 'disconnect' | 'disappear' | 'destroyed';

type Place = 'absent' | 'appeared' | 'connected' | 'destroyed';

const moves: Readonly<Record<Place, Partial<Record<Notice, Place>>>> = {
  absent: { appear: 'appeared', destroyed: 'destroyed' },
  appeared: { connect: 'connected', disappear: 'absent' },
  connected: { disconnect: 'appeared' },
  destroyed: {},
};

export class Grammar {
  /** Everything told so far, epochs included. */
  readonly told: string[] = [];
  readonly #name: string;
  readonly #violate: (violation: string) => void;
  #place: Place = 'absent';
  #epoch = 0;

  constructor(name: string, violate: (violation: string) => void) {
    this.#name = name;
    this.#violate = violate;
  }

  get isDestroyed(): boolean {
    return this.#place === 'destroyed';
  }

  /** `epoch` goes with connect and disconnect. */
  take(notice: Notice, epoch?: number): void {
    const next = moves[this.#place][notice];
    if (next === undefined) {
      this.#violate(`${this.#name}: ${notice} while ${this.#place} (${this.told.join(', ')})`);
      return;
    }
    if (notice === 'connect' && (epoch ?? 0) <= this.#epoch) {
      this.#violate(`${this.#name}: epoch ${epoch} does not follow ${this.#epoch}`);
    }
    if (notice === 'disconnect' && epoch !== this.#epoch) {
      this.#violate(`${this.#name}: disconnect ${epoch} ends epoch ${this.#epoch}`);
    }
    this.#epoch = epoch ?? this.#epoch;
    this.#place = next;
    this.told.push(epoch === undefined ? notice : `${notice} ${epoch}`);
  }
}
