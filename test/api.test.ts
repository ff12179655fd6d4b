/** The checked-in API reports are those of the built package. */
import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';

import { checkApiReport, listApiEntries } from './api/report.js';
import { repositoryRoot } from './source-paths.js';

const entries = listApiEntries();

for (const entry of entries) {
  test(`${entry.name}: the declarations are those of test/api/${entry.report}`, () => {
    assert.deepEqual(checkApiReport(entry, false), []);
  });
}

test('every report belongs to a public name, and every public name has one', () => {
  const reports = readdirSync(path.join(repositoryRoot, 'test', 'api'));
  assert.deepEqual(
    reports.filter((file) => file.endsWith('.api.md')).sort(),
    entries.map((entry) => entry.report).sort(),
  );
});
