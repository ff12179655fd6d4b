/** Looking at promises without waiting for them. */

/** Which of `promises` have settled, and how, once all that is due has run. */
export async function outcomesOf(promises: readonly Promise<void>[]): Promise<string[]> {
  const outcomes = promises.map(() => 'waits');
  promises.forEach((promise, index) => {
    promise.then(
      () => (outcomes[index] = 'resolved'),
      (error: unknown) => (outcomes[index] = String(error)),
    );
  });
  for (let turn = 0; turn < 4; turn++) await Promise.resolve();
  return outcomes;
}
