/**
 * SimulatedNetwork: the medium by which simulated domains meet, and everything that can befall it.
 *
 * It is an object that somebody makes and hands to each domain. Its weather is what happens by
 * chance; clogs, cuts and power cuts are what somebody does to it on purpose. All of that obeys the
 * laws of the contract, but for the three kinds of forged frames, which no legal medium produces.
 */
import { assert, Fault, type Runtime } from '../../core/contract.js';
import type { Random } from './prng.js';
import type { ReadyList } from './ready-list.js';
import type { SimulatedLink } from './simulated-link.js';
import type { SimulatedListener } from './simulated-listener.js';
import type { FrameItem } from './simulated-wire.js';
import { calmWeather, type Weather } from './weather.js';

/** What the links of one transport have in common, and what each draws for itself. */
export interface LinkSetting {
  readonly network: SimulatedNetwork;
  readonly host: string;
  readonly runtime: Runtime;
  readonly ready: ReadyList;
  readonly random: Random;
  readonly delayMs: number;
  readonly frameBytesMax: number;
  readonly windowBytes: number;
}

export interface NetworkOptions {
  readonly random: Random;
  /** True if it tells each end who the other is; otherwise identities are unproven. */
  readonly provesIdentity?: boolean;
  /** Told of whatever happens, in words. */
  readonly trace?: (event: string) => void;
}

/** Reads along; for judges. */
export interface LinkObserver {
  /** `link`'s end committed a frame. */
  committed(link: SimulatedLink, bytes: Uint8Array): void;
  /** A frame is handed to `link`'s end, before and after that. */
  taking(link: SimulatedLink, item: FrameItem): void;
  taken(link: SimulatedLink, item: FrameItem): void;
}

const deafObserver: LinkObserver = {
  committed: () => undefined,
  taking: () => undefined,
  taken: () => undefined,
};

/** How long a dialler waits for an answer that never comes. */
const dialTimeoutMs = 3_000;
/** A frame of a type that nobody knows starts with one of these. */
const unknownTypes = [0, 9, 12, 15, 24, 60, 128, 255] as const;
/**
 * Frame types of which a second copy in a row is told from the first: by its sequence, its ticket,
 * its place in an item, its count, or because its word is said once. A second refusal, goodbye or
 * ping is legal, or goes unnoticed: it hands nothing over, and misleads nobody.
 */
const tellingTypes = new Set([1, 2, 3, 5, 16, 17, 18, 19, 20, 21, 22, 23]);
/** The shortest legal frame of each type is longer than what a truncated one keeps of it. */
const leastBytes: Readonly<Partial<Record<number, number>>> = { 7: 12, 17: 12, 18: 12, 19: 12 };
const leastBytesDefault = 8;

export class SimulatedNetwork {
  readonly random: Random;
  readonly provesIdentity: boolean;
  weather: Weather = calmWeather;
  /** Pairs of hosts between which a forged frame was delivered. */
  readonly #forgedBetween = new Set<string>();
  readonly #forgedFor = new Set<string>();
  observer: LinkObserver = deafObserver;
  readonly #trace: (event: string) => void;
  readonly #listeners = new Map<string, SimulatedListener>();
  /** Names that are not free yet, although nobody listens: until when. */
  readonly #heldUntilMs = new Map<string, number>();
  /** Names at which nobody even says no. */
  readonly #darkNames = new Set<string>();
  readonly #links = new Set<SimulatedLink>();
  readonly #clearAtMs = new Map<string, number>();

  constructor(options: NetworkOptions) {
    const { random, provesIdentity = false, trace = () => undefined } = options;
    this.random = random;
    this.provesIdentity = provesIdentity;
    this.#trace = trace;
  }

