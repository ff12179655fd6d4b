/**
 * Trace: what happened in a run, a line per event. Two runs of one seed give the same lines; the
 * digest says so without keeping them.
 */
export class Trace {
  readonly #keepMax: number;
  #lines: string[] = [];
  #lineCount = 0;
  #hash = 0x811c_9dc5;

  /** Keeps the last `keepMax` lines at least. */
  constructor(keepMax: number) {
    this.#keepMax = keepMax;
  }

  get lineCount(): number {
    return this.#lineCount;
  }

  /** The lines that were kept. */
  get lines(): readonly string[] {
    return this.#lines.slice(-this.#keepMax);
  }

  /** Equal for equal traces: the number of lines, and FNV-1a over all of them. */
  get digest(): string {
    return `${this.#lineCount}:${(this.#hash >>> 0).toString(16).padStart(8, '0')}`;
  }

  add(line: string): void {
    this.#lineCount += 1;
    let hash = this.#hash;
    for (let index = 0; index < line.length; index++) {
      hash = Math.imul(hash ^ line.charCodeAt(index), 0x0100_0193);
    }
    this.#hash = Math.imul(hash ^ 10, 0x0100_0193);
    this.#lines.push(line);
    if (this.#lines.length > 2 * this.#keepMax) this.#lines = this.#lines.slice(-this.#keepMax);
  }
}
