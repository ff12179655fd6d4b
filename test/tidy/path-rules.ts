/** Where files may be and what they may be called. */
import type { PathRule } from './rule.js';

const topFolders = new Set(['core', 'transports', 'drivers', 'cli', 'examples', 'test', '.ci']);
const vagueFolders = new Set(['src', 'lib', 'utils', 'common', 'helpers', 'types']);
const documents = new Set(['README.md', 'ARCHITECTURE.md', 'CONTRIBUTING.md', 'CHANGELOG.md']);

function foldersOf(path: string): string[] {
  return path.split('/').slice(0, -1);
}

const topLevelFolders: PathRule = {
  name: 'a top-level folder is one of those in ARCHITECTURE.md',
  check(path) {
    const top = foldersOf(path)[0];
    return top === undefined || topFolders.has(top) ? [] : [`${path}: unknown folder ${top}`];
  },
  bad: ['packages/core/frame.ts', 'docs/guide.md'],
  good: ['core/frame.ts', '.ci/run', 'package.json'],
};

const tellingFolders: PathRule = {
  name: 'no folder has a name that says nothing',
  check(path) {
    const vague = foldersOf(path).filter((name) => vagueFolders.has(name));
    return vague.map((name) => `${path}: ${name} says nothing; name the folder after its contents`);
  },
  bad: ['core/utils/bits.ts', 'test/helpers/wait.ts', 'src/index.ts'],
  good: ['transports/memory/index.ts'],
};

const kebabCase: PathRule = {
  name: 'files and folders are in kebab-case',
  check(path) {
    const names = path.split('/');
    if (names.length === 1) return [];
    const wrong = names.filter((name) => !/^[.]?[a-z0-9]+([-.][a-z0-9]+)*$/.test(name));
    return wrong.map((name) => `${path}: ${name} is not in kebab-case`);
  },
  bad: ['core/endpointMachine.ts', 'core/Frame.ts', 'examples/01_hello/main.ts'],
  good: ['core/endpoint-machine.ts', 'examples/01-hello/main.ts', 'test/tidy.test.ts', 'README.md'],
};

const fewDocuments: PathRule = {
  name: 'the documents are README, ARCHITECTURE, CONTRIBUTING and CHANGELOG',
  check(path) {
    const allowed = documents.has(path) || /^test\/api\/[^/]+[.]api[.]md$/.test(path);
    return path.endsWith('.md') && !allowed ? [`${path}: write it in one of the documents`] : [];
  },
  bad: ['NOTES.md', 'core/README.md', 'test/api/notes.md'],
  good: ['README.md', 'test/api/idc.api.md', 'core/frame.ts'],
};

export const pathRules: readonly PathRule[] = [
  topLevelFolders,
  tellingFolders,
  kebabCase,
  fewDocuments,
];
