/** What may not be written, or not here. */
import ts from 'typescript';

import { problemAt, walk, type FileRule } from './rule.js';

/** Through these a core would have time, chance or a platform that a simulation cannot replace. */
const platformNames = new Set([
  'Date',
  'clearImmediate',
  'clearInterval',
  'clearTimeout',
  'globalThis',
  'performance',
  'process',
  'queueMicrotask',
  'setImmediate',
  'setInterval',
  'setTimeout',
]);

/** The name of a member, as in `options.process`, is nobody's global. */
function isMemberName(node: ts.Identifier): boolean {
  const { parent } = node;
  if (ts.isPropertyAccessExpression(parent)) return parent.name === node;
  if (ts.isQualifiedName(parent)) return parent.right === node;
  if (ts.isBindingElement(parent)) return parent.propertyName === node;
  const isMember = ts.isClassElement(parent) || ts.isTypeElement(parent);
  return (isMember || ts.isPropertyAssignment(parent)) && parent.name === node;
}

function bannedInCore(node: ts.Node): string | undefined {
  if (ts.isIdentifier(node) && platformNames.has(node.text)) {
    return isMemberName(node) ? undefined : node.text;
  }
  if (!ts.isPropertyAccessExpression(node) || node.name.text !== 'random') return undefined;
  const isMath = ts.isIdentifier(node.expression) && node.expression.text === 'Math';
  return isMath ? 'Math.random' : undefined;
}

const corePlatform: FileRule = {
  name: 'core gets time, scheduling and randomness through runtime.ts alone',
  check(file) {
    if (!file.path.startsWith('core/') || file.path === 'core/runtime.ts') return [];
    return [...walk(file.syntax)].flatMap((node) => {
      const name = bannedInCore(node);
      return name === undefined ? [] : [problemAt(file, node, `${name}: use the runtime`)];
    });
  },
  bad: [
    ...[...platformNames].map((name) => ({ path: 'core/a.ts', text: `export const a = ${name};` })),
    { path: 'core/a.ts', text: 'const a = Math.random();' },
    { path: 'core/a.ts', text: 'const a = { process };' },
    { path: 'core/a.ts', text: 'let a: Date;' },
  ],
  good: [
    { path: 'core/runtime.ts', text: 'const a = Date.now() + Math.random(); setTimeout(f, 1);' },
    { path: 'core/a.ts', text: 'const a = options.process; // setTimeout\nconst b = "Date";' },
    { path: 'core/a.ts', text: 'interface A { process(): void }\nconst a = { performance: 1 };' },
    { path: 'transports/a/index.ts', text: 'setTimeout(f, 1);' },
  ],
};

const moduleState: FileRule = {
  name: 'no module of core, transports or drivers holds a variable',
  check(file) {
    if (!/^(core|transports|drivers)\//.test(file.path)) return [];
    return file.syntax.statements
      .filter((statement) => ts.isVariableStatement(statement))
      .filter(({ declarationList }) => (declarationList.flags & ts.NodeFlags.Const) === 0)
      .map((statement) => problemAt(file, statement, 'module state: make it an object to pass in'));
  },
  bad: [
    { path: 'core/a.ts', text: 'let count = 0;' },
    { path: 'transports/a/index.ts', text: 'export let current: A;' },
    { path: 'drivers/a/index.ts', text: 'var a = 1;' },
  ],
  good: [
    { path: 'core/a.ts', text: 'const a = 1; function f() { let b = 0; }' },
    { path: 'test/a.ts', text: 'let a = 1;' },
  ],
};

const todoNumbers: FileRule = {
  name: 'a TODO names an issue',
  check(file) {
    return file.comments
      .filter(({ text }) => /\b(TODO|FIXME|XXX|HACK)\b(?!\s*\(?#\d)/.test(text))
      .map(({ firstLine }) => `${file.path}:${firstLine}: add the number, as in TODO #12`);
  },
  bad: [
    { path: 'core/a.ts', text: '// TODO later\nf();' },
    { path: 'core/a.ts', text: 'f(); // FIXME' },
    { path: 'core/a.ts', text: 'f(/* XXX */);' },
  ],
  good: [
    { path: 'core/a.ts', text: '// TODO #12 later\nf();' },
    { path: 'core/a.ts', text: "const a = 'TODO';\nconst b = `// TODO`;" },
  ],
};

/** A comment line that is a whole statement. Prose seldom ends in a semicolon or a brace. */
const codeLine =
  /^\s*\/\/\s*((const|let|if|for|while|return|import|export|await|throw)\b.*[;{]|[\w.]+\(.*\);|\})$/;

const deadCode: FileRule = {
  name: 'no code is commented out',
  check(file) {
    return file.comments
      .filter(({ text }) => codeLine.test(text))
      .map(({ firstLine }) => `${file.path}:${firstLine}: delete the code; git remembers it`);
  },
  bad: [
    { path: 'core/a.ts', text: 'f();\n// g(1);\n' },
    { path: 'core/a.ts', text: '// const a = 1;\nf();' },
    { path: 'core/a.ts', text: '// if (a) {\n// }\nf();' },
  ],
  good: [
    { path: 'core/a.ts', text: '// Calls g() first, for it holds the slot.\nf();' },
    { path: 'core/a.ts', text: '// Returns early; the caller waits.\nf(); // let it go' },
  ],
};

export const banRules: readonly FileRule[] = [corePlatform, moduleState, todoNumbers, deadCode];
