/** The rules of the style that a program can check, over every file of the project. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';

import { globSourcePaths, repositoryRoot } from './source-paths.js';
import { banRules } from './tidy/ban-rules.js';
import { pathRules } from './tidy/path-rules.js';
import { reasonRules } from './tidy/reason-rules.js';
import { parseSourceFile } from './tidy/rule.js';
import { sizeRules } from './tidy/size-rules.js';

const paths = globSourcePaths();
const files = paths
  .filter((file) => file.endsWith('.ts'))
  .map((file) => parseSourceFile(file, readFileSync(path.join(repositoryRoot, file), 'utf8')));

test('there are files to judge', () => {
  assert.ok(files.length > 10);
});

for (const rule of pathRules) {
  test(rule.name, () => {
    assert.deepEqual(
      paths.flatMap((file) => rule.check(file)),
      [],
    );
  });
  test(`${rule.name}: refuses every bad sample and accepts every good one`, () => {
    for (const sample of rule.bad) assert.notDeepEqual(rule.check(sample), [], sample);
    for (const sample of rule.good) assert.deepEqual(rule.check(sample), [], sample);
  });
}

for (const rule of [...sizeRules, ...banRules, ...reasonRules]) {
  test(rule.name, () => {
    assert.deepEqual(
      files.flatMap((file) => rule.check(file)),
      [],
    );
  });
  test(`${rule.name}: refuses every bad sample and accepts every good one`, () => {
    const check = (sample: { path: string; text: string }): string[] =>
      rule.check(parseSourceFile(sample.path, sample.text));
    for (const sample of rule.bad) assert.notDeepEqual(check(sample), [], sample.text);
    for (const sample of rule.good) assert.deepEqual(check(sample), [], sample.text);
  });
}
