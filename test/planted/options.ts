/** The words behind `npm run planted --`: what they may be, and what they mean. */
import { parseArgs } from 'node:util';

export interface PlantedOptions {
  /** Beginnings of names; every fault if there are none. */
  readonly only: readonly string[];
  /** One catcher, instead of the faults' own. */
  readonly by: string | undefined;
  readonly lists: boolean;
}

export const usage = `usage: npm run planted -- [options]

Plants known faults one by one into a copy of the built project; some test has to catch each.

  --only PREFIX    only faults whose names begin so; may be given several times
  --by CATCHER     what would this one catch? Fails for nothing. A CATCHER is one of
                     test/unit/core-frame           every test file whose path begins so
                     test/compliance/tcp > L8       of those the tests whose names match
                     simulation 20                  the simulation with seeds 1 to 20
  --list           print the faults, what each breaks and where
  --help           print this`;

/** What nobody can make sense of; the message says why. */
export class OptionError extends Error {}

/** Throws `OptionError`. Undefined: help. */
export function parseOptions(words: readonly string[]): PlantedOptions | undefined {
  const { only = [], by, list = false, help = false } = readWords(words);
  return help ? undefined : { only, by, lists: list };
}

function readWords(words: readonly string[]): {
  readonly only?: string[];
  readonly by?: string;
  readonly list?: boolean;
  readonly help?: boolean;
} {
  try {
    return parseArgs({
      args: [...words],
      options: {
        only: { type: 'string', multiple: true },
        by: { type: 'string' },
        list: { type: 'boolean' },
        help: { type: 'boolean' },
      },
    }).values;
  } catch (error) {
    throw new OptionError(error instanceof Error ? error.message : String(error));
  }
}
