/**
 * Judge: holds everything that the two domains tell their clients against the invariants V1 to V4.
 *
 * It sees both ends, which no client can. What it finds is noted, not thrown: an exception would
 * meet code of core that is not meant to handle it. The first breach is the one that counts.
 */
import type { DisconnectEvent, Execution, LifecycleEvent } from '../../core/index.js';
import type { Coverage } from './coverage.js';
import { Side } from './step-link.js';
import type { Item, Watch } from './watch.js';

/** What has to be the case before each notification, and what is after it. */
const grammar = {
  appear: { from: 'absent', to: 'appeared' },
  connect: { from: 'appeared', to: 'connected' },
  disconnect: { from: 'connected', to: 'appeared' },
  disappear: { from: 'appeared', to: 'absent' },
  destroyed: { from: 'absent', to: 'destroyed' },
} as const;

export class Judge {
  readonly #coverage: Coverage;
  readonly #currentLink: () => number;
  readonly #log: (line: string) => void;
  /** The endpoints of living domains that are not destroyed. */
  readonly #watches = new Set<Watch>();
  #breach: string | undefined = undefined;

  /** `currentLink` tells on which link something is being delivered. */
  constructor(coverage: Coverage, currentLink: () => number, log: (line: string) => void) {
    this.#coverage = coverage;
    this.#currentLink = currentLink;
    this.#log = log;
  }

  get breach(): string | undefined {
    return this.#breach;
  }

