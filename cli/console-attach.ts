/** `idc console attach ADDRESS`: this terminal becomes that of a command behind an address. */
import { IdcError, type Domain } from 'idc';
import {
  attachConsole,
  type ConsoleAttachment,
  type ConsoleExit,
  type ConsoleView,
} from 'idc/drivers/console';
import { DriverError } from 'idc/drivers/kit';
import { requireAddress } from './address.js';
import { ExitCode, Failure } from './failure.js';
import { onInterrupt } from './interrupt.js';
import { LocalTerminal } from './local-terminal.js';
import { createCommandDomain } from './transports.js';

export interface AttachOptions {
  readonly view: boolean;
  readonly takeOver: boolean;
  /** The byte that it sends. */
  readonly detachKey: number | undefined;
  readonly timeoutMs: number;
}

/** What a viewer's Ctrl-C sends; it reaches nobody else. */
const interruptKey = 3;

export async function attach(address: string, options: AttachOptions): Promise<void> {
  requireAddress(address);
  const domain = createCommandDomain('idc console attach');
  const interrupt = onInterrupt();
  const visit = new Visit(address, options);
  try {
    const exit = await visit.run(domain, interrupt.signal);
    process.exitCode = exit?.code ?? 0;
  } finally {
    interrupt.stop();
    await visit.end();
    await domain.close();
  }
}

/** One attachment of this terminal, from its beginning to its end. */
class Visit {
  readonly #address: string;
  readonly #options: AttachOptions;
  readonly #terminal = new LocalTerminal();
  #attachment: ConsoleAttachment | undefined = undefined;
  #leave: (how: ConsoleExit | Failure | undefined) => void = () => undefined;
  #patience: NodeJS.Timeout | undefined = undefined;
  #hasBegun = false;
  #isDetached = false;

  constructor(address: string, options: AttachOptions) {
    this.#address = address;
    this.#options = options;
  }

  /** Resolves with the end of the command, or with undefined when somebody wants to leave. */
  async run(domain: Domain, signal: AbortSignal): Promise<ConsoleExit | undefined> {
    const left = new Promise<ConsoleExit | Failure | undefined>((resolve) => {
      this.#leave = resolve;
    });
    signal.addEventListener('abort', () => {
      this.#leave(undefined);
    });
    process.stdout.on('error', () => {
      // Nobody reads it any more.
      this.#leave(undefined);
    });
    this.#waitForBackEnd();
    const { view, takeOver } = this.#options;
    const { size } = this.#terminal;
    this.#attachment = attachConsole(domain, this.#address, {
      mode: view ? 'view' : 'write',
      takeOver,
      ...(size === undefined ? {} : { size }),
      began: (begun) => this.#begin(begun),
      output: (bytes) => this.#terminal.show(bytes),
      takenOver: () => {
        this.#terminal.say('somebody else writes now; here one can only look');
      },
      lost: () => {
        this.#waitForBackEnd();
      },
    });
    this.#attachment.ended.then(this.#leave, (error: unknown) => {
      this.#leave(explain(this.#address, error));
    });
    this.#listen(this.#attachment);
    const how = await left;
    if (how instanceof Failure) throw how;
    return how;
  }

  async end(): Promise<void> {
    clearTimeout(this.#patience);
    this.#terminal.stop();
    if (this.#isDetached) this.#terminal.say('detached');
    await this.#attachment?.close();
  }

  #listen(attachment: ConsoleAttachment): void {
    this.#terminal.start({
      keys: (bytes) => this.#type(attachment, bytes),
      ended: () => {
        if (attachment.mode === 'write') attachment.endInput().catch(ignoreOperating);
      },
      resized: () => {
        const { size } = this.#terminal;
        if (size !== undefined && attachment.mode === 'write') {
          attachment.resize(size).catch(ignoreOperating);
        }
      },
    });
  }

  async #type(attachment: ConsoleAttachment, bytes: Uint8Array): Promise<void> {
    const { detachKey } = this.#options;
    const isViewer = attachment.mode === 'view';
    const at = detachKey === undefined ? -1 : bytes.indexOf(detachKey);
    const typed = at < 0 ? bytes : bytes.subarray(0, at);
    if (!isViewer && typed.length > 0) await attachment.write(typed).catch(ignoreOperating);
    const hasInterrupt = isViewer && bytes.includes(interruptKey);
    if (at < 0 && !hasInterrupt) return;
    this.#isDetached = true;
    this.#leave(undefined);
  }

  async #begin({ isNewSession, continues }: ConsoleView): Promise<void> {
    clearTimeout(this.#patience);
    this.#patience = undefined;
    if (continues) return;
    if (isNewSession && this.#hasBegun) {
      this.#terminal.say('the command was started anew');
      await this.#terminal.scrollAway();
    }
    await this.#terminal.clear();
    this.#hasBegun = true;
  }

  #waitForBackEnd(): void {
    const { timeoutMs } = this.#options;
    this.#patience ??= setTimeout(() => {
      const fault = this.#attachment?.frontEnd.endpoint.lastFault ?? 'no answer';
      const message = `${this.#address}: ${fault} for ${timeoutMs} ms; is it served there?`;
      this.#leave(new Failure(message, ExitCode.Unreachable));
    }, timeoutMs);
  }
}

function explain(address: string, error: unknown): Failure {
  if (error instanceof DriverError && error.failure === 'HELD') {
    return new Failure(`${address}: somebody writes there; use --view, or --take-over`);
  }
  if (!(error instanceof IdcError)) throw error;
  const reason = error instanceof DriverError ? error.reason : error.code;
  return new Failure(`${address}: ${reason}`);
}

/** The end of the command, or of the attachment, is told on its own. */
function ignoreOperating(error: unknown): void {
  if (!(error instanceof IdcError)) throw error;
}
