/** The command line of `npm run bench`. */
import { parseArgs } from 'node:util';

import { reasonOf } from './narrow.js';

export interface Options {
  /** Prints how to use it, and nothing else. */
  readonly help: boolean;
  /** Where the rows go, beside the table. */
  readonly json: string | undefined;
  /** Which cases, by name. */
  readonly only: RegExp;
  readonly runs: number;
  /** Names the cases instead of running them. */
  readonly list: boolean;
  /** The folder for charts by the length of messages, instead of the table. */
  readonly charts: string | undefined;
  /** The rows that the charts show, instead of measuring. */
  readonly from: string | undefined;
}

/** What the user got wrong, in one line. */
export class UsageError extends Error {}

/** The exit code of a wrong use; that of what could not be measured is 1. */
export const usageExitCode = 2;

export const helpLines: readonly string[] = [
  'npm run bench -- [options]    IDC through its public API beside its peers',
  '',
  '  --only REGEX   only the cases whose name matches',
  '  --runs N       runs of each, of which the median counts, 1 to 1000 (default 5)',
  '  --list         name the cases and measure nothing',
  '  --json FILE    write the rows of the table to FILE as well',
  '  --charts DIR   instead of the table, measure by length of messages (8 B to 1 MiB)',
  '                 and draw: DIR/*.svg, and the rows in DIR/rows.json',
  '  --from FILE    with --charts: draw the rows of FILE again and measure nothing',
  '  --help         this',
  '',
  'Exit code 0: all measured; 1: something could not be; 2: wrong use.',
];

export function parseOptions(words: readonly string[]): Options {
  const { only, runs, ...rest } = parseWords(words);
  if (rest.from !== undefined && rest.charts === undefined) {
    throw new UsageError('--from is for --charts');
  }
  if (rest.json !== undefined && rest.charts !== undefined) {
    throw new UsageError('--json is for the table; --charts writes its rows to rows.json');
  }
  return { ...rest, only: parsePattern(only), runs: parseRuns(runs) };
}

/** The options as they were written. */
interface Words extends Omit<Options, 'only' | 'runs'> {
  readonly only: string;
  readonly runs: string;
}

function parseWords(words: readonly string[]): Words {
  try {
    const { values } = parseArgs({
      args: [...words],
      options: {
        help: { type: 'boolean', default: false },
        json: { type: 'string' },
        only: { type: 'string', default: '' },
        runs: { type: 'string', default: '5' },
        list: { type: 'boolean', default: false },
        charts: { type: 'string' },
        from: { type: 'string' },
      },
    });
    const { help, json, only, runs, list, charts, from } = values;
    return { help, json, only, runs, list, charts, from };
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
