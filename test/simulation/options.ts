/** Options of `npm run simulate`: what may be given, and what is wrong with what was given. */
import { parseArgs } from 'node:util';
import { faultKinds, type FaultKind, type Variant } from './plan.js';

export interface SimulateOptions {
  readonly firstSeed: number;
  /** Seeds to run; `Infinity` with `--minutes` alone. */
  readonly seedCount: number;
  readonly minutesMax: number;
  /** One given seed: its trace's digest is printed. */
  readonly isReplay: boolean;
  readonly variant: Variant;
  readonly printsTrace: boolean;
}

/** What is wrong with the words, in one line. */
export class OptionError extends Error {}

const seedMax = 2 ** 32 - 1;
const seedCountDefault = 100;

export const usage: string = `npm run simulate -- [OPTION...]
  --seeds N        run N seeds, one after another; 100 unless said otherwise
  --seed S         start at seed S; alone it replays this one. Otherwise at a random one
  --minutes M      stop after M minutes
  --without K,...  leave kinds of faults out:${wrap(faultKinds)}
  --domains N      no more than N domains
  --chaos-ms N     the faults stop after N ms of virtual time
  --trace          print every line of the trace
  --help           print this
Everything is clean: exit code 0. A seed fails: 1, and printed are the command that replays it, a
smaller variant that fails too, and the end of its trace. Options that make no sense: 2.`;

/** Throws `OptionError`. `drawSeed` makes the first seed if none is given. Undefined: help. */
export function parseOptions(
  words: readonly string[],
  drawSeed: () => number,
): SimulateOptions | undefined {
  const values = parseWords(words);
  if (values.help) return undefined;
  const seed = readNumber('seed', values.seed, 0, seedMax);
  const seeds = readNumber('seeds', values.seeds, 1, Number.MAX_SAFE_INTEGER);
  const minutes = readMinutes(values.minutes);
  const isReplay = seed !== undefined && seeds === undefined && minutes === undefined;
  const countDefault = minutes === undefined ? seedCountDefault : Infinity;
  const domains = readNumber('domains', values.domains, 2, 100);
  const chaosMs = readNumber('chaos-ms', values['chaos-ms'], 0, Number.MAX_SAFE_INTEGER);
  const without = readKinds(values.without);
  return {
    firstSeed: seed ?? drawSeed(),
    seedCount: seeds ?? (isReplay ? 1 : countDefault),
    minutesMax: minutes ?? Infinity,
    isReplay,
    variant: {
      ...(without.length > 0 && { without }),
      ...(domains !== undefined && { domains }),
      ...(chaosMs !== undefined && { chaosMs }),
    },
    printsTrace: values.trace,
  };
}

interface Values {
  readonly seeds?: string;
  readonly seed?: string;
  readonly minutes?: string;
  readonly without: string;
  readonly domains?: string;
  readonly 'chaos-ms'?: string;
  readonly trace: boolean;
  readonly help: boolean;
}

function parseWords(words: readonly string[]): Values {
  try {
    return parseArgs({
      args: [...words],
      options: {
        seeds: { type: 'string' },
        seed: { type: 'string' },
        minutes: { type: 'string' },
        without: { type: 'string', default: '' },
        domains: { type: 'string' },
        'chaos-ms': { type: 'string' },
        trace: { type: 'boolean', default: false },
        help: { type: 'boolean', default: false },
      },
    }).values;
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    throw new OptionError(message.split(/[.\n]/u)[0] ?? message, { cause: error });
  }
}

function readNumber(
  name: string,
  word: string | undefined,
  least: number,
  most: number,
): number | undefined {
  if (word === undefined) return undefined;
  const value = /^\d+$/u.test(word) ? Number(word) : NaN;
  if (value >= least && value <= most) return value;
  throw new OptionError(`--${name} is a whole number from ${least} to ${most}, not '${word}'`);
}

function readMinutes(word: string | undefined): number | undefined {
  if (word === undefined) return undefined;
  const value = word === '' ? NaN : Number(word);
  if (value > 0 && value < Infinity) return value;
  throw new OptionError(`--minutes is a number above 0, not '${word}'`);
}

function readKinds(list: string): FaultKind[] {
  if (list === '') return [];
  return list.split(',').map((word) => {
    const kind = faultKinds.find((known) => known === word);
    if (kind === undefined) throw new OptionError(`'${word}' is no kind of fault; see --help`);
    return kind;
  });
}

function wrap(words: readonly string[]): string {
  const indent = `\n${' '.repeat(19)}`;
  const lines: string[] = [''];
  for (const word of words) {
    const last = lines.at(-1) ?? '';
    if (last.length + word.length > 76) lines.push(word);
    else lines[lines.length - 1] = `${last} ${word}`.trim();
  }
  return lines.map((line) => indent + line).join('');
}
