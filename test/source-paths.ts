/**
 * Which files are the project's own: everything below the root but what was installed or built.
 * The test runner and the tidy test both start from this list.
 */
import { readdirSync } from 'node:fs';
import path from 'node:path';

/** The repository, seen from built code: `dist/test/source-paths.js` is two folders below it. */
export const repositoryRoot: string = path.resolve(import.meta.dirname, '..', '..');

const notOurs = new Set(['.git', 'node_modules', 'dist', 'coverage', 'temp']);

/** Paths from the root with `/` between names, in alphabetical order. */
export function globSourcePaths(): string[] {
  return listFolder('').sort();
}

function listFolder(folder: string): string[] {
  const entries = readdirSync(path.join(repositoryRoot, folder), { withFileTypes: true });
  return entries
    .filter((entry) => !notOurs.has(entry.name))
    .flatMap((entry) => {
      const entryPath = path.posix.join(folder, entry.name);
      return entry.isDirectory() ? listFolder(entryPath) : [entryPath];
    });
}
