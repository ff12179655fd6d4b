/**
 * ConsoleSession: a program, its last output and screen, and who looks at it.
 *
 * Memory is bounded by the tail. The program waits while its writer is far behind, so the writer
 * misses nothing; a viewer that is too slow for the tail is shown the screen as it is then. Without
 * a writer the program runs as fast as its screen is kept.
 */
import type { Runtime } from 'idc';
import type { DriverFailure } from 'idc/drivers/kit';
import {
  consoleProtocol,
  sessionDigits,
  type ConsoleExit,
  type ConsoleSignal,
  type ConsoleSize,
} from './console-protocol.js';
import { makeScreen } from './make-screen.js';
import { OutputTail } from './output-tail.js';
import type { Program, ProgramSettings, StartProgram } from './program.js';
import type { Drawing, Screen, ScreenKind } from './screen.js';
import type { Viewer } from './viewer.js';

export interface SessionSettings {
  readonly start: StartProgram;
  readonly program: ProgramSettings;
  readonly screen: ScreenKind | 'auto';
  readonly tailBytes: number;
  readonly runtime: Runtime;
}

/** Shares of the tail: the rest is for a read that is under way, and for a torn sequence. */
const lagShare = 4;
const pendingShare = 4;
/** What was typed and not read; the kernel has some of its own. */
const unreadBytesMax = 128 * 1024;

export class ConsoleSession {
  readonly id: string;
  readonly tail: OutputTail;
  readonly ended: Promise<ConsoleExit>;
  readonly screenProblem: string | undefined;
  readonly #settings: SessionSettings;
  readonly #screen: Screen;
  readonly #program: Program;
  readonly #viewers = new Set<Viewer>();
  #size: ConsoleSize;
  #exit: ConsoleExit | undefined = undefined;
  #writer: Viewer | undefined = undefined;
  #isPaused = false;
  /** Of what was typed and is not taken yet. */
  readonly #inputs = new Set<() => void>();
  /** Called whenever somebody leaves or has seen the end. */
  #onSeen: (() => void)[] = [];

