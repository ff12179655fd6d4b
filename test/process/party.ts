/** Party: one process of the test, as its parent sees it. */
import { fork, type ChildProcess } from 'node:child_process';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

import { JournalReader } from './journal.js';
import { Quiet } from './quiet.js';
import { guard } from './watchdog.js';
import type { Answer, Command, Note, PartyOptions, Report } from './setup.js';

const program = fileURLToPath(new URL('party-process.js', import.meta.url));

export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export class Party {
  readonly name: string;
  readonly journal: JournalReader;
  address = '';
  /** The links that it dials now. */
  dialled: ReadonlySet<string> = new Set<string>();
  /** The epoch of each link that is connected. */
  readonly connected: Map<string, number> = new Map<string, number>();
  /** Ends of epochs, as `link epoch`, and links that disappeared. */
  readonly disconnected: Map<string, string> = new Map<string, string>();
  readonly disappeared: Set<string> = new Set<string>();
  submittedCount = 0;
  noteCount = 0;
  exit: Exit | undefined = undefined;
  stderr = '';
  readonly #child: ChildProcess;
  readonly #quiet = new Quiet();
  readonly #answers = new Map<number, (report: Report) => void>();
  #askCount = 0;

  constructor(options: PartyOptions) {
    this.name = options.name;
    this.journal = new JournalReader(options.journalPath);
    this.#child = fork(program, [JSON.stringify(options)], {
      cwd: path.dirname(program),
      execArgv: ['--enable-source-maps'],
      stdio: ['ignore', 'inherit', 'pipe', 'ipc'],
    });
    this.#child.stderr?.on('data', (chunk: Buffer) => (this.stderr += chunk.toString()));
    this.#child.on('message', (message) => {
      // reason: the child sends nothing else
      this.#hear(message as Note | Answer);
    });
    this.#child.on('exit', (code, signal) => {
      this.exit = { code, signal };
      this.#quiet.changed();
    });
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  signal(signal: NodeJS.Signals): void {
    process.kill(this.pid, signal);
  }

  /** For the teardown: whatever state it is in. */
  kill(): void {
    if (this.exit === undefined) this.#child.kill('SIGKILL');
  }

  /** Waits for news of this process that make `holds` true. */
  async until(what: string, holds: () => boolean, alive = true): Promise<void> {
    const isLost = (): boolean => alive && this.exit !== undefined;
    await guard(
      this.#quiet.until(() => holds() || isLost()),
      () => `${this.name} for ${what}\n${this.stderr}`,
    );
    if (!holds()) throw new Error(`${this.name} ended before: ${what}\n${this.stderr}`);
  }

  async untilExit(): Promise<Exit> {
    await this.until('exit', () => this.exit !== undefined, false);
    return this.exit ?? { code: null, signal: null };
  }

  async ask(command: Command): Promise<Report> {
    const id = ++this.#askCount;
    let report: Report | undefined;
    this.#answers.set(id, (answer) => (report = answer));
    this.#child.send({ id, command });
    await this.until(command.command, () => report !== undefined);
    if (report === undefined) throw new Error('until() waited for it');
    return report;
  }

  #hear(message: Note | Answer): void {
    if ('answers' in message) {
      this.#answers.get(message.answers)?.(message.report);
      this.#answers.delete(message.answers);
    } else {
      this.#note(message);
    }
    this.#quiet.changed();
  }

  #note(note: Note): void {
    this.noteCount++;
    switch (note.note) {
      case 'listening':
        this.address = note.address;
        break;
      case 'dialled':
        this.dialled = new Set(note.links);
        break;
      case 'connect':
        this.connected.set(note.link, note.epoch);
        break;
      case 'disconnect':
        // A listener may have a new endpoint for the link before the old one is told.
        if (this.connected.get(note.link) === note.epoch) this.connected.delete(note.link);
        this.disconnected.set(`${note.link} ${note.epoch}`, note.reason);
        break;
      case 'disappear':
        this.disappeared.add(note.link);
        break;
      case 'submitted':
        this.submittedCount = note.count;
        break;
    }
  }
}