  watchesOf(side: Side): Watch[] {
    return [...this.#watches].filter((watch) => watch.side === side);
  }

  expect(holds: boolean, claim: string): void {
    if (holds || this.#breach !== undefined) return;
    this.#breach = claim;
    this.#log(`BREACH ${claim}`);
  }

  add(watch: Watch): void {
    this.#watches.add(watch);
    watch.endpoint.lifecycle$.subscribe((event) => {
      this.#take(watch, event);
    });
  }

  /** The domain at `side` died: nothing of it has to hold any more. */
  crashed(side: Side): void {
    for (const watch of this.watchesOf(side)) this.#watches.delete(watch);
  }

  /** True if both ends are in one epoch on one link, and no end is in any other. */
  get isMatched(): boolean {
    const open = [...this.#watches].filter(({ phase }) => phase === 'connected');
    const [one, other] = open;
    if (one === undefined || other === undefined || open.length !== 2) return false;
    const isPair = one.side !== other.side && this.#isPair(one, other);
    return isPair && one.epoch === other.epoch;
  }

  /** V2: what arrives was submitted by this peer, in this epoch, and has not arrived before. */
  handled(watch: Watch, item: Item | undefined): void {
    const what = `${watch.name}: item ${item?.id ?? '?'}`;
    this.#log(`${watch.name} handles ${item?.kind ?? 'a stranger'} ${item?.id ?? ''}`);
    this.expect(watch.phase === 'connected', `V2 ${what} is handled while ${watch.phase}`);
    if (item === undefined) {
      this.expect(false, `V2 ${what} was never submitted`);
      return;
    }
    const { from, epoch } = item;
    this.expect(epoch === watch.epoch, `V2 ${what} of epoch ${epoch} arrives in ${watch.epoch}`);
    const isPeer = this.#isPair(watch, from) && from.links.get(epoch) === watch.links.get(epoch);
    this.expect(isPeer, `V2 ${what} comes from ${from.name}`);
    this.expect(!item.isHandled, `V6 ${what} is handled twice`);
    const verdict = item.execution ?? 'done';
    this.expect(verdict !== 'never', `V4 ${what} is handled after it ended never`);
    item.isHandled = true;
  }

  /** V3 and V4: the one end of an item. */
  settled(item: Item, execution: Execution): void {
    const what = `${item.from.name}: item ${item.id}`;
    this.#log(`${item.from.name} settles ${item.id} ${execution}`);
    this.expect(item.execution === undefined, `V3 ${what} settles a second time`);
    if (execution === 'never') this.expect(!item.isHandled, `V4 ${what} was handled, not never`);
    if (execution === 'done') this.expect(item.isCompleted, `V4 ${what} was not completed`);
    item.execution = execution;
    this.#coverage[execution]++;
  }

  #take(watch: Watch, event: LifecycleEvent): void {
    const { type } = event;
    const detail = 'epoch' in event ? ` ${event.epoch}` : '';
    const cause = 'fault' in event ? event.fault : 'reason' in event ? event.reason : '';
    this.#log(`${watch.name} ${type}${detail} ${cause}`);
    this.expect(this.#watches.has(watch), `${watch.name}: ${type} after its end`);
    this.expect(cause.toLowerCase() !== 'corrupt', `V12 ${watch.name}: CORRUPT among honest peers`);
    if (type === 'attempt') return;
    const { from, to } = grammar[type];
    this.expect(watch.phase === from, `grammar: ${watch.name}: ${type} while ${watch.phase}`);
    if (type === 'connect') this.#connect(watch, event.epoch);
    watch.phase = to;
    if (type === 'disconnect') this.#disconnect(watch, event);
    else if (type === 'disappear') this.#coverage.disappearances++;
    else if (type === 'destroyed') this.#destroyed(watch);
  }

  /** V1: when an epoch opens at one end, neither end still has anything of an older one. */
  #connect(watch: Watch, epoch: number): void {
    const what = `V1 ${watch.name}: epoch ${epoch} opens`;
    this.expect(epoch > watch.epoch, `${what} after ${watch.epoch}`);
    const own = watch.oldestOpenEpoch;
    this.expect(own === Infinity, `${what}, but its own ${own} is not drained`);
    const link = this.#currentLink();
    this.expect(link > 0, `${what} without a link`);
    this.#coverage.connects++;
    if (watch.epoch > 0) this.#coverage.reconnects++;
    watch.epoch = epoch;
    watch.links.set(epoch, link);
    watch.submitted = [];
    const isDialler = watch.side === Side.Dialler;
    const others = this.watchesOf(isDialler ? Side.Listener : Side.Dialler);
    for (const other of others) {
      if (this.#isPair(watch, other)) this.#compare(what, watch, other);
    }
  }

  #compare(what: string, watch: Watch, other: Watch): void {
    const { epoch } = watch;
    const older = other.oldestOpenEpoch;
    this.expect(older >= epoch, `${what}, but at ${other.name} ${older} is not drained`);
    const isInStep = other.phase !== 'connected' || other.epoch === epoch;
    this.expect(isInStep, `${what}, but ${other.name} is in ${other.epoch}`);
    this.expect(other.epoch <= epoch, `${what}, but ${other.name} was in ${other.epoch} already`);
    const link = watch.links.get(epoch);
    const otherLink = other.links.get(epoch);
    const isSame = otherLink === undefined || otherLink === link;
    this.expect(isSame, `${what} on link ${link ?? 0}, at ${other.name} on ${otherLink ?? 0}`);
    if (watch.side === Side.Dialler) {
      const { dialled } = other;
      const former = dialled.get(epoch) ?? link;
      this.expect(former === link, `${what} on link ${link ?? 0}, once that of ${former ?? 0}`);
      dialled.set(epoch, link ?? 0);
      return;
    }
    this.expect(otherLink === link, `${what} before ${other.name} confirmed it`);
  }

  #disconnect(watch: Watch, event: DisconnectEvent): void {
    const { epoch, submittedThrough, handledThrough, neverFrom, reason } = event;
    const what = `${watch.name}: disconnect ${epoch}`;
    this.expect(epoch === watch.epoch, `${what} in ${watch.epoch}`);
    const count = watch.submitted.length;
    this.expect(submittedThrough === count, `V4 ${what}: ${count} were submitted`);
    const known = watch.handledThrough;
    this.expect(handledThrough <= known, `V4 ${what}: only ${known} were handled`);
    this.expect(neverFrom > known, `V4 ${what}: ${known} were handled`);
    if (reason === 'SILENT') this.#coverage.silences++;
    for (const item of watch.submitted) {
      if (item.kind === 'transaction') {
        this.expect(item.execution !== undefined, `V3 ${what}: ${item.id} has not settled`);
      } else {
        this.settled(item, outcomeOf(item, handledThrough, neverFrom));
      }
    }
    if (watch.side === Side.Dialler) this.#countHalf(watch);
  }

  /** The dialler leaves an epoch: did the listener ever see it? */
  #countHalf(watch: Watch): void {
    const { peer } = watch.endpoint;
    const others = this.watchesOf(Side.Listener);
    const isKnown = others.some((other) => other.incarnation === peer?.incarnation);
    const isShared = others.some((other) => other.links.get(watch.epoch) !== undefined);
    if (isKnown && !isShared) this.#coverage.halfEpochs++;
  }

  #destroyed(watch: Watch): void {
    this.expect(watch.oldestOpenEpoch === Infinity, `${watch.name}: destroyed before its drain`);
    this.#watches.delete(watch);
  }

  /** They are or were the ends of one connection, and neither was restarted since. */
  #isPair(one: Watch, other: Watch): boolean {
    const isKnownTo = (watch: Watch, peer: Watch): boolean =>
      watch.endpoint.peer?.incarnation === peer.incarnation;
    return isKnownTo(one, other) && isKnownTo(other, one);
  }
}

/** What the disconnect says of a message; one whose credit came back is done. */
function outcomeOf(item: Item, handledThrough: number, neverFrom: number): Execution {
  if (item.ordinal >= neverFrom) return 'never';
  return item.ordinal <= handledThrough && item.isCompleted ? 'done' : 'maybe';
}
