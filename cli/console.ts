/**
 * `idc console …`: a command behind an address, and its terminal wherever one attaches. The
 * subcommands are loaded when they run.
 */
import { InvalidArgumentError, type Command } from 'commander';
import { addressForm } from './address-form.js';
import type { AttachOptions } from './console-attach.js';
import type { ServeOptions } from './console-serve.js';
import { parseMilliseconds } from './units.js';

export function addConsole(program: Command): void {
  const command = program
    .command('console')
    .description('run a command behind an address, and attach a terminal to it')
    .addHelpText(
      'after',
      '\nExample:\n  idc console serve tcp://127.0.0.1:7000/console -- bash\n' +
        '  idc console attach tcp://127.0.0.1:7000/console',
    );
  command
    .command('serve')
    .description('run a command in a pseudo-terminal, and serve it until it ends')
    .argument('<address>', addressForm)
    .argument('<command...>', 'the command and its words, after --')
    .option('-C, --directory <path>', 'where it runs')
    .option('--size <columns>x<rows>', 'of its screen until somebody attaches', parseSize, {
      columns: 80,
      rows: 24,
    })
    .option('--no-terminal', 'plain pipes in place of a pseudo-terminal')
    .option(
      '-l, --linger-ms <ms>',
      'how long the end waits for who was cut off',
      parseMilliseconds,
      10_000,
    )
    .option('--json', 'print what happens as lines of JSON', false)
    .addHelpText(
      'after',
      '\nIts exit code is that of the command. Whoever can connect can type into it.\n' +
        '\nExample:\n  idc console serve ring://build/console -- make -j4',
    )
    .action(async (address: string, words: readonly string[], options: ServeOptions) =>
      (await import('./console-serve.js')).serve(address, words, options),
    );
  command
    .command('attach')
    .description('show what a served command shows, and type into it; ends with its exit code')
    .argument('<address>', addressForm)
    .option('-v, --view', 'only look; any number of terminals may', false)
    .option('--take-over', 'write in place of whoever does now, who then only looks', false)
    .option(
      '--detach-key <key>',
      'leaves; ctrl- and a character, or none',
      parseKey,
      parseKey('ctrl-]'),
    )
    .option('-t, --timeout-ms <ms>', 'how long to look for the back end', parseMilliseconds, 10_000)
    .addHelpText(
      'after',
      '\nWhile the back end cannot be reached it is looked for; the command goes on meanwhile.\n' +
        '\nExample:\n  idc console attach tcp://127.0.0.1:7000/console --view',
    )
    .action(async (address: string, options: AttachOptions) =>
      (await import('./console-attach.js')).attach(address, options),
    );
}

function parseSize(text: string): { readonly columns: number; readonly rows: number } {
  const [, columns, rows] = /^(\d{1,4})x(\d{1,3})$/u.exec(text) ?? [];
  const size = { columns: Number(columns), rows: Number(rows) };
  if (size.columns >= 1 && size.columns <= 1_000 && size.rows >= 1 && size.rows <= 500) return size;
  throw new InvalidArgumentError('expected columns and rows, as in 80x24');
}

/** The byte that a key with Ctrl sends; undefined for none. */
function parseKey(text: string): number | undefined {
  if (text === 'none') return undefined;
  const [, key] = /^ctrl-([a-z[\]\\^_@])$/u.exec(text) ?? [];
  if (key !== undefined) return key.toUpperCase().charCodeAt(0) & 0x1f;
  throw new InvalidArgumentError('expected ctrl- and a character, as in ctrl-], or none');
}