  /** Ends of links that are not closed. */
  get links(): readonly SimulatedLink[] {
    return [...this.#links];
  }

  get listenerCount(): number {
    return this.#listeners.size;
  }

  /** Nothing passes from `source` to `target` before `untilMs`. */
  clog(source: string, target: string, untilMs: number): void {
    this.#trace(`clog ${source} > ${target} until ${untilMs.toFixed(3)}`);
    this.#clearAtMs.set(`${source}>${target}`, untilMs);
  }

  clearAtMs(source: string, target: string): number {
    return this.#clearAtMs.get(`${source}>${target}`) ?? 0;
  }

  /** Everything passes again, what waits with it; but who knocks at a door comes back in time. */
  unclog(): void {
    this.#clearAtMs.clear();
    for (const link of this.#links) link.unclog();
  }

  /** Cuts every link that `chosen` picks: its own end and the other learn it after their delays. */
  sever(
    chosen: (link: SimulatedLink) => boolean = () => true,
    ownDelayMs = 0,
    peerDelayMs = 0,
  ): number {
    let count = 0;
    for (const link of this.links) {
      if (link.peer === undefined || !chosen(link)) continue;
      link.cut(Fault.Reset, ownDelayMs, peerDelayMs);
      count += 1;
    }
    this.#trace(`sever ${count} links, told after ${ownDelayMs} and ${peerDelayMs} ms`);
    return count;
  }

  /**
   * One path from `source` to `target` gets slow: nothing of it arrives before `untilMs`, neither
   * what is sent nor who dials that name. Another name of `target` is reached as ever.
   */
  holdPath(source: string, target: string, name: string, untilMs: number): void {
    this.#trace(`hold ${source} > ${target} by ${name} until ${untilMs.toFixed(3)}`);
    this.#clearAtMs.set(doorKey(source, name), untilMs);
    for (const link of this.links) {
      if (isOfPath(link, source, target, name)) link.holdSent(untilMs);
    }
  }

  /** `source` loses that path at once; `target` learns it later, and gets what was on its way. */
  leavePath(source: string, target: string, name: string, lateMs: number): void {
    this.sever((link) => isOfPath(link, source, target, name), 0, lateMs);
  }

  /**
   * `host` has stopped for good. The others learn it after `learnDelayMs`, or never by themselves;
   * its names stay taken for `holdMs`, and dark if nobody is there to say no.
   */
  cutPower(host: string, learnDelayMs: number, holdMs: number, isDark: boolean): void {
    for (const [name, listener] of [...this.#listeners]) {
      if (listener.setting.host !== host) continue;
      this.#listeners.delete(name);
      this.#heldUntilMs.set(name, listener.setting.runtime.clock.now() + holdMs);
      if (isDark) this.#darkNames.add(name);
    }
    for (const link of this.links) {
      if (link.setting.host !== host) continue;
      this.#links.delete(link);
      if (learnDelayMs < Infinity) link.cut(Fault.Reset, Infinity, learnDelayMs);
    }
  }

  /** What becomes of a frame on its way: itself, unless the weather is below the laws. @internal */
  mangle(bytes: Uint8Array): readonly FrameItem[] {
    const { duplicatedFrames, truncatedFrames, garbledFrames } = this.weather;
    const honest: FrameItem = { kind: 'frame', bytes, isForged: false, isTelling: false };
    if (duplicatedFrames + truncatedFrames + garbledFrames === 0) return [honest];
    if (this.random.chance(truncatedFrames)) {
      const most = (leastBytes[bytes[0] ?? 0] ?? leastBytesDefault) - 1;
      return [this.#forge(bytes.slice(0, this.random.between(1, most)), true)];
    }
    if (this.random.chance(garbledFrames)) {
      const garbage = new Uint8Array(bytes.length);
      this.random.fill(garbage);
      garbage[0] = this.random.pick(unknownTypes);
      return [this.#forge(garbage, true)];
    }
    if (!this.random.chance(duplicatedFrames)) return [honest];
    return [honest, this.#forge(bytes, tellingTypes.has(bytes[0] ?? 0))];
  }

  /** True if one of the two was ever given a forged frame that came from the other. */
  hasForgedBetween(host: string, other: string): boolean {
    return this.#forgedBetween.has(`${host} ${other}`);
  }

  /** True if `host` was ever given a forged frame. */
  hasForgedFor(host: string): boolean {
    return this.#forgedFor.has(host);
  }

  /** @internal */
  noteForgedTaken(link: SimulatedLink): void {
    const host = link.peerHost;
    this.#forgedFor.add(link.setting.host);
    this.#forgedBetween.add(`${link.setting.host} ${host}`);
    this.#forgedBetween.add(`${host} ${link.setting.host}`);
  }

  /** False if the name is taken. @internal */
  bind(listener: SimulatedListener): boolean {
    const { name } = listener;
    const isHeld = (this.#heldUntilMs.get(name) ?? 0) > listener.setting.runtime.clock.now();
    if (isHeld || this.#listeners.has(name)) return false;
    if (this.random.chance(this.weather.refusedListens)) return false;
    this.#heldUntilMs.delete(name);
    this.#darkNames.delete(name);
    this.#listeners.set(name, listener);
    return true;
  }

  /** @internal */
  unbind(listener: SimulatedListener): void {
    if (this.#listeners.get(listener.name) === listener) this.#listeners.delete(listener.name);
  }

  /** @internal */
  add(link: SimulatedLink): void {
    this.#links.add(link);
  }

  /** @internal */
  forget(link: SimulatedLink): void {
    this.#links.delete(link);
    this.#listeners.get(link.name)?.withdraw(link);
  }

  /** Sends the dialler on its way to the listener of its name. @internal */
  dial(dialler: SimulatedLink): void {
    const { refusedDials, lostDials, slowDials } = this.weather;
    const { random } = this;
    const slowMs = random.chance(slowDials) ? random.between(100, 2_500) : 0;
    const delayMs = dialler.setting.delayMs + slowMs;
    const isLost = random.chance(lostDials);
    const isRefused = random.chance(refusedDials);
    dialler.after(dialTimeoutMs, () => {
      if (dialler.isDialling) dialler.fail(Fault.TimedOut);
    });
    if (isLost) return;
    dialler.after(delayMs, () => {
      if (isRefused) dialler.fail(Fault.Refused);
      else this.#knock(dialler);
    });
  }

  #knock(dialler: SimulatedLink): void {
    assert(!dialler.isClosed, 'a closed link has no timers');
    if (!dialler.isDialling) return;
    const listener = this.#listeners.get(dialler.name);
    if (listener === undefined) {
      if (!this.#darkNames.has(dialler.name)) dialler.fail(Fault.Refused);
      return;
    }
    const nowMs = dialler.setting.runtime.clock.now();
    const { host } = dialler.setting;
    const doorAtMs = this.#clearAtMs.get(doorKey(host, dialler.name)) ?? 0;
    const clearAtMs = Math.max(doorAtMs, this.clearAtMs(host, listener.setting.host));
    if (clearAtMs > nowMs) dialler.after(clearAtMs - nowMs, () => this.#knock(dialler));
    else listener.ring(dialler);
  }

  #forge(bytes: Uint8Array, isTelling: boolean): FrameItem {
    this.#trace(`a forged frame of type ${bytes[0] ?? 0}, ${bytes.length} bytes`);
    return { kind: 'frame', bytes, isForged: true, isTelling };
  }
}

function isOfPath(link: SimulatedLink, source: string, target: string, name: string): boolean {
  return link.setting.host === source && link.peerHost === target && link.name === name;
}

function doorKey(source: string, name: string): string {
  return `${source} at ${name}`;
}
