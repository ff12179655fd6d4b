/** StreamExchange: where streams meet by name; a real medium has a kernel or a broker for it. */
import { duplexPair, type Duplex } from 'node:stream';

export class StreamExchange {
  readonly #listeners = new Map<string, (stream: Duplex) => void>();
  readonly #streams = new Set<Duplex>();

  /** False if the name is taken. */
  listen(name: string, arrive: (stream: Duplex) => void): boolean {
    if (this.#listeners.has(name)) return false;
    this.#listeners.set(name, arrive);
    return true;
  }

  unlisten(name: string): void {
    this.#listeners.delete(name);
  }

  /** One side of a new stream; destroyed if nobody listens. With one side goes the other. */
  dial(name: string): Duplex {
    const [near, far] = duplexPair({ objectMode: true });
    this.#tie(near, far);
    this.#tie(far, near);
    const arrive = this.#listeners.get(name);
    if (arrive === undefined) near.destroy();
    else arrive(far);
    return near;
  }

  sever(): void {
    for (const stream of this.#streams) stream.destroy();
  }

  #tie(side: Duplex, other: Duplex): void {
    this.#streams.add(side);
    side.once('close', () => {
      this.#streams.delete(side);
      other.destroy();
    });
  }
}
