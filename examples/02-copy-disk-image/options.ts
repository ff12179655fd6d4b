/** The command line. */
import { parseArgs } from 'node:util';
import { Failure } from './failure.js';

export interface Options {
  readonly imagePath: string;
  /** Folder that the copy stays in; otherwise it is removed. */
  readonly keepFolder: string | undefined;
  /** Compares the digests of the image and of each copy. */
  readonly wantsDigest: boolean;
  readonly wantsHelp: boolean;
}

export const help = `Usage: npm start [-- [--keep DIR] [--no-digest] [IMAGE]]

Serves the file IMAGE as a disk, reads the disk whole through IDC, writes a copy and compares
digests. Does so once for each way to reach the disk: within one thread over memory, between two
threads over the ring, and between two processes over the ring and over TCP. The process that
serves is killed in the middle of a copy, too, over either.

  IMAGE        the file; default: the Node executable
  --keep DIR   leave the copy in DIR; otherwise it goes to a new temporary folder, and is removed
  --no-digest  compare no digests, which take longer than the copies
  --help       this text`;

export function parseOptions(words: readonly string[]): Options {
  const { values, positionals } = parse(words);
  const [imagePath = process.execPath, ...surplus] = positionals;
  if (surplus.length > 0) throw new Failure(`one IMAGE only, not ${surplus.join(' ')} too`, 2);
  return {
    imagePath,
    keepFolder: values.keep,
    wantsDigest: !values['no-digest'],
    wantsHelp: values.help,
  };
}

function parse(words: readonly string[]): {
  values: { keep?: string; 'no-digest': boolean; help: boolean };
  positionals: string[];
} {
  try {
    return parseArgs({
      args: [...words],
      allowPositionals: true,
      options: {
        keep: { type: 'string' },
        'no-digest': { type: 'boolean', default: false },
        help: { type: 'boolean', short: 'h', default: false },
      },
    });
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    const [firstSentence = ''] = error.message.split('. ');
    throw new Failure(`${firstSentence}; --help tells what there is`, 2);
  }
}
