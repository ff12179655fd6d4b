/**
 * Runs the built tests: `node dist/test/run.js [prefix...] [--without prefix...] [--list]`.
 *
 * A prefix is the beginning of a source path: `test/unit`, `test/unit/frame`. Files are found among
 * the sources, so that a stale file in dist never runs. Printed are one line per file, everything
 * about a failure, and the closing lines of node:test. A run or a file without a single test fails:
 * a suite that silently ran nothing proves nothing.
 */
import { availableParallelism } from 'node:os';
import { globSourcePaths } from './source-paths.js';
import { closingLines, fileLines } from './runner/report.js';
import { runTestFile } from './runner/run-test-file.js';
import { addCounts, noCounts } from './runner/test-result.js';

/** Test files run in processes of their own, this many at a time: many of them mostly wait. */
const processesMax = availableParallelism() + 1;

interface Choice {
  readonly prefixes: readonly string[];
  readonly without: readonly string[];
  readonly list: boolean;
}

function parseChoice(words: readonly string[]): Choice {
  const prefixes: string[] = [];
  const without: string[] = [];
  let list = false;
  let target = prefixes;
  for (const word of words) {
    if (word === '--list') list = true;
    else if (word === '--without') target = without;
    else if (word.startsWith('-')) throw new Error(`unknown option ${word}`);
    else target.push(word);
  }
  return { prefixes, without, list };
}

function chooseTestFiles(choice: Choice): string[] {
  return globSourcePaths()
    .filter((file) => file.startsWith('test/') && file.endsWith('.test.ts'))
    .filter((file) => choice.prefixes.length === 0 || startsWithAny(file, choice.prefixes))
    .filter((file) => !startsWithAny(file, choice.without));
}

function startsWithAny(file: string, prefixes: readonly string[]): boolean {
  return prefixes.some((prefix) => file.startsWith(prefix));
}

async function runAll(files: readonly string[]): Promise<boolean> {
  const startMs = performance.now();
  const waiting = [...files];
  let counts = noCounts;
  const worker = async (): Promise<void> => {
    for (let file = waiting.shift(); file !== undefined; file = waiting.shift()) {
      const result = await runTestFile(file);
      counts = addCounts(counts, result.counts);
      print(fileLines(result));
    }
  };
  await Promise.all(Array.from({ length: processesMax }, worker));
  print(closingLines(counts, performance.now() - startMs));
  return counts.tests > 0 && counts.fail === 0 && counts.cancelled === 0;
}

function print(lines: readonly string[]): void {
  process.stdout.write(`${lines.join('\n')}\n`);
}

const choice = parseChoice(process.argv.slice(2));
const files = chooseTestFiles(choice);
if (choice.list) print(files);
else process.exitCode = (await runAll(files)) ? 0 : 1;
