/** How long things may be. Over a limit, a concept lacks a name. */
import ts from 'typescript';

import { lineOf, problemAt, walk, type FileRule, type SourceFile } from './rule.js';

const fileLinesMax = 500;
const functionLinesMax = 70;
const contractLinesMax = 150;
const helloStatementsMax = 9;

function lineCountOf(text: string): number {
  return text.trimEnd().split('\n').length;
}

function checkLineCount(file: SourceFile, linesMax: number): string[] {
  const lines = lineCountOf(file.text);
  return lines <= linesMax ? [] : [`${file.path}: ${lines} lines, at most ${linesMax}`];
}

const fileLines: FileRule = {
  name: `a file has at most ${fileLinesMax} lines`,
  check: (file) => checkLineCount(file, fileLinesMax),
  bad: [{ path: 'core/long.ts', text: 'f();\n'.repeat(fileLinesMax + 1) }],
  good: [{ path: 'core/long.ts', text: 'f();\n'.repeat(fileLinesMax) }],
};

const contractLines: FileRule = {
  name: `the transport contract fits in the head: at most ${contractLinesMax} lines`,
  check: (file) =>
    file.path === 'core/transport.ts' ? checkLineCount(file, contractLinesMax) : [],
  bad: [{ path: 'core/transport.ts', text: 'f();\n'.repeat(contractLinesMax + 1) }],
  good: [
    { path: 'core/transport.ts', text: 'f();\n'.repeat(contractLinesMax) },
    { path: 'core/frame.ts', text: 'f();\n'.repeat(contractLinesMax + 1) },
  ],
};

/** The callback of `describe` is a heading: what counts are the tests below it. */
function isHeading(node: ts.Node): boolean {
  const call = node.parent;
  if (!ts.isCallExpression(call)) return false;
  return ts.isIdentifier(call.expression) && /^(describe|suite)$/.test(call.expression.text);
}

const functionLines: FileRule = {
  name: `a function has at most ${functionLinesMax} lines`,
  check(file) {
    const problems: string[] = [];
    for (const node of walk(file.syntax)) {
      if (!ts.isFunctionLike(node) || isHeading(node)) continue;
      const lines = lineOf(file, node.end) - lineOf(file, node.getStart(file.syntax)) + 1;
      const name = node.name?.getText(file.syntax) ?? 'a function';
      if (lines <= functionLinesMax) continue;
      problems.push(problemAt(file, node, `${name}: ${lines} lines, at most ${functionLinesMax}`));
    }
    return problems;
  },
  bad: [
    { path: 'core/a.ts', text: `function f() {\n${'g();\n'.repeat(functionLinesMax - 1)}}` },
    { path: 'core/a.ts', text: `class A { m() {\n${'g();\n'.repeat(functionLinesMax - 1)}} }` },
    { path: 'test/a.ts', text: `test('a', () => {\n${'g();\n'.repeat(functionLinesMax - 1)}});` },
  ],
  good: [
    { path: 'core/a.ts', text: `function f() {\n${'g();\n'.repeat(functionLinesMax - 2)}}` },
    { path: 'test/a.ts', text: `describe('a', () => {\n${'g();\n'.repeat(functionLinesMax)}});` },
  ],
};

/** Imports are not counted, and neither are the braces that hold other statements. */
function countStatements(file: SourceFile): number {
  return [...walk(file.syntax)].filter(
    (node) => ts.isStatement(node) && !ts.isImportDeclaration(node) && !ts.isBlock(node),
  ).length;
}

const helloStatements: FileRule = {
  name: 'each side of examples/01-hello has fewer than 10 statements',
  check(file) {
    if (!file.path.startsWith('examples/01-hello/')) return [];
    const count = countStatements(file);
    const problem = `${file.path}: ${count} statements, at most ${helloStatementsMax}`;
    return count <= helloStatementsMax ? [] : [problem];
  },
  bad: [
    { path: 'examples/01-hello/front.ts', text: 'f();\n'.repeat(10) },
    { path: 'examples/01-hello/front.ts', text: `f(() => { ${'g();\n'.repeat(9)} });` },
  ],
  good: [
    { path: 'examples/01-hello/front.ts', text: `import 'idc';\n${'f();\n'.repeat(9)}` },
    { path: 'examples/01-hello/front.ts', text: `f(() => { ${'g();\n'.repeat(8)} });` },
    { path: 'examples/02-other/main.ts', text: 'f();\n'.repeat(10) },
  ],
};

export const sizeRules: readonly FileRule[] = [
  fileLines,
  contractLines,
  functionLines,
  helloStatements,
];
