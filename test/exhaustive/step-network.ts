/**
 * StepNetwork: the medium between the two domains of an exploration: numbered links in the order in
 * which they were dialled, and at most one listener.
 */
import {
  assert,
  Fault,
  type Accept,
  type Address,
  type LinkSink,
  type PeerIdentity,
  type Runtime,
  type Transport,
  type TransportFactory,
  type TransportListener,
} from '../../core/contract.js';
import type { Coverage } from './coverage.js';
import { frameBytesMax, Side, StepLink, type FrameRoom } from './step-link.js';

/** One link: the end that dialled, and the other one once it was accepted. */
interface Pair {
  readonly dialler: StepLink;
  listener: StepLink | undefined;
  /** The dialler gave it up, or was refused, before it arrived. */
  isWithdrawn: boolean;
}

interface Bound {
  readonly runtime: Runtime;
  readonly accept: Accept;
}

const identities = {
  proven: [makeIdentity('process', 'B'), makeIdentity('process', 'A')],
  unproven: [makeIdentity('unproven', ''), makeIdentity('unproven', '')],
} as const;

export class StepNetwork {
  readonly #identities: readonly [PeerIdentity, PeerIdentity];
  readonly #coverage: Coverage;
  readonly #room: FrameRoom;
  readonly #pairs: Pair[] = [];
  #bound: Bound | undefined = undefined;
  /** The link on which something is being delivered; links are counted from 1. */
  currentLink = 0;

  constructor(provesIdentity: boolean, room: FrameRoom, coverage: Coverage) {
    this.#identities = provesIdentity ? identities.proven : identities.unproven;
    this.#room = room;
    this.#coverage = coverage;
  }

  get linkCount(): number {
    return this.#pairs.length;
  }

  get isBound(): boolean {
    return this.#bound !== undefined;
  }

  /** Ends of links that were not told `closed`. */
  get openEnds(): number {
    const ends = this.#pairs.flatMap(({ dialler, listener }) => [dialler, listener]);
    return ends.filter((end) => end?.isClosed === false).length;
  }

  /** One domain's access to it. */
  factory(side: Side, isAlive: () => boolean): TransportFactory {
    return {
      scheme: 'step',
      create: ({ runtime }): Transport => ({
        scheme: 'step',
        capabilities: Object.freeze({
          frameBytesMax,
          crossProcess: false,
          poll: 'full',
          bulk: 'inline',
        }),
        open: (_address, sink) => this.#open(runtime, side, sink),
        listen: (address, accept) => this.#listen({ runtime, accept }, address, isAlive),
        poll: () => 0,
        park: () => true,
      }),
    };
  }

  end(number: number, side: Side): StepLink | undefined {
    const pair = this.#pairs[number - 1];
    return side === Side.Dialler ? pair?.dialler : pair?.listener;
  }

  /** A dial is on its way and somebody listens; the dialler may have died meanwhile. */
  mayArrive(number: number): boolean {
    const pair = this.#pairs[number - 1];
    if (pair === undefined || pair.listener !== undefined || pair.isWithdrawn) return false;
    return this.isBound && (pair.dialler.isDialling || pair.dialler.isReset);
  }

  mayDeliver(number: number, side: Side): boolean {
    return this.end(number, side)?.nextItem !== undefined;
  }

  mayLose(number: number, side: Side): boolean {
    return this.end(number, side)?.isOpen === true;
  }

  /** Nothing but this can happen at that end: it is no fault of the medium. */
  isLost(number: number, side: Side): boolean {
    const pair = this.#pairs[number - 1];
    const end = this.end(number, side);
    if (pair === undefined || end === undefined) return false;
    return pair.listener === undefined ? !this.isBound : end.isPeerLost;
  }

  arrive(number: number): void {
    const pair = this.#pairs[number - 1];
    const bound = this.#bound;
    assert(pair !== undefined && bound !== undefined, 'a dial and a listener');
    const end = this.#makeEnd(bound.runtime, Side.Listener, number);
    pair.listener = end;
    end.join(pair.dialler);
    this.currentLink = number;
    end.attach(bound.accept.accept(end));
    end.rise(this.#identities[Side.Listener]);
    this.currentLink = 0;
  }

  deliver(number: number, side: Side): void {
    const end = this.end(number, side);
    if (typeof end?.nextItem === 'object' && this.#isSucceeded(number)) this.#coverage.lateFrames++;
    this.currentLink = number;
    end?.deliver(this.#identities[side]);
    this.currentLink = 0;
  }

  lose(number: number, side: Side): void {
    const pair = this.#pairs[number - 1];
    if (pair === undefined) return;
    const isUnanswered = pair.listener === undefined;
    pair.isWithdrawn ||= isUnanswered;
    this.currentLink = number;
    this.end(number, side)?.lose(isUnanswered ? Fault.Refused : Fault.Reset);
    this.currentLink = 0;
  }

  /** The domain at `side` died without a word. What it sent may still arrive, or not. */
  crash(side: Side): void {
    if (side === Side.Listener) this.#bound = undefined;
    for (let number = 1; number <= this.#pairs.length; number++) this.end(number, side)?.die();
  }

  /** Dials of the dead, which have not arrived, never will. */
  calm(): void {
    for (const pair of this.#pairs) {
      if (pair.listener === undefined && pair.dialler.isReset) pair.isWithdrawn = true;
    }
  }

  #open(runtime: Runtime, side: Side, sink: LinkSink): StepLink {
    const end = this.#makeEnd(runtime, side, this.#pairs.length + 1);
    end.attach(sink);
    this.#pairs.push({ dialler: end, listener: undefined, isWithdrawn: false });
    return end;
  }

  #makeEnd(runtime: Runtime, side: Side, number: number): StepLink {
    return new StepLink(this.#room, runtime, side, (frameCount) => {
      if (this.#isSucceeded(number)) this.#coverage.lateFramesDiscarded += frameCount;
    });
  }

  #listen(bound: Bound, address: Address, isAlive: () => boolean): TransportListener {
    assert(!this.isBound, 'a single listener');
    this.#bound = bound;
    bound.runtime.scheduler.soon(() => {
      bound.accept.listening(address);
    });
    let isClosing = false;
    return {
      close: () => {
        if (isClosing || !isAlive()) return;
        isClosing = true;
        this.#bound = undefined;
        bound.runtime.scheduler.soon(() => {
          bound.accept.closed();
        });
      },
    };
  }

  /** A later link is there already. */
  #isSucceeded(number: number): boolean {
    return this.#pairs.slice(number).some(({ listener }) => listener?.isOpen === true);
  }
}

function makeIdentity(kind: PeerIdentity['kind'], name: string): PeerIdentity {
  return Object.freeze({ kind, name, origin: `step://${name}` });
}
