/**
 * What the two ends of a console say to each other. Everything that is shown goes one way, as
 * events in one order; `attach` asks for it and says what the front end has seen already.
 */
import { defineProtocol, type Protocol } from 'idc/drivers/kit';

/** Most bytes of one `input`, `screen` or `output`. */
export const chunkBytesMax = 8_192;
/** Most columns and rows of a screen; a model of it takes up to 16 bytes for each cell. */
const columnsMax = 1_000;
const rowsMax = 500;
/** A session is known by random bytes, as hexadecimal digits. */
export const sessionDigits = 16;

const definition = {
  name: 'console',
  version: 1,
  note: 'A command that runs behind the back end, for one writer and any number of viewers.',
  errors: {
    /** Another front end is the writer. */
    HELD: 1,
    /** It does not write: it did not ask to, or somebody took over. */
    READ_ONLY: 2,
    /** The command has ended. */
    ENDED: 3,
    /** A size beyond the largest, or none at all. */
    BAD_SIZE: 4,
    /** The command has not read what was typed before. */
    BUSY: 5,
  },
  transactions: {
    attach: {
      parameters: {
        mode: { choice: ['view', 'write'] },
        columns: 'uint16',
        rows: 'uint16',
        takeOver: 'boolean',
        session: { text: 16, note: 'The session that was seen last; empty: none.' },
        position: { is: 'uint53', note: 'Bytes of its output that were seen.' },
      },
      note: 'Asks for `began` and what follows it; HELD if there is a writer already.',
    },
    input: { parameters: { bytes: { bytes: 8_192 } }, note: 'Keys, in order.' },
    endInput: { note: 'There will be no more keys, for this session is not a terminal.' },
    resize: { parameters: { columns: 'uint16', rows: 'uint16' } },
    signal: { parameters: { name: { choice: ['HUP', 'INT', 'QUIT', 'TERM', 'KILL'] } } },
  },
  messages: {
    began: {
      to: 'front',
      fields: {
        session: { text: 16 },
        position: { is: 'uint53', note: 'Where the output that follows goes on.' },
        screenBytes: { is: 'uint32', note: 'So many bytes of `screen` come first.' },
        continues: { is: 'boolean', note: 'True: right after what the front end had seen.' },
        hasTerminal: 'boolean',
        mode: { choice: ['view', 'write'] },
        columns: 'uint16',
        rows: 'uint16',
      },
    },
    screen: { to: 'front', fields: { bytes: { bytes: 8_192 } } },
    output: { to: 'front', fields: { bytes: { bytes: 8_192 } } },
    resized: { to: 'front', fields: { columns: 'uint16', rows: 'uint16' } },
    takenOver: { to: 'front', note: 'Somebody else writes now.' },
    exited: {
      to: 'front',
      fields: {
        code: { is: 'uint8', note: 'As a shell tells it: 128 and the signal if one ended it.' },
        signal: { is: 'uint8', note: '0: none.' },
      },
      note: 'The command has ended, and all of its output was sent.',
    },
  },
} as const;

/** The schema of the protocol, for its types. */
export type ConsoleSchema = typeof definition;
/** The protocol of a console, as the kit documents and fuzzes it. */
export const consoleProtocol: Protocol<ConsoleSchema> = defineProtocol(definition);

/** Who only views, and who writes as well. */
export type ConsoleMode = 'view' | 'write';
/** What may be sent to a command, by its name without SIG. */
export type ConsoleSignal = 'HUP' | 'INT' | 'QUIT' | 'TERM' | 'KILL';

/** Of a screen, in characters. */
export interface ConsoleSize {
  readonly columns: number;
  readonly rows: number;
}

/** How a command ended: as a shell tells it, 128 and the signal's number if one ended it. */
export interface ConsoleExit {
  readonly code: number;
  /** 0 if none. */
  readonly signal: number;
}

/** Of a screen that nobody gave another. */
export const sizeDefault: ConsoleSize = { columns: 80, rows: 24 };

export function isSize({ columns, rows }: ConsoleSize): boolean {
  return isCount(columns, columnsMax) && isCount(rows, rowsMax);
}

function isCount(value: number, most: number): boolean {
  return Number.isInteger(value) && value >= 1 && value <= most;
}
