/**
 * What a tidy rule is, and what it sees of a source file.
 *
 * A rule carries the samples that it must refuse and accept, so that it is shown to be able to
 * fail. Problems read `path:line: message`.
 */
import ts from 'typescript';

export interface SourceFile {
  /** From the root, with `/` between names. */
  readonly path: string;
  readonly text: string;
  readonly syntax: ts.SourceFile;
  readonly comments: readonly Comment[];
}

export interface Comment {
  readonly text: string;
  /** Lines count from 1. */
  readonly firstLine: number;
  readonly lastLine: number;
}

/** A file that exists only for a rule's own test. */
export interface Sample {
  readonly path: string;
  readonly text: string;
}

/** Judges one TypeScript file by itself. */
export interface FileRule {
  readonly name: string;
  check(file: SourceFile): string[];
  readonly bad: readonly Sample[];
  readonly good: readonly Sample[];
}

/** Judges where a file or folder is and what it is called. */
export interface PathRule {
  readonly name: string;
  check(path: string): string[];
  readonly bad: readonly string[];
  readonly good: readonly string[];
}

export function parseSourceFile(path: string, text: string): SourceFile {
  const syntax = ts.createSourceFile(path, text, ts.ScriptTarget.ES2023, true);
  return { path, text, syntax, comments: collectComments(syntax) };
}

export function lineOf(file: SourceFile, position: number): number {
  return file.syntax.getLineAndCharacterOfPosition(position).line + 1;
}

export function problemAt(file: SourceFile, node: ts.Node, message: string): string {
  return `${file.path}:${lineOf(file, node.getStart(file.syntax))}: ${message}`;
}

/** Every node below `root`, parents first. */
export function* walk(root: ts.Node): Generator<ts.Node> {
  const waiting: ts.Node[] = [root];
  for (let node = waiting.pop(); node !== undefined; node = waiting.pop()) {
    yield node;
    const children: ts.Node[] = [];
    ts.forEachChild(node, (child) => {
      children.push(child);
    });
    waiting.push(...children.reverse());
  }
}

/** Comments lie between tokens, so every token is asked for those before and after it. */
function collectComments(syntax: ts.SourceFile): Comment[] {
  const ranges = new Map<number, ts.CommentRange>();
  const visit = (node: ts.Node): void => {
    if (ts.isJSDoc(node)) return;
    const children = node.getChildren(syntax);
    children.forEach(visit);
    if (children.length > 0) return;
    const before = ts.getLeadingCommentRanges(syntax.text, node.getFullStart()) ?? [];
    const after = ts.getTrailingCommentRanges(syntax.text, node.getEnd()) ?? [];
    for (const range of [...before, ...after]) ranges.set(range.pos, range);
  };
  visit(syntax);
  return [...ranges.values()]
    .sort((a, b) => a.pos - b.pos)
    .map(({ pos, end }) => ({
      text: syntax.text.slice(pos, end),
      firstLine: syntax.getLineAndCharacterOfPosition(pos).line + 1,
      lastLine: syntax.getLineAndCharacterOfPosition(end).line + 1,
    }));
}
