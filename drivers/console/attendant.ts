/** Attendant: the back end's side of one front end, over all its connections. */
import type { BackEndHandlers, Context, DriverFailure, FrontEndPeer } from 'idc/drivers/kit';
import {
  consoleProtocol,
  isSize,
  type ConsoleMode,
  type ConsoleSchema,
  type ConsoleSignal,
  type ConsoleSize,
} from './console-protocol.js';
import type { ConsoleSession } from './console-session.js';
import { Viewer } from './viewer.js';

type Handlers = BackEndHandlers<ConsoleSchema, Context<FrontEndPeer<ConsoleSchema>>>;

interface AttachParameters extends ConsoleSize {
  readonly mode: ConsoleMode;
  readonly takeOver: boolean;
  readonly session: string;
  readonly position: number;
}

export class Attendant implements Handlers {
  readonly #session: ConsoleSession;
  readonly #frontEnd: FrontEndPeer<ConsoleSchema>;
  #viewer: Viewer | undefined = undefined;

  constructor(session: ConsoleSession, frontEnd: FrontEndPeer<ConsoleSchema>) {
    this.#session = session;
    this.#frontEnd = frontEnd;
    frontEnd.endpoint.lifecycle$.subscribe(({ type }) => {
      if (type === 'disconnect' || type === 'destroyed') this.#leave();
    });
  }

  attach(parameters: AttachParameters): DriverFailure | undefined {
    const { mode, takeOver, session, position, columns, rows } = parameters;
    const isWriter = mode === 'write';
    if (isWriter && !isSize({ columns, rows })) return consoleProtocol.failure('BAD_SIZE');
    const { writer, id, tail } = this.#session;
    const isHeld = writer !== undefined && writer !== this.#viewer;
    if (isWriter && isHeld && !takeOver) return consoleProtocol.failure('HELD');
    this.#leave();
    const canContinue = session === id && position >= tail.start && position <= tail.end;
    const from = canContinue ? position : undefined;
    const viewer = new Viewer(this.#session, this.#frontEnd, mode, from);
    this.#viewer = viewer;
    if (isWriter) this.#session.resize({ columns, rows });
    this.#session.join(viewer);
    void viewer.run();
    return undefined;
  }

  async input(
    { bytes }: { readonly bytes: Uint8Array },
    { signal }: Context<unknown>,
  ): Promise<DriverFailure | undefined> {
    return this.#problem() ?? this.#session.input(bytes, signal);
  }

  endInput(): DriverFailure | undefined {
    const problem = this.#problem();
    if (problem === undefined) this.#session.endInput();
    return problem;
  }

  resize(size: ConsoleSize): DriverFailure | undefined {
    const problem = this.#problem();
    if (problem !== undefined) return problem;
    if (!isSize(size)) return consoleProtocol.failure('BAD_SIZE');
    this.#session.resize(size);
    return undefined;
  }

  signal({ name }: { readonly name: ConsoleSignal }): DriverFailure | undefined {
    const problem = this.#problem();
    if (problem === undefined) this.#session.signal(name);
    return problem;
  }

  /** Why it may not touch the command. */
  #problem(): DriverFailure | undefined {
    if (this.#viewer?.mode !== 'write') return consoleProtocol.failure('READ_ONLY');
    return this.#session.exit === undefined ? undefined : consoleProtocol.failure('ENDED');
  }

  #leave(): void {
    if (this.#viewer === undefined) return;
    this.#viewer.stop();
    this.#session.leave(this.#viewer);
    this.#viewer = undefined;
  }
}
