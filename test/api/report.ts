/**
 * The API report: what each public name of the package declares, as one text file in this folder.
 *
 * A change of the public API is a change of its report, so it is seen in review. `npm run api`
 * writes the reports anew; `api.test.ts` compares them with the built declarations.
 */
import { mkdirSync, readFileSync } from 'node:fs';
import path from 'node:path';

import {
  Extractor,
  ExtractorConfig,
  ExtractorLogLevel,
  type ExtractorMessage,
  type IExtractorMessagesConfig,
} from '@microsoft/api-extractor';

import { repositoryRoot } from '../source-paths.js';

/** One public name of the package, and where its declarations and its report are. */
export interface ApiEntry {
  /** As in `exports`: `.`, `./memory`. */
  readonly name: string;
  /** Path of the built declarations from the root. */
  readonly declarations: string;
  /** File name of the report. */
  readonly report: string;
}

const reportFolder = path.join(repositoryRoot, 'test', 'api');
const manifestPath = path.join(repositoryRoot, 'package.json');

export function listApiEntries(): ApiEntry[] {
  const manifest: unknown = JSON.parse(readFileSync(manifestPath, 'utf8'));
  return membersOf(memberOf(manifest, 'exports')).flatMap(([name, target]) => {
    const declarations = memberOf(target, 'types');
    if (typeof declarations !== 'string') return [];
    const report = `${name.replace('.', 'idc').replaceAll('/', '-')}.api.md`;
    return [{ name, declarations, report }];
  });
}

function membersOf(value: unknown): [string, unknown][] {
  return typeof value === 'object' && value !== null ? Object.entries(value) : [];
}

function memberOf(value: unknown, key: string): unknown {
  return membersOf(value).find(([name]) => name === key)?.[1];
}

/** Reports note what lacks a comment or is used but not exported; neither is an error by itself. */
const messages: IExtractorMessagesConfig = {
  compilerMessageReporting: { default: { logLevel: ExtractorLogLevel.Error } },
  extractorMessageReporting: {
    default: { logLevel: ExtractorLogLevel.Error },
    'ae-undocumented': { logLevel: ExtractorLogLevel.None },
    'ae-missing-release-tag': { logLevel: ExtractorLogLevel.None },
    'ae-unresolved-link': { logLevel: ExtractorLogLevel.None },
    'ae-forgotten-export': { logLevel: ExtractorLogLevel.None, addToApiReportFile: true },
  },
  tsdocMessageReporting: { default: { logLevel: ExtractorLogLevel.None } },
};

/**
 * Compares the report of one entry with the built declarations and answers what is wrong, or
 * nothing. With `write`, a report that differs is replaced.
 */
export function checkApiReport(entry: ApiEntry, write: boolean): string[] {
  const reportTempFolder = path.join(repositoryRoot, 'dist', 'api');
  mkdirSync(reportTempFolder, { recursive: true });
  const config = ExtractorConfig.prepare({
    configObjectFullPath: undefined,
    packageJsonFullPath: manifestPath,
    configObject: {
      projectFolder: repositoryRoot,
      mainEntryPointFilePath: path.join(repositoryRoot, entry.declarations),
      newlineKind: 'lf',
      compiler: { tsconfigFilePath: path.join(repositoryRoot, 'tsconfig.json') },
      apiReport: { enabled: true, reportFolder, reportTempFolder, reportFileName: entry.report },
      docModel: { enabled: false },
      dtsRollup: { enabled: false },
      tsdocMetadata: { enabled: false },
      messages,
    },
  });
  const problems: string[] = [];
  const messageCallback = (message: ExtractorMessage): void => {
    const serious = message.logLevel === ExtractorLogLevel.Error;
    if (serious) problems.push(message.formatMessageWithLocation(repositoryRoot));
    message.handled = true;
  };
  const result = Extractor.invoke(config, { localBuild: write, messageCallback });
  if (result.apiReportChanged && !write) {
    problems.push(`test/api/${entry.report} is not dist/api/${entry.report}; see \`npm run api\``);
  }
  return problems;
}
