/** What ends the command without anybody having made a mistake in it. */
import type { IdcError } from 'idc';

/** Exit codes that mean something; 1 is an error of the system or the network. */
export const ExitCode = {
  Failed: 1,
  /** The command line makes no sense; `commander` uses 1 for what it finds itself. */
  Usage: 2,
  /** Nobody answered, or not all the time. */
  Unreachable: 3,
} as const;
export type ExitCode = (typeof ExitCode)[keyof typeof ExitCode];

/** The message is the one line that the user reads: what is wrong, and what to do. */
export class Failure extends Error {
  readonly exitCode: ExitCode;

  constructor(message: string, exitCode: ExitCode = ExitCode.Failed) {
    super(message);
    this.name = 'Failure';
    this.exitCode = exitCode;
  }
}

/** What the library says, or the code if it says no more. */
export function reasonOf({ reason, code }: IdcError): string {
  return reason === '' ? code : reason;
}
