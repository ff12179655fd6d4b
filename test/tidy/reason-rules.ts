/**
 * Ways around the type checker and the linter, each of which needs its reason beside it: a comment
 * on the same line or on the line directly above.
 */
import ts from 'typescript';

import { lineOf, problemAt, walk, type FileRule, type SourceFile } from './rule.js';

const directive = /@ts-[a-z-]+|eslint-(disable|enable)(-next-line|-line)?/;

/** What a comment says beside a directive and its rule names, in letters. */
function reasonIn(comment: string): string {
  const isDirective = directive.test(comment);
  const prose = isDirective ? comment.replace(/^.*?(@ts-[a-z-]+|--|$)/s, '') : comment;
  return prose.replace(/[^a-zA-Z]/g, '');
}

function isReason(comment: string): boolean {
  return reasonIn(comment).length >= 10;
}

/**
 * The lines that a reason may stand on or above: where the node starts, where it ends, and where
 * the declaration around it starts, since the formatter breaks long lines as it likes.
 */
function hasReason(file: SourceFile, node: ts.Node): boolean {
  let around = node;
  while (!isAnchor(around)) around = around.parent;
  const positions = [node.getStart(file.syntax), node.end, around.getStart(file.syntax)];
  const lines = new Set(positions.map((position) => lineOf(file, position)));
  return file.comments.some(
    ({ text, firstLine, lastLine }) =>
      (lines.has(firstLine) || lines.has(lastLine) || lines.has(lastLine + 1)) && isReason(text),
  );
}

function isAnchor(node: ts.Node): boolean {
  const isMember = ts.isClassElement(node) || ts.isTypeElement(node);
  return (
    ts.isStatement(node) || isMember || ts.isObjectLiteralElement(node) || ts.isSourceFile(node)
  );
}

function ruleOnNodes(
  what: string,
  matches: (node: ts.Node) => boolean,
  bad: readonly string[],
  good: readonly string[],
): FileRule {
  return {
    name: `${what} has its reason beside it`,
    check: (file) =>
      [...walk(file.syntax)]
        .filter((node) => matches(node) && !hasReason(file, node))
        .map((node) => problemAt(file, node, `${what} without a reason beside it`)),
    bad: bad.map((text) => ({ path: 'core/a.ts', text })),
    good: good.map((text) => ({ path: 'core/a.ts', text })),
  };
}

function isAssertion(node: ts.Node): boolean {
  if (ts.isTypeAssertionExpression(node)) return true;
  return ts.isAsExpression(node) && !ts.isConstTypeReference(node.type);
}

function isNonNull(node: ts.Node): boolean {
  if (ts.isNonNullExpression(node)) return true;
  const isDeclaration = ts.isPropertyDeclaration(node) || ts.isVariableDeclaration(node);
  return isDeclaration && node.exclamationToken !== undefined;
}

const anyType = ruleOnNodes(
  'any',
  (node) => node.kind === ts.SyntaxKind.AnyKeyword,
  [
    'let a: any;',
    'f<any>();',
    '// No.\nlet a: any;',
    '// The library says so, too.\n\nlet a: any;',
  ],
  ['let a: unknown;', '// The library says no more about it.\nlet a: any;', "const any = 'any';"],
);

const assertion = ruleOnNodes(
  'a type assertion (as)',
  isAssertion,
  ['const a = b as A;', 'const a = <A>b;', '// Why not.\nconst a = b as unknown as A;'],
  [
    'const a = { b: 1 } as const;',
    'const a = b as A; // The parser has checked the shape.',
    '// The parser has checked the shape.\nconst a =\n  b as A;',
    'const a = b satisfies A;',
    "import { a as b } from './c.js';",
  ],
);

const nonNull = ruleOnNodes(
  'a non-null assertion (!)',
  isNonNull,
  ['a[0]!.b();', 'class A { b!: string; }', 'let a!: string;'],
  [
    'if (!a) b();',
    'a[0]!.b(); // The index is below the length by the assert above.',
    'class A {\n  /** Set by attach before anything reads it. */\n  b!: string;\n}',
  ],
);

const directives: FileRule = {
  name: 'a directive to the compiler or the linter has its reason beside it',
  check(file) {
    return file.comments
      .filter(({ text }) => directive.test(text) && !/eslint-enable/.test(text))
      .filter(({ text, firstLine }) => {
        const above = file.comments.filter(({ lastLine }) => lastLine === firstLine - 1);
        return ![text, ...above.map((comment) => comment.text)].some(isReason);
      })
      .map(({ firstLine }) => `${file.path}:${firstLine}: a directive without a reason beside it`);
  },
  bad: [
    { path: 'core/a.ts', text: '// @ts-ignore\nf();' },
    { path: 'core/a.ts', text: '// @ts-expect-error no\nf();' },
    {
      path: 'core/a.ts',
      text: '// eslint-disable-next-line no-console, no-restricted-syntax\nf();',
    },
    { path: 'core/a.ts', text: '/* eslint-disable */\nf();' },
    { path: 'core/a.ts', text: '// eslint-disable-next-line no-console -- x\nf();' },
  ],
  good: [
    { path: 'core/a.ts', text: '// @ts-expect-error the declarations lack this overload\nf();' },
    {
      path: 'core/a.ts',
      text: '// eslint-disable-next-line no-console -- the log is the result\nf();',
    },
    {
      path: 'core/a.ts',
      text: '// The log is the result.\n// eslint-disable-next-line no-console\nf();',
    },
  ],
};

export const reasonRules: readonly FileRule[] = [anyType, assertion, nonNull, directives];
