/**
 * Runs one built test file in a process of its own and gathers what node:test tells about it.
 *
 * Each file has a stream of its own, because a test's `file` is where `test()` was called, and the
 * tests of a compliance suite are called far from the file that runs them.
 */
import { run, type EventData } from 'node:test';
import path from 'node:path';
import { inspect } from 'node:util';

import { repositoryRoot } from '../source-paths.js';
import { noCounts, type TestCounts, type TestFailure, type TestFileResult } from './test-result.js';

/** A watchdog, not a limit: a file that takes so long hangs. */
const watchdogMs = 300_000;

export async function runTestFile(file: string): Promise<TestFileResult> {
  const built = path.join(repositoryRoot, 'dist', file.replace(/[.]ts$/, '.js'));
  const startMs = performance.now();
  const names: string[] = [];
  const totals = new Map<string, number>();
  const failures: TestFailure[] = [];
  const diagnostics: string[] = [];
  const seen = { noTests: false, stdout: '', stderr: '' };

  const stream = run({ files: [built], concurrency: 1, timeout: watchdogMs });
  stream.on('test:start', (event) => {
    names.length = event.nesting;
    names[event.nesting] = event.name;
  });
  stream.on('test:pass', (event) => {
    // node:test reports the file itself as one passed test when nothing in it called `test`.
    if (event.name === built) seen.noTests = true;
  });
  stream.on('test:fail', (event) => {
    if (isCause(event)) failures.push(describeFailure(event, names, built));
  });
  stream.on('test:diagnostic', (event) => {
    const total = /^([a-z]+) (\d+)$/.exec(event.message);
    if (event.file === undefined && total !== null) totals.set(total[1] ?? '', Number(total[2]));
    else if (!event.message.startsWith('duration_ms ')) diagnostics.push(event.message);
  });
  stream.on('test:stdout', (event) => (seen.stdout += event.message));
  stream.on('test:stderr', (event) => (seen.stderr += event.message));
  for await (const _ of stream);

  if (seen.noTests) failures.push({ name: file, detail: 'The file has no tests.' });
  return {
    file,
    counts: seen.noTests ? { ...noCounts, tests: 1, fail: 1 } : countsFrom(totals),
    durationMs: performance.now() - startMs,
    failures,
    diagnostics,
    stdout: seen.stdout,
    stderr: seen.stderr,
  };
}

/** A suite that failed because a test in it failed says nothing new. */
function isCause(event: EventData.TestFail): boolean {
  const error: object = event.details.error;
  return !('failureType' in error && error.failureType === 'subtestsFailed');
}

function describeFailure(
  event: EventData.TestFail,
  names: readonly string[],
  built: string,
): TestFailure {
  const name = event.name === built ? 'the file itself' : names.join(' > ');
  const error: Error = event.details.error;
  return { name, detail: withoutInnerFrames(inspect(error.cause ?? error)) };
}

/** The frames of node:test itself are the same below every failure. */
function withoutInnerFrames(stack: string): string {
  return stack.replace(/\n +at [^\n]*node:(?:internal|async_hooks)[^\n{]*/g, '');
}

function countsFrom(totals: ReadonlyMap<string, number>): TestCounts {
  return {
    tests: totals.get('tests') ?? 0,
    suites: totals.get('suites') ?? 0,
    pass: totals.get('pass') ?? 0,
    fail: totals.get('fail') ?? 0,
    cancelled: totals.get('cancelled') ?? 0,
    skipped: totals.get('skipped') ?? 0,
    todo: totals.get('todo') ?? 0,
  };
}
