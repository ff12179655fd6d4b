/** Tmux: a terminal as a person has one, in a server of its own that ends with the test. */
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const run = promisify(execFile);
const program = fileURLToPath(new URL('../../cli/main.js', import.meta.url));

/** One window of it. */
export interface Pane {
  readonly id: string;
}

export class Tmux {
  readonly #name: string;
  /** For its socket, which it leaves behind. */
  readonly #folder = mkdtempSync(path.join(tmpdir(), 'idc-tmux-'));

  constructor(label: string) {
    this.#name = `idc-test-${process.pid}-${label}`;
  }

  /** A terminal of that size, in which `idc WORDS` runs; what is left of it stays to be seen. */
  async open(words: readonly string[], columns: number, rows: number): Promise<Pane> {
    const size = ['-x', String(columns), '-y', String(rows)];
    const command = [process.execPath, program, ...words].map(quote).join(' ');
    // Without its status line the window is as large as the terminal.
    const id = await this.#tell(
      ...['-f', '/dev/null', 'new-session', '-d', '-P', '-F', '#{pane_id}', ...size],
      ...[`sh -c ${quote(`${command}; echo "[exit $?]"; exec sleep 1000`)}`],
      ...[';', 'set-option', '-g', 'status', 'off'],
      ...[';', 'resize-window', ...size],
    );
    return { id: id.trim() };
  }

  /** Types text, as it is. */
  async type({ id }: Pane, text: string): Promise<void> {
    await this.#tell('send-keys', '-t', id, '-l', text);
  }

  /** Presses keys by their names, as in `Enter` and `C-c`. */
  async press({ id }: Pane, ...keys: string[]): Promise<void> {
    await this.#tell('send-keys', '-t', id, ...keys);
  }

  async resize({ id }: Pane, columns: number, rows: number): Promise<void> {
    await this.#tell('resize-window', '-t', id, '-x', String(columns), '-y', String(rows));
  }

  /** The lines that are on its screen, without blanks at their ends. */
  async screen({ id }: Pane): Promise<string> {
    const text = await this.#tell('capture-pane', '-p', '-t', id);
    return text.trimEnd();
  }

  /** The screen, once it is as wanted; the time limit of the test ends it otherwise. */
  async until(pane: Pane, isWanted: (screen: string) => boolean): Promise<string> {
    for (;;) {
      const screen = await this.screen(pane);
      if (isWanted(screen)) return screen;
    }
  }

  sees(pane: Pane, pattern: RegExp): Promise<string> {
    return this.until(pane, (screen) => pattern.test(screen));
  }

  /** Of the process that `idc` runs in: the one child of the window's shell. */
  async processOf({ id }: Pane): Promise<number> {
    const shell = (await this.#tell('display-message', '-p', '-t', id, '#{pane_pid}')).trim();
    const children = readFileSync(`/proc/${shell}/task/${shell}/children`, 'utf8');
    return Number.parseInt(children, 10);
  }

  async close(): Promise<void> {
    // It is gone already if it never had a window.
    await this.#tell('kill-server').catch(() => undefined);
    rmSync(this.#folder, { recursive: true });
  }

  async #tell(...words: string[]): Promise<string> {
    const environment = { ...process.env, TMUX: '', TMUX_TMPDIR: this.#folder, LC_ALL: 'C.UTF-8' };
    const { stdout } = await run('tmux', ['-L', this.#name, ...words], { env: environment });
    return stdout;
  }
}

function quote(word: string): string {
  return `'${word.replaceAll("'", "'\\''")}'`;
}
