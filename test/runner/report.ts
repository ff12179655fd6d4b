/** How a run reads on the terminal: one line per file, failures whole, then the closing lines. */
import type { TestCounts, TestFileResult } from './test-result.js';

const indent = '    ';

export function fileLines(result: TestFileResult): string[] {
  const { counts, failures } = result;
  const failed = failures.length > 0 || counts.fail + counts.cancelled > 0;
  const mark = failed ? 'FAIL' : 'ok  ';
  const skipped = counts.skipped + counts.todo;
  const numbers = [
    `${counts.tests} tests`,
    ...(counts.fail > 0 ? [`${counts.fail} failed`] : []),
    ...(counts.cancelled > 0 ? [`${counts.cancelled} cancelled`] : []),
    ...(skipped > 0 ? [`${skipped} skipped`] : []),
    `${(result.durationMs / 1000).toFixed(1)} s`,
  ];
  return [
    `${mark} ${result.file} (${numbers.join(', ')})`,
    ...result.diagnostics.map((line) => `${indent}# ${line}`),
    ...failures.flatMap((failure) => [`  x ${failure.name}`, ...indented(failure.detail)]),
    ...(failed ? titled('standard output', result.stdout) : []),
    // What a passing test writes to standard error is a warning that somebody should see.
    ...titled('standard error', result.stderr),
  ];
}

export function closingLines(counts: TestCounts, durationMs: number): string[] {
  const names = ['tests', 'suites', 'pass', 'fail', 'cancelled', 'skipped', 'todo'] as const;
  return [
    ...names.map((name) => `# ${name} ${counts[name]}`),
    `# duration_ms ${Math.round(durationMs)}`,
  ];
}

function titled(title: string, text: string): string[] {
  return text === '' ? [] : [`  ${title}:`, ...indented(text)];
}

function indented(text: string): string[] {
  return text
    .trimEnd()
    .split('\n')
    .map((line) => `${indent}${line}`);
}
