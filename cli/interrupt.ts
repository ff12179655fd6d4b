/** SIGINT and SIGTERM end a command in good order; a second one at once. */

/** Answers a signal that fires at the first of them. `stop` forgets about it. */
export function onInterrupt(): { readonly signal: AbortSignal; stop(): void } {
  const controller = new AbortController();
  const names = ['SIGINT', 'SIGTERM'] as const;
  const interrupt = (): void => {
    controller.abort();
    // From here on they do what they always do.
    stop();
  };
  const stop = (): void => {
    for (const name of names) process.off(name, interrupt);
  };
  for (const name of names) process.on(name, interrupt);
  return { signal: controller.signal, stop };
}

/** Resolves once `signal` has fired, at once if it has already. */
export function whenAborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const settle = (): void => {
      resolve();
    };
    if (signal.aborted) settle();
    else signal.addEventListener('abort', settle, { once: true });
  });
}
