/** A watchdog: whatever takes too long hangs, and says what it waits for. */
const watchdogMsDefault = 30_000;

/** Fails if `work` does not end; `explain` answers what it was, at that time. */
export async function guard(
  work: Promise<void>,
  explain: () => string,
  watchdogMs: number = watchdogMsDefault,
): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const bark = new Promise<void>((_, reject) => {
    timer = setTimeout(() => {
      reject(new Error(`waits in vain: ${explain()}`));
    }, watchdogMs);
  });
  await Promise.race([work, bark]).finally(() => {
    clearTimeout(timer);
  });
}
