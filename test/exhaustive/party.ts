/**
 * Party: one of the two domains of an exploration with its client, over all its incarnations. It
 * uses the public API as anybody would; what its client does is for the explorer to choose.
 */
import {
  createDomain,
  type Domain,
  type Endpoint,
  type EndpointHandlers,
  type TimeLimits,
} from '../../core/index.js';
import type { Judge } from './judge.js';
import { Side } from './step-link.js';
import type { StepNetwork } from './step-network.js';
import { StepRuntime } from './step-runtime.js';
import { HeldDrain, Watch, type Item, type Received } from './watch.js';

const address = 'step://place/service';

/** Short enough that no timer is further away than one turn of the wheel. */
export const limits: TimeLimits = {
  handshakeMs: 400,
  lingerMs: 200,
  keepAliveMs: 300,
  flushMs: 100,
  drainMs: 800,
  timeoutMs: 600,
  fenceMs: 600,
  dialMinMs: 20,
  dialMaxMs: 100,
};
const forgetMs = 500;
const quota = {
  messages: 2,
  messageBytes: 16,
  transactions: 2,
  parameterBytes: 16,
  statusBytes: 16,
};

export class Party {
  readonly side: Side;
  readonly name: string;
  readonly #network: StepNetwork;
  readonly #judge: Judge;
  /** Of both parties, by number. */
  readonly #items: Map<number, Item>;
  readonly #byEndpoint = new Map<Endpoint, Watch>();
  #runtime: StepRuntime;
  #domain: Domain | undefined = undefined;
  #startCount = 0;
  #itemCount = 0;

  constructor(side: Side, network: StepNetwork, judge: Judge, items: Map<number, Item>) {
    this.side = side;
    this.name = side === Side.Dialler ? 'A' : 'B';
    this.#network = network;
    this.#judge = judge;
    this.#items = items;
    this.#runtime = this.#makeRuntime();
  }

  get isAlive(): boolean {
    return this.#domain !== undefined;
  }

  get runtime(): StepRuntime {
    return this.#runtime;
  }

  /** Its endpoints that are not destroyed, in the order of their creation. */
  get watches(): Watch[] {
    return this.#judge.watchesOf(this.side);
  }

  get drains(): HeldDrain[] {
    return this.watches.flatMap(({ drains }) => drains);
  }

  get received(): Received[] {
    return this.watches.flatMap(({ received }) => received);
  }

  /** Starts, or starts again: the same domain id, a new incarnation. Dials or listens at once. */
  start(): void {
    this.#startCount++;
    const runtime = this.#makeRuntime();
    this.#runtime = runtime;
    const isAlive = (): boolean => this.#runtime === runtime && this.isAlive;
    const domain = createDomain({
      name: this.name,
      id: new Uint8Array(16).fill(1 + this.side),
      transports: [this.#network.factory(this.side, isAlive)],
      wait: 'park',
      runtime,
      limits,
      quota,
    });
    this.#domain = domain;
    if (this.side === Side.Dialler) this.#dial(domain);
    else this.#listen(domain);
    runtime.settle();
    runtime.run(runtime.deadlineMs);
  }

  /** Without a word. */
  crash(): void {
    this.#runtime.end();
    this.#domain = undefined;
    this.#byEndpoint.clear();
    this.#network.crash(this.side);
    this.#judge.crashed(this.side);
  }

  /** Leaves in good order; the promise settles by microtasks once nothing is left. */
  close(): Promise<void> {
    return this.#domain?.close() ?? Promise.resolve();
  }

  /** What is left of the domain, in words; empty if nothing is. */
  leftovers(): string {
    const { endpoints = 0, timersArmed = 0 } = this.#domain?.statistics() ?? {};
    const isTimed = this.#runtime.deadlineMs < Infinity;
    if (endpoints + timersArmed === 0 && !isTimed) return '';
    return `${this.name}: ${endpoints} endpoints, ${timersArmed} timers`;
  }

  submit(watch: Watch, kind: Item['kind']): void {
    this.#itemCount++;
    const item: Item = {
      id: 2 * this.#itemCount + this.side,
      kind,
      from: watch,
      epoch: watch.epoch,
      ordinal: watch.submitted.length + 1,
      isHandled: false,
      isCompleted: false,
      execution: undefined,
    };
    const body = encodeId(item.id);
    const answer =
      kind === 'message'
        ? watch.endpoint.submitMessage(body)
        : watch.endpoint.transact(
            body,
            (context, _code, execution) => {
              this.#judge.settled(context, execution);
            },
            item,
          );
    this.#judge.expect(answer >= 0, `${watch.name}: ${kind} is refused with ${answer}`);
    if (answer < 0) return;
    watch.submitted.push(item);
    this.#items.set(item.id, item);
  }

  #dial(domain: Domain): void {
    const endpoint = domain.createEndpoint(address, this.#handlers(), { name: 'a' });
    this.#watch(endpoint, domain);
  }

  #listen(domain: Domain): void {
    const listener = domain.listen(address, () => this.#handlers(), { forgetMs, peersMax: 4 });
    listener.lifecycle$.subscribe((event) => {
      if (event.type === 'endpoint') this.#watch(event.endpoint, domain);
    });
  }

  #watch(endpoint: Endpoint, domain: Domain): void {
    const ordinal = this.#byEndpoint.size + 1;
    const name = `${this.name}${this.#startCount}.${ordinal}`;
    const watch = new Watch(endpoint, this.side, domain.incarnation, name);
    this.#byEndpoint.set(endpoint, watch);
    this.#judge.add(watch);
  }

  #handlers(): EndpointHandlers {
    return {
      disconnect: (endpoint) => {
        const drain = new HeldDrain();
        this.#byEndpoint.get(endpoint)?.drains.push(drain);
        // reason: core waits for any thenable; a real promise would need a turn of the event loop
        return drain as unknown as Promise<void>;
      },
      message: (message, endpoint) => {
        this.#take(endpoint, message.bytes, message.offset, () => {
          message.complete();
        });
      },
      transaction: (transaction, endpoint) => {
        this.#take(endpoint, transaction.bytes, transaction.offset, (id) => {
          transaction.complete(encodeId(id));
        });
      },
    };
  }

  #take(endpoint: Endpoint, bytes: Uint8Array, offset: number, answer: (id: number) => void): void {
    const watch = this.#byEndpoint.get(endpoint);
    const id = new DataView(bytes.buffer, bytes.byteOffset).getUint32(offset);
    const item = this.#items.get(id);
    if (watch === undefined) return;
    this.#judge.handled(watch, item);
    if (item === undefined) return;
    const complete = (): void => {
      item.isCompleted = true;
      answer(id);
    };
    watch.received.push({ item, complete });
  }

  #makeRuntime(): StepRuntime {
    return new StepRuntime(16 * this.#startCount + this.side + 1, (error) => {
      this.#judge.expect(false, `${this.name} crashes: ${error.stack ?? error.message}`);
    });
  }
}

function encodeId(id: number): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, id);
  return bytes;
}
