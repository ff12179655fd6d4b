/** The version of the package that this command came with. */
import { readFileSync } from 'node:fs';

export function version(): string {
  const place = import.meta.resolve('idc/package.json');
  const text = readFileSync(new URL(place), 'utf8');
  const description: unknown = JSON.parse(text);
  const isDescription = typeof description === 'object' && description !== null;
  return isDescription && 'version' in description ? String(description.version) : 'unknown';
}
