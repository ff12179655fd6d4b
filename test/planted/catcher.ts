/**
 * What can catch a fault, and how it is written:
 *
 *   test/unit/core-frame             every test file whose path begins so
 *   test/compliance/tcp > L8         of those files only the tests whose names match `L8`
 *   simulation 20                    the simulation with the seeds from 1 to 20
 *
 * A catcher becomes one job for each file: the words behind `node`.
 */
import { globSourcePaths } from '../source-paths.js';

export interface Job {
  /** As it is printed. */
  readonly title: string;
  /** The built program, from the root of the tree. */
  readonly program: string;
  readonly nodeOptions: readonly string[];
  readonly words: readonly string[];
}

const nets = ['test/unit', 'test/property', 'test/compliance', 'test/simulation', 'test/hostile'];

/** The runner's flags, and a report that says early which test failed. */
const testOptions = ['--expose-gc', '--enable-source-maps', '--test-reporter=tap'];

/** Every file with tests. */
export function testFiles(): string[] {
  return globSourcePaths().filter((file) => file.endsWith('.test.ts'));
}

/** Throws if the catcher names nothing. */
export function jobsOf(catcher: string, files: readonly string[]): Job[] {
  const seeds = /^simulation (\d+)$/.exec(catcher)?.[1];
  if (seeds !== undefined) {
    const program = 'dist/test/simulation/main.js';
    return [{ title: catcher, program, nodeOptions: [], words: ['--seed', '1', '--seeds', seeds] }];
  }
  const [prefix = '', pattern] = catcher.split(' > ');
  const chosen = files.filter((file) => file.startsWith(prefix));
  if (chosen.length === 0) throw new Error(`no test file begins with ${prefix}`);
  const narrowed = pattern === undefined ? [] : [`--test-name-pattern=${pattern}`];
  return chosen.map((file) => ({
    title: pattern === undefined ? file : `${file} > ${pattern}`,
    program: `dist/${file.replace(/[.]ts$/, '.js')}`,
    nodeOptions: [...testOptions, ...narrowed],
    words: [],
  }));
}

/** Every general net, for a fault that its own catchers missed. */
export function widerJobs(files: readonly string[]): Job[] {
  return nets.flatMap((prefix) => jobsOf(prefix, files));
}
