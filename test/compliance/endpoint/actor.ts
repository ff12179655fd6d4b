/**
 * Actor: the client of one endpoint. It writes the endpoint's transcript and holds the endpoint to
 * the grammar, by its handlers and by its observables.
 *
 * A scenario replaces the `on…` members to play a part; by default messages are completed and
 * transactions are answered with their own parameters at once.
 */
import type {
  Bytes,
  DisconnectEvent,
  Endpoint,
  EndpointHandlers,
  LifecycleEvent,
  ReceivedMessage,
  ReceivedTransaction,
  TransactionOptions,
} from '../../../core/index.js';
import { IdcError, Refusal } from '../../../core/index.js';
import { byteLengthOf, describeBytes } from './content.js';
import { Grammar } from './grammar.js';
import { settleStarted, Started } from './started.js';

const nothing = (): void => undefined;
const refusalNames = new Map<number, string>(
  Object.entries(Refusal).map(([name, value]) => [value, name]),
);

export function nameOfRefusal(answer: number): string {
  return refusalNames.get(answer) ?? `number ${answer}`;
}

/** `TIMEOUT maybe`, `REMOTE 7 done, 3 bytes …`; anything but an IdcError is a violation. */
export function describeError(error: unknown): string {
  if (!(error instanceof IdcError)) return `not an IdcError: ${String(error)}`;
  const remote = error.remoteCode === undefined ? '' : ` ${error.remoteCode}`;
  const status = error.status === undefined ? '' : `, ${describeBytes(error.status)}`;
  const retry = error.retrySafe === (error.execution === 'never') ? '' : ', retrySafe is wrong';
  return `${error.code}${remote} ${error.execution}${status}${retry}`;
}

export class Actor {
  readonly label: string;
  /** The transcript. */
  readonly lines: string[] = [];
  /** Faults of failed attempts; how many there are depends on time, so not in the transcript. */
  readonly attempts: string[] = [];
  readonly disconnects: DisconnectEvent[] = [];
  messageCount = 0;
  requestCount = 0;
  /** Contents of received items go to the transcript, too. */
  isVerbose = true;

  /** The actor of the other end, once the scenario knows it: both keep the cycles in step (V1). */
  other: Actor | undefined = undefined;
  /** Its lines are of no interest, since they depend on time. */
  isMuted = false;

  onAppear: () => void = nothing;
  onConnect: () => void = nothing;
  onDisconnect: (event: DisconnectEvent) => void | Promise<void> = nothing;
  onDisappear: () => void = nothing;
  onMessage: (message: ReceivedMessage) => void = (message) => {
    message.complete();
  };
  onTransaction: (transaction: ReceivedTransaction) => void = (transaction) => {
    transaction.complete(transaction.parameters);
  };

  readonly #violate: (violation: string) => void;
  readonly #handled: Grammar;
  readonly #observed: Grammar;
  readonly #started: Started[] = [];
  #endpoint: Endpoint | undefined = undefined;
  #isEnded = false;
  #isAbandoned = false;

  constructor(label: string, violate: (violation: string) => void) {
    this.label = label;
    this.#violate = violate;
    this.#handled = new Grammar(`${label} handlers`, violate);
    this.#observed = new Grammar(`${label} lifecycle$`, violate);
  }

