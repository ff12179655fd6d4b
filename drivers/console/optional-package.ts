/** Packages that may be installed or not, loaded on first need. */
import { createRequire } from 'node:module';

/** What `take` takes of them, or why they are not to be had. */
export function findPackage<Taken extends object>(
  name: string,
  take: (load: (name: string) => unknown) => Taken,
): Taken | string {
  try {
    return take(createRequire(import.meta.url));
  } catch (error) {
    const reason = error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error);
    return `${name} is not installed or does not load: ${reason}`;
  }
}
