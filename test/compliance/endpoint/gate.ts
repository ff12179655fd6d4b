/** Gate: a promise that somebody else settles, and that tells whether they did. */
export class Gate<T = void> {
  readonly opened: Promise<T>;
  isOpen = false;
  #resolve: (value: T) => void = () => undefined;

  constructor() {
    this.opened = new Promise((resolve) => {
      this.#resolve = resolve;
    });
  }

  open(value: T): void {
    this.isOpen = true;
    this.#resolve(value);
  }
}
