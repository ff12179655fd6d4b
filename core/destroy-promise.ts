/**
 * DestroyPromise: a promise that notices when somebody starts to wait for it, so that a disconnect
 * handler that awaits the destruction that waits for it is told instead of hanging.
 */
export class DestroyPromise extends Promise<undefined> {
  #onThen: (() => void) | undefined = undefined;

  static override get [Symbol.species](): PromiseConstructor {
    return Promise;
  }

  /** `onThen` runs at each `then`, which `await` calls as well. */
  static make(executor: (resolve: () => void) => void, onThen: () => void): DestroyPromise {
    const promise = new DestroyPromise((resolve) => {
      executor(() => {
        resolve(undefined);
      });
    });
    promise.#onThen = onThen;
    return promise;
  }

  /** The same for who waits in somebody else's name, and is not to be noticed. */
  quietly(): Promise<undefined> {
    return super.then();
  }

  override then<A = void, B = never>(
    fulfilled?: ((value: undefined) => A | PromiseLike<A>) | null,
    rejected?: ((reason: unknown) => B | PromiseLike<B>) | null,
  ): Promise<A | B> {
    this.#onThen?.();
    return super.then(fulfilled, rejected);
  }
}
