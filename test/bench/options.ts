/** The command line of `npm run bench`. */
import { parseArgs } from 'node:util';

import { reasonOf } from './narrow.js';

export interface Options {
  /** Where the rows go, beside the table. */
  readonly json: string | undefined;
  /** Which cases, by name. */
  readonly only: RegExp;
  readonly runs: number;
  /** Names the cases instead of running them. */
  readonly list: boolean;
}

/** What the user got wrong, in one line. */
export class UsageError extends Error {}

export function parseOptions(words: readonly string[]): Options {
  const { json, only, runs, list } = parseWords(words);
  return { json, only: parsePattern(only), runs: parseRuns(runs), list };
}

function parseWords(words: readonly string[]): {
  json: string | undefined;
  only: string;
  runs: string;
  list: boolean;
} {
  try {
    const { values } = parseArgs({
      args: [...words],
      options: {
        json: { type: 'string' },
        only: { type: 'string', default: '' },
        runs: { type: 'string', default: '5' },
        list: { type: 'boolean', default: false },
      },
    });
    return { json: values.json, only: values.only, runs: values.runs, list: values.list };
  } catch (error) {
    throw new UsageError(reasonOf(error));
  }
}

function parsePattern(text: string): RegExp {
  try {
    return new RegExp(text);
  } catch (error) {
    throw new UsageError(`--only: ${reasonOf(error)}`);
  }
}

function parseRuns(text: string): number {
  const runs = Number(text);
  if (!Number.isInteger(runs) || runs < 1 || runs > 1000) {
    throw new UsageError(`--runs takes a whole number from 1 to 1000, not '${text}'`);
  }
  return runs;
}
