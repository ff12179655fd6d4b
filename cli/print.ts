/** What a command answers, and what it complains about. */

/** One line, or several in one text, on standard output. */
export function print(text: string): void {
  process.stdout.write(`${text}\n`);
}

/** One line on standard error, which tells whose it is. */
export function complain(text: string): void {
  process.stderr.write(`idc: ${text}\n`);
}
