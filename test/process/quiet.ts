/** Quiet: waits until a condition holds; whoever changes what it depends on says so. */
export class Quiet {
  readonly #waiting: { holds: () => boolean; resolve: () => void }[] = [];

  changed(): void {
    for (let index = this.#waiting.length - 1; index >= 0; index--) {
      const waiter = this.#waiting[index];
      if (waiter?.holds() !== true) continue;
      this.#waiting.splice(index, 1);
      waiter.resolve();
    }
  }

  until(holds: () => boolean): Promise<void> {
    if (holds()) return Promise.resolve();
    return new Promise((resolve) => {
      this.#waiting.push({ holds, resolve });
    });
  }
}
