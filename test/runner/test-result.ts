/** What the runner keeps of one test file. */

/** The closing numbers of node:test, by its own names. */
export interface TestCounts {
  readonly tests: number;
  readonly suites: number;
  readonly pass: number;
  readonly fail: number;
  readonly cancelled: number;
  readonly skipped: number;
  readonly todo: number;
}

export const noCounts: TestCounts = {
  tests: 0,
  suites: 0,
  pass: 0,
  fail: 0,
  cancelled: 0,
  skipped: 0,
  todo: 0,
};

export function addCounts(a: TestCounts, b: TestCounts): TestCounts {
  return {
    tests: a.tests + b.tests,
    suites: a.suites + b.suites,
    pass: a.pass + b.pass,
    fail: a.fail + b.fail,
    cancelled: a.cancelled + b.cancelled,
    skipped: a.skipped + b.skipped,
    todo: a.todo + b.todo,
  };
}

export interface TestFailure {
  /** Names from the outermost suite inward. */
  readonly name: string;
  readonly detail: string;
}

export interface TestFileResult {
  readonly file: string;
  readonly counts: TestCounts;
  readonly durationMs: number;
  readonly failures: readonly TestFailure[];
  /** What tests said through `t.diagnostic`: seeds, sizes, numbers worth a look. */
  readonly diagnostics: readonly string[];
  readonly stdout: string;
  readonly stderr: string;
}
