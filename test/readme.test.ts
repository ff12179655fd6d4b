/** The README says what is so: its programs run, its commands exist, its examples are the files. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';

const root = fileURLToPath(new URL('../../', import.meta.url));
const readme = readFileSync(join(root, 'README.md'), 'utf8');

function blocks(language: string): string[] {
  const pattern = new RegExp(`^\`\`\`${language}\\n([^]*?)^\`\`\``, 'gmu');
  return [...readme.matchAll(pattern)].map((match) => match[1] ?? '');
}

interface Manifest {
  readonly scripts: Readonly<Record<string, string>>;
}

describe('README', () => {
  test('hello: the two programs are the files of the example', () => {
    const shown = blocks('ts');
    for (const side of ['back', 'front']) {
      const file = readFileSync(join(root, `examples/01-hello/${side}.ts`), 'utf8');
      assert.ok(shown.includes(file), `${side}.ts stands in the README as it is`);
    }
  });

  test('programs: every other one type-checks, runs and ends by itself', () => {
    const hello = (text: string): boolean => text.startsWith('/** Hello');
    const programs = blocks('ts').filter((text) => !hello(text));
    assert.ok(programs.length > 0, 'there is a program');
    // Inside the package, so that it is found by its own name.
    const folder = mkdtempSync(join(root, 'dist/readme-'));
    try {
      programs.forEach((program, index) => {
        const file = join(folder, `program-${index}.ts`);
        writeFileSync(file, program);
        assert.deepEqual(check(file), [], 'no complaint of the compiler');
        const output = execFileSync(process.execPath, [file.replace(/ts$/u, 'js')], {
          encoding: 'utf8',
          timeout: 20_000,
        });
        for (const [, promised = ''] of program.matchAll(/\/\/ ([A-Z_]{2,} .*)$/gmu)) {
          assert.ok(output.includes(promised), `prints ${promised}: ${output}`);
        }
      });
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  test('commands: every npm command is a script, and CI runs the same test command', () => {
    // reason: the package's own manifest, whose form the tests rely on
    const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as Manifest;
    const commands = blocks('sh').join('\n');
    const named = [...`${commands}\n${readme}`.matchAll(/npm (?:run )?([a-z][a-z0-9:-]*)/gu)];
    const scripts = new Set(named.map((match) => match[1] ?? ''));
    assert.ok(scripts.has('start') && scripts.has('test'));
    for (const script of scripts) {
      assert.ok(script === 'ci' || script in manifest.scripts, `npm ${script} exists`);
    }
    const ci = readFileSync(join(root, '.ci/run'), 'utf8');
    assert.match(ci, /^npm ci$/mu);
    assert.match(ci, /^npm test$/mu);
  });

  test('links: every file that it points to exists', () => {
    for (const [, target = ''] of readme.matchAll(/\]\((?!https?:)([^)#]+)\)/gu)) {
      assert.ok(readFileSync(join(root, target)).length > 0, target);
    }
  });

  test('length: at most 212 lines', () => {
    assert.ok(readme.split('\n').length <= 213);
  });
});

/** Compiles one program as a user's project would; answers the compiler's complaints. */
function check(file: string): string[] {
  const program = ts.createProgram([file], {
    target: ts.ScriptTarget.ES2023,
    module: ts.ModuleKind.NodeNext,
    moduleResolution: ts.ModuleResolutionKind.NodeNext,
    strict: true,
    types: ['node'],
    skipLibCheck: true,
  });
  const complaints = ts.getPreEmitDiagnostics(program);
  program.emit();
  return complaints.map((item) => ts.flattenDiagnosticMessageText(item.messageText, '\n'));
}
