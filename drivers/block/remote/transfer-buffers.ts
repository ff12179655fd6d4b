/**
 * TransferBuffers: the memory through which a back end moves the bytes of one front end. There are
 * few, so that a front end whose operations stand still takes neither the memory nor the transfers
 * of the others; who finds none waits, in order.
 */
export class TransferBuffers {
  readonly #byteLength: number;
  readonly #free: Uint8Array[] = [];
  readonly #waiting: ((buffer: Uint8Array) => void)[] = [];
  #leftCount: number;

  /** At most `count` buffers of `byteLength`; each is made when it is first needed. */
  constructor(count: number, byteLength: number) {
    this.#leftCount = count;
    this.#byteLength = byteLength;
  }

  take(): Promise<Uint8Array> {
    const buffer = this.takeNow();
    if (buffer !== undefined) return Promise.resolve(buffer);
    return new Promise((resolve) => {
      this.#waiting.push(resolve);
    });
  }

  /** Undefined if there is none. */
  // HOT:
  takeNow(): Uint8Array | undefined {
    const free = this.#free.pop();
    if (free !== undefined || this.#leftCount === 0) return free;
    this.#leftCount -= 1;
    return new Uint8Array(this.#byteLength);
  }

  /** Nobody uses `buffer` any more. */
  // HOT:
  give(buffer: Uint8Array): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#free.push(buffer);
    else next(buffer);
  }
}