  constructor(settings: SessionSettings) {
    this.#settings = settings;
    this.id = makeId(settings.runtime);
    this.tail = new OutputTail(settings.tailBytes);
    this.#size = settings.program.size;
    const { screen, problem } = makeScreen(settings.screen, {
      size: this.#size,
      tail: this.tail,
      progressed: () => {
        this.regulate();
      },
      // A writer's own terminal answers what the program asks.
      answered: (bytes) => {
        if (this.#writer === undefined) void this.input(bytes);
      },
    });
    this.#screen = screen;
    this.screenProblem = problem;
    let tellEnd: (exit: ConsoleExit) => void = () => undefined;
    this.ended = new Promise((resolve) => {
      tellEnd = resolve;
    });
    this.#program = settings.start(settings.program, {
      output: (bytes) => {
        this.#takeOutput(bytes);
      },
      ended: (exit) => {
        this.#exit = exit;
        for (const settle of [...this.#inputs]) settle();
        this.#wakeAll();
        tellEnd(exit);
      },
    });
  }

  get size(): ConsoleSize {
    return this.#size;
  }

  /** Undefined while the command runs. */
  get exit(): ConsoleExit | undefined {
    return this.#exit;
  }

  get hasTerminal(): boolean {
    return this.#program.hasTerminal;
  }

  get screenKind(): ScreenKind {
    return this.#screen.kind;
  }

  get viewers(): readonly Viewer[] {
    return [...this.#viewers];
  }

  get writer(): Viewer | undefined {
    return this.#writer;
  }

  /** The program waits for its writer or its screen. */
  get isPaused(): boolean {
    return this.#isPaused;
  }

  /** A viewer that was not there before, or that is to be the writer from here on. */
  join(viewer: Viewer): void {
    this.#viewers.add(viewer);
    if (viewer.mode === 'write') {
      const former = this.#writer;
      this.#writer = viewer;
      former?.takeOver();
    }
    this.regulate();
  }

  leave(viewer: Viewer): void {
    this.#viewers.delete(viewer);
    if (this.#writer === viewer) this.#writer = undefined;
    this.regulate();
    this.noteSeen();
  }

  /** A viewer has seen the end of the command. */
  noteSeen(): void {
    for (const look of this.#onSeen.splice(0)) look();
  }

  /** Resolves when the command has ended and all viewers have seen that. */
  async whenSeen(): Promise<void> {
    await this.ended;
    while ([...this.#viewers].some(({ hasSeenEnd }) => !hasSeenEnd)) {
      await new Promise<void>((resolve) => {
        this.#onSeen.push(resolve);
      });
    }
  }

  draw(): Promise<Drawing> {
    return this.#screen.draw();
  }

  /** Settles once the system has taken the bytes; answers a failure if it takes none. */
  async input(bytes: Uint8Array, signal?: AbortSignal): Promise<DriverFailure | undefined> {
    if (this.#exit !== undefined) return consoleProtocol.failure('ENDED');
    if (this.#program.unreadBytes >= unreadBytesMax) return consoleProtocol.failure('BUSY');
    // A copy, since it may wait in the program's stream for longer than anybody waits for it.
    await this.#whenTaken(this.#program.write(bytes.slice()), signal);
    return undefined;
  }

  /** Or when the command has ended, or nobody waits any more. Leaves nothing behind it. */
  #whenTaken(taken: Promise<void>, signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve) => {
      const settle = (): void => {
        this.#inputs.delete(settle);
        signal?.removeEventListener('abort', settle);
        resolve();
      };
      this.#inputs.add(settle);
      signal?.addEventListener('abort', settle);
      void taken.then(settle);
      if (signal?.aborted === true) settle();
    });
  }

  endInput(): void {
    if (this.#exit === undefined) this.#program.endInput();
  }

  signal(name: ConsoleSignal): void {
    if (this.#exit === undefined) this.#program.signal(name);
  }

  resize(size: ConsoleSize): void {
    if (size.columns === this.#size.columns && size.rows === this.#size.rows) return;
    this.#size = size;
    this.#program.resize(size);
    this.#screen.resize(size);
    for (const viewer of this.#viewers) viewer.noteSize();
  }

  /** Looks whether the program has to wait, or need not wait any more. */
  regulate(): void {
    if (this.#exit !== undefined) return;
    const { tailBytes } = this.#settings;
    const lag = this.#writer?.lag ?? 0;
    const { pendingBytes } = this.#screen;
    // It goes on when half of what made it wait is gone: fewer, longer pauses.
    const share = this.#isPaused ? 2 : 1;
    const mustWait =
      lag * share > tailBytes / lagShare || pendingBytes * share > tailBytes / pendingShare;
    if (mustWait === this.#isPaused) return;
    this.#isPaused = mustWait;
    if (mustWait) this.#program.pause();
    else this.#program.resume();
  }

  /** Hangs up, and ends the program for certain if it is still there after `graceMs`. */
  async close(graceMs: number): Promise<void> {
    this.#writer = undefined;
    this.regulate();
    this.signal('HUP');
    const timer = this.#settings.runtime.scheduler.after(graceMs, () => {
      this.signal('KILL');
    });
    await this.ended;
    timer.cancel();
  }

  /** Everybody has gone. */
  forget(): void {
    this.#screen.close();
  }

  #takeOutput(bytes: Uint8Array): void {
    this.tail.append(bytes);
    this.#screen.show(bytes);
    this.#wakeAll();
    this.regulate();
  }

  #wakeAll(): void {
    for (const viewer of this.#viewers) viewer.wake();
  }
}

function makeId(runtime: Runtime): string {
  const bytes = new Uint8Array(sessionDigits / 2);
  runtime.prng.fill(bytes);
  return Buffer.from(bytes).toString('hex');
}
