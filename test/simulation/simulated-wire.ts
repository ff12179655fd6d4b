/**
 * SimulatedWire: one direction of a link. What is sent arrives later, in order, at the receiver's
 * inbox; the receiver's own runtime lets it arrive, so nothing reaches a domain that has ended.
 */
import type { Runtime, Timer } from '../../core/contract.js';
import type { Random } from './prng.js';

export type WireItem = { readonly kind: 'accepted' | 'finished' } | FrameItem;

export interface FrameItem {
  readonly kind: 'frame';
  readonly bytes: Uint8Array;
  /** No legal medium would have brought it. */
  readonly isForged: boolean;
  /** Whoever is handed it has to see that (V12); a second copy of some frames changes nothing. */
  readonly isTelling: boolean;
}

interface Parcel {
  readonly item: WireItem;
  readonly dueMs: number;
}

/** How a direction behaves: what its link drew once, and what the network says at each moment. */
export interface WireSetting {
  readonly random: Random;
  readonly delayMs: number;
  jitterMs(): number;
  /** Nothing arrives before this point in time. */
  clearAtMs(): number;
}

export class SimulatedWire {
  readonly #setting: WireSetting;
  readonly #receiver: Runtime;
  readonly #onArrival: () => void;
  #parcels: Parcel[] = [];
  #inbox: WireItem[] = [];
  #lastDueMs = 0;
  #timer: Timer | undefined = undefined;
  #inFlightBytes = 0;
  #heldUntilMs = 0;
  #isCut = false;

  constructor(setting: WireSetting, receiver: Runtime, onArrival: () => void) {
    this.#setting = setting;
    this.#receiver = receiver;
    this.#onArrival = onArrival;
  }

  /** Sent, and not read by the receiver. */
  get inFlightBytes(): number {
    return this.#inFlightBytes;
  }

  get hasArrived(): boolean {
    return this.#inbox.length > 0;
  }

  /** How long something would take that is sent now. */
  drawDelay(): number {
    return this.#setting.delayMs + this.#setting.jitterMs() * this.#setting.random.fraction();
  }

  send(item: WireItem): void {
    if (this.#isCut) return;
    if (item.kind === 'frame') this.#inFlightBytes += item.bytes.length;
    const dueMs = this.#receiver.clock.now() + this.drawDelay();
    this.#lastDueMs = Math.max(dueMs, this.#lastDueMs);
    this.#parcels.push({ item, dueMs: this.#lastDueMs });
    if (this.#timer === undefined) this.#await(this.#lastDueMs);
  }

  /** The oldest thing that arrived. */
  take(): WireItem | undefined {
    const item = this.#inbox.shift();
    if (item?.kind === 'frame') this.#inFlightBytes -= item.bytes.length;
    return item;
  }

  /** What was sent and has not arrived does so no sooner than then. */
  hold(untilMs: number): void {
    this.#heldUntilMs = Math.max(this.#heldUntilMs, untilMs);
  }

  /** What is on its way arrives when it would have without a clog, and unless it was held. */
  unclog(): void {
    this.#heldUntilMs = 0;
    const [following] = this.#parcels;
    if (following === undefined || this.#timer === undefined) return;
    this.#timer.cancel();
    this.#await(following.dueMs);
  }

  /** Nothing more is taken; what is on its way may still arrive. */
  cut(): void {
    this.#isCut = true;
  }

  /** Nothing more arrives. */
  stop(): void {
    this.#isCut = true;
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#parcels = [];
    this.#inbox = [];
    this.#inFlightBytes = 0;
  }

  #await(dueMs: number): void {
    const delayMs = Math.max(0, dueMs - this.#receiver.clock.now());
    this.#timer = this.#receiver.scheduler.after(delayMs, () => {
      this.#timer = undefined;
      this.#arrive();
    });
  }

  #arrive(): void {
    const nowMs = this.#receiver.clock.now();
    const clearAtMs = Math.max(this.#setting.clearAtMs(), this.#heldUntilMs);
    if (clearAtMs > nowMs) {
      this.#await(clearAtMs);
      return;
    }
    let count = 0;
    for (const parcel of this.#parcels) {
      if (parcel.dueMs > nowMs) break;
      this.#inbox.push(parcel.item);
      count += 1;
    }
    this.#parcels.splice(0, count);
    const following = this.#parcels[0];
    if (following !== undefined) this.#await(following.dueMs);
    if (count > 0) this.#onArrival();
  }
}
