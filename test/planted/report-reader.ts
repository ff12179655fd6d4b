/**
 * Reads what a job prints, line by line: the test anything protocol of node:test, or the lines of
 * the simulation. It knows the first failure as soon as it is said.
 */
const indentOfLevel = 4;

export class ReportReader {
  #rest = '';
  readonly #names: string[] = [];
  #failure: string | undefined = undefined;
  #passCount = 0;

  /** The names of the first test that failed, or what the simulation found. */
  get failure(): string | undefined {
    return this.#failure;
  }

  /** Tests that ran and passed, or simulations that ended clean. */
  get passCount(): number {
    return this.#passCount;
  }

  take(text: string): void {
    const lines = (this.#rest + text).split('\n');
    this.#rest = lines.pop() ?? '';
    for (const line of lines) this.#takeLine(line);
  }

  #takeLine(line: string): void {
    const found = /^(seed \d+) FAILED: (.*)$/.exec(line);
    if (found !== null) this.#failure ??= `${found[1] ?? ''}: ${found[2] ?? ''}`;
    if (line.startsWith('all clean: ')) this.#passCount++;
    const title = /^( *)# Subtest: (.*)$/.exec(line);
    if (title !== null) this.#enter(title[1] ?? '', title[2] ?? '');
    const result = /^( *)(ok|not ok) \d+ - (.*)$/.exec(line);
    if (result === null) return;
    const [, indent = '', verdict, name = ''] = result;
    this.#enter(indent, name.replace(/ # .*$/, ''));
    if (verdict === 'not ok') this.#failure ??= this.#names.join(' > ');
    else if (!name.includes(' # SKIP')) this.#passCount++;
  }

  #enter(indent: string, name: string): void {
    this.#names.length = indent.length / indentOfLevel;
    this.#names.push(name);
  }
}
