/**
 * SharedFlush: one `fdatasync` for everybody who asks while another is under way.
 *
 * A call joins the flush that has not begun yet, so it covers all that was complete before it.
 * After a flush has failed the kernel may have dropped what it could not write and would call the
 * next one a success; so from then on every flush fails as that one did.
 */
export class SharedFlush {
  readonly #flush: () => Promise<void>;
  #running: Promise<void> | undefined = undefined;
  #next: Promise<void> | undefined = undefined;
  #failed: Promise<void> | undefined = undefined;

  constructor(flush: () => Promise<void>) {
    this.#flush = flush;
  }

  get isRunning(): boolean {
    return this.#running !== undefined;
  }

  run(): Promise<void> {
    if (this.#next !== undefined) return this.#next;
    if (this.#running === undefined) return this.#begin();
    const begin = (): Promise<void> => this.#begin();
    this.#next = this.#running.then(begin, begin);
    return this.#next;
  }

  #begin(): Promise<void> {
    this.#next = undefined;
    if (this.#failed !== undefined) return this.#failed;
    const flush = this.#flush();
    const running = flush.finally(() => {
      this.#running = undefined;
    });
    running.catch(() => {
      this.#failed = running;
    });
    this.#running = running;
    return running;
  }
}
