/** `npm run api`: writes the API reports from the built declarations. */
import { checkApiReport, listApiEntries } from './report.js';

for (const entry of listApiEntries()) {
  const problems = checkApiReport(entry, true);
  console.log([`test/api/${entry.report}`, ...problems].join('\n  '));
  if (problems.length > 0) process.exitCode = 1;
}
