/**
 * WireTap: reads along on every link of a world, and knows whose it is: the greeting names the
 * dialling endpoint, the confirmation opens the epoch. It gathers the evidence by which outcomes
 * are judged (V4), holds goodbyes to the truth, and sees what becomes of forged frames (V12).
 */
import { ByteArea } from '../../core/byte-area.js';
import { FrameType } from '../../core/frame.js';
import { decodeGreeting } from '../../core/greeting.js';
import { Evidence } from './evidence.js';
import type { SimulatedLink } from './simulated-link.js';
import type { LinkObserver } from './simulated-network.js';
import type { FrameItem } from './simulated-wire.js';
import type { Watch } from './watch.js';
import type { World } from './world.js';

/** One end of a link. */
interface Side {
  watch: Watch | undefined;
  /** Of what this side submits; set once the dialler has confirmed the epoch. */
  evidence: Evidence | undefined;
  /** A goodbye was committed here, or handed over here: the session is leaving. */
  hasSaidGoodbye: boolean;
  hasHeardGoodbye: boolean;
  other: Side | undefined;
}

export class WireTap implements LinkObserver {
  readonly #world: World;
  readonly #sides = new WeakMap<SimulatedLink, Side>();
  /** Who is being handed a forged frame. */
  #forgedFor: Side | undefined = undefined;

  constructor(world: World) {
    this.#world = world;
  }

  committed(link: SimulatedLink, bytes: Uint8Array): void {
    const type = bytes[0];
    if (type === FrameType.Hello) this.#meet(link, bytes);
    const side = this.#sides.get(link);
    if (side === undefined) return;
    const area = new ByteArea(bytes);
    if (type === FrameType.Confirm) this.#open(side, area.getWord(4));
    else if (type === FrameType.Goodbye) this.#sayGoodbye(side, area.getWord(4));
    const isNew = side.evidence?.committed(bytes) ?? true;
    this.#expect(isNew, side, 'V6 nothing is submitted again, and everything in order');
  }

  taking(link: SimulatedLink, { bytes, isForged }: FrameItem): void {
    const side = this.#sides.get(link);
    if (isForged) this.#forgedFor = side;
    if (isForged || side === undefined) return;
    if (bytes[0] === FrameType.Goodbye) side.hasHeardGoodbye = true;
    side.evidence?.taken(bytes);
  }

  taken(link: SimulatedLink, { bytes, isForged, isTelling }: FrameItem): void {
    this.#forgedFor = undefined;
    const side = this.#sides.get(link);
    if (bytes[0] === FrameType.Confirm && side?.watch === undefined) this.#recognise(side);
    if (!isForged || !isTelling || link.isOver) return;
    this.#world.expectEnd(link);
    if (side === undefined || isLeaving(side)) return;
    const claim = `V12 a forged frame of type ${bytes[0] ?? 0} was taken for a legal one`;
    this.#expect(false, side, claim);
  }

  /** True if what `watch` is told now is the consequence of a forged frame. */
  isForgedFor(watch: Watch): boolean {
    const side = this.#forgedFor;
    return side !== undefined && side.watch === watch && !isLeaving(side);
  }

  #meet(dialler: SimulatedLink, bytes: Uint8Array): void {
    const greeting = decodeGreeting(new ByteArea(bytes), 0, bytes.length);
    const { peer } = dialler;
    if (typeof greeting === 'string' || peer === undefined) return;
    const watch = this.#world.watchRoom.diallerOf(dialler.setting.host, greeting.endpointName);
    const near = makeSide(watch);
    const far = makeSide(undefined);
    near.other = far;
    far.other = near;
    this.#sides.set(dialler, near);
    this.#sides.set(peer, far);
  }

  #open(dialler: Side, epoch: number): void {
    dialler.evidence = new Evidence(epoch);
    if (dialler.watch !== undefined) dialler.watch.evidence = dialler.evidence;
    if (dialler.other !== undefined) dialler.other.evidence = new Evidence(epoch);
  }

  /** The accepting endpoint has just connected. */
  #recognise(acceptor: Side | undefined): void {
    const other = acceptor?.other;
    const evidence = acceptor?.evidence;
    if (acceptor === undefined || other?.watch === undefined || evidence === undefined) return;
    const watch = this.#world.watchRoom.acceptorOf(other.watch, evidence.epoch);
    acceptor.watch = watch;
    if (watch !== undefined) watch.evidence = evidence;
  }

  /** V4: a goodbye says exactly how far the handlers of its side were given requests. */
  #sayGoodbye(side: Side, handledThrough: number): void {
    side.hasSaidGoodbye = true;
    const { watch, evidence } = side;
    if (watch?.isBooked !== true || watch.epoch !== evidence?.epoch) return;
    const truth = watch.receivedThrough;
    const claim = `V4 the goodbye says ${handledThrough}, but ${truth} were handled`;
    this.#expect(handledThrough === truth, side, claim);
    watch.isFarewellSaid = true;
  }

  #expect(holds: boolean, side: Side, claim: string): void {
    this.#world.expect(holds, claim, side.watch?.name ?? 'an accepting end');
  }
}

function makeSide(watch: Watch | undefined): Side {
  const evidence = undefined;
  return { watch, evidence, hasSaidGoodbye: false, hasHeardGoodbye: false, other: undefined };
}

/** What arrives while an end is leaving is ignored, forged or not. */
function isLeaving(side: Side): boolean {
  const isGivenUp = side.watch !== undefined && side.watch.endpoint.state !== 'connected';
  return side.hasSaidGoodbye || side.hasHeardGoodbye || (isGivenUp && side.evidence !== undefined);
}
