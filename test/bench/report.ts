/** Where the bench's words go: figures to the output, what went wrong to the error output. */
export function print(lines: readonly string[]): void {
  for (const line of lines) process.stdout.write(`${line}\n`);
}

/** The process ends with `exitCode`, unless an earlier complaint has set it. */
export function complain(reason: string, exitCode = 1): void {
  process.stderr.write(`bench: ${reason}\n`);
  process.exitCode ??= exitCode;
}
