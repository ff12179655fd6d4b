/** Turns one changed source into the JavaScript that the build would make of it, in no time. */
import path from 'node:path';
import ts from 'typescript';

import { repositoryRoot } from '../source-paths.js';

function readOptions(): ts.CompilerOptions {
  const file = path.join(repositoryRoot, 'tsconfig.json');
  const read = ts.readConfigFile(file, (name) => ts.sys.readFile(name));
  const config: unknown = read.config;
  if (typeof config !== 'object' || config === null || !('compilerOptions' in config)) {
    throw new Error(`${file} has no compilerOptions`);
  }
  return ts.convertCompilerOptionsFromJson(config.compilerOptions, repositoryRoot).options;
}

const options: ts.CompilerOptions = {
  ...readOptions(),
  // A single file has no package.json beside it to say that it is a module.
  module: ts.ModuleKind.ESNext,
  sourceMap: false,
  declaration: false,
  isolatedDeclarations: false,
};

/** Throws if the text is no TypeScript; types are not looked at. */
export function transpile(fileName: string, text: string): string {
  const output = ts.transpileModule(text, {
    fileName: path.join(repositoryRoot, fileName),
    compilerOptions: options,
    reportDiagnostics: true,
  });
  const [problem] = output.diagnostics ?? [];
  if (problem !== undefined) {
    throw new Error(`${fileName}: ${ts.flattenDiagnosticMessageText(problem.messageText, '\n')}`);
  }
  return output.outputText;
}