  get endpoint(): Endpoint {
    if (this.#endpoint === undefined) throw new Error(`${this.label} has no endpoint yet`);
    return this.#endpoint;
  }

  get isConnected(): boolean {
    return this.#endpoint?.state === 'connected';
  }

  get isDestroyed(): boolean {
    return this.#isEnded;
  }

  /** Right after the endpoint was made. */
  attach(endpoint: Endpoint): void {
    this.#endpoint = endpoint;
    endpoint.lifecycle$.subscribe({
      next: (event) => {
        this.#observe(event);
      },
      complete: () => {
        this.#isEnded = true;
      },
    });
  }

  note(line: string): void {
    this.lines.push(line);
  }

  has(line: string): boolean {
    return this.lines.includes(line);
  }

  /** The handlers of its endpoint; `message` and `transaction` may be left out. */
  handlers(hears: 'both' | 'nothing' = 'both'): EndpointHandlers {
    const lifecycle: EndpointHandlers = {
      appear: (endpoint) => {
        this.#told(endpoint, 'appear', 'appeared');
        this.onAppear();
      },
      connect: (endpoint) => {
        this.#told(endpoint, 'connect', 'connected', endpoint.epoch);
        this.onConnect();
      },
      disconnect: (endpoint, event) => {
        this.#told(endpoint, 'disconnect', undefined, event.epoch);
        this.disconnects.push(event);
        return this.onDisconnect(event);
      },
      disappear: (endpoint) => {
        this.#told(endpoint, 'disappear', undefined);
        this.onDisappear();
      },
    };
    if (hears === 'nothing') return lifecycle;
    return {
      ...lifecycle,
      message: (message, endpoint) => {
        this.#hears('message', endpoint);
        this.messageCount++;
        if (this.isVerbose) {
          this.note(`message ${message.sequence}, ${describeBytes(message.body)}`);
        }
        this.onMessage(message);
      },
      transaction: (transaction, endpoint) => {
        this.#hears('transaction', endpoint);
        this.requestCount++;
        if (this.isVerbose) this.note(`request, ${describeBytes(transaction.parameters)}`);
        this.onTransaction(transaction);
      },
    };
  }

  /** Submits a message; a refusal goes to the transcript. */
  send(body: Bytes): number {
    const answer = this.endpoint.submitMessage(body);
    if (answer < 0) this.note(`message refused: ${nameOfRefusal(answer)}`);
    return answer;
  }

  /** Submits a message as soon as the medium takes it. */
  async post(body: Bytes): Promise<number> {
    for (;;) {
      const answer = this.endpoint.submitMessage(body);
      if (answer !== Refusal.BackPressured) return answer;
      await this.endpoint.whenWritable({ kind: 'message', byteLength: byteLengthOf(body) });
    }
  }

  /** Submits a transaction in the hot form as soon as the medium and a slot are free. */
  async begin(parameters: Bytes, timeoutMs?: number): Promise<Started> {
    await this.endpoint.whenWritable({
      kind: 'transaction',
      byteLength: byteLengthOf(parameters),
    });
    return this.start(parameters, timeoutMs);
  }

  /** Submits a transaction; answers its outcome in words and never rejects. */
  ask(parameters: Bytes, options: TransactionOptions = {}): Promise<string> {
    return this.endpoint.submitTransaction(parameters, options).then(
      (status) => `OK, ${describeBytes(status)}`,
      (error: unknown) => describeError(error),
    );
  }

  /** Submits a transaction and writes its outcome to the transcript. */
  async askAloud(what: string, parameters: Bytes, options?: TransactionOptions): Promise<void> {
    this.note(`${what}: ${await this.ask(parameters, options)}`);
  }

  /** Submits a transaction in the hot form; a refusal goes to the transcript. */
  start(parameters: Bytes, timeoutMs?: number): Started {
    const started = new Started();
    started.ticket = this.endpoint.transact(parameters, settleStarted, started, timeoutMs);
    if (started.settledCount > 0) this.#violate(`${this.label}: settled before transact returned`);
    if (started.ticket >= 0) {
      this.#started.push(started);
    } else {
      started.settled.open('refused');
      this.note(`request refused: ${nameOfRefusal(started.ticket)}`);
    }
    return started;
  }

  /** The other end connects in `epoch`: this one has to be through with every earlier one. */
  checkLeft(epoch: number): void {
    const { state, epoch: own } = this.endpoint;
    const isThrough = state === 'appeared' || state === 'absent' || state === 'destroyed';
    if (isThrough || own === epoch) return;
    this.#violate(`${this.label}: ${state} in epoch ${own} while the peer connects in ${epoch}`);
  }

  /** The endpoint is to be gone for good, and to have told it the same way twice. */
  checkEnd(): void {
    if (this.#endpoint === undefined) return;
    const unsettled = this.#started.filter((started) => started.settledCount !== 1);
    if (unsettled.length > 0)
      this.#violate(`${this.label}: ${unsettled.length} did not settle once`);
    if (!this.#isEnded) this.#violate(`${this.label}: lifecycle$ has not completed`);
    if (this.#endpoint.state !== 'destroyed') this.#violate(`${this.label}: not destroyed`);
    const observed = this.#observed.told.filter((notice) => notice !== 'destroyed');
    const expected = this.#isAbandoned ? observed.slice(0, this.#handled.told.length) : observed;
    if (this.#handled.told.join() !== expected.join()) {
      this.#violate(`${this.label}: handlers and lifecycle$ differ:
  ${this.#handled.told.join(', ')}
  ${observed.join(', ')}`);
    }
    this.#checkStatistics(this.#endpoint);
  }

  #checkStatistics(endpoint: Endpoint): void {
    const counts = endpoint.statistics();
    const { never, maybe, done } = counts.outcomes;
    const adds =
      counts.transactionsSubmitted === counts.transactionsSettled &&
      never + maybe + done === counts.transactionsSettled &&
      counts.messagesCompleted <= counts.messagesSubmitted;
    if (!adds) this.#violate(`${this.label}: counts do not add up: ${JSON.stringify(counts)}`);
    if (endpoint.submitMessage(new Uint8Array(1)) !== Refusal.Destroyed) {
      this.#violate(`${this.label}: a destroyed endpoint takes a message`);
    }
  }

  #told(
    endpoint: Endpoint,
    notice: 'appear' | 'connect' | 'disconnect' | 'disappear',
    state: Endpoint['state'] | undefined,
    epoch?: number,
  ): void {
    this.#handled.take(notice, epoch);
    if (endpoint !== this.#endpoint) this.#violate(`${this.label}: ${notice} of another endpoint`);
    if (state !== undefined && endpoint.state !== state) {
      this.#violate(`${this.label}: ${notice} while ${endpoint.state}`);
    }
    if (this.#isAbandoned) this.#violate(`${this.label}: ${notice} after it was abandoned`);
  }

  #hears(what: string, endpoint: Endpoint): void {
    if (!this.isConnected || endpoint !== this.#endpoint) {
      this.#violate(`${this.label}: ${what} while ${this.#endpoint?.state ?? 'absent'}`);
    }
  }

  #observe(event: LifecycleEvent): void {
    switch (event.type) {
      case 'attempt':
        this.attempts.push(event.fault);
        break;
      case 'connect':
        this.#observed.take('connect', event.epoch);
        this.other?.checkLeft(event.epoch);
        this.note(`connect ${event.epoch}`);
        break;
      case 'disconnect':
        this.#observed.take('disconnect', event.epoch);
        this.note(describeDisconnect(event));
        break;
      case 'destroyed':
        this.#isAbandoned = event.abandoned;
        this.#observed.take('destroyed');
        this.note(event.abandoned ? 'destroyed, abandoned' : 'destroyed');
        break;
      case 'appear':
      case 'disappear':
        this.#observed.take(event.type);
        this.note(event.type);
        break;
    }
  }
}

/** Whether the loss or the return was noticed first depends on time. */
function describeDisconnect(event: DisconnectEvent): string {
  const { epoch, submittedThrough, handledThrough, neverFrom } = event;
  const reason = event.reason === 'SUPERSEDED' ? 'DISCONNECTED' : event.reason;
  const counts = `submitted ${submittedThrough} handled ${handledThrough} never ${neverFrom}`;
  return `disconnect ${epoch} ${reason} ${counts}`;
}
