/**
 * TransferCrowd: the transfer clients of all domains of a run, and the table of the world through
 * which they hand references to each other: it survives any crash, as a letter does.
 */
import type { Domain } from '../../core/index.js';
import { detour } from './detour.js';
import type { Place } from './place.js';
import type { Plan } from './plan.js';
import type { Random } from './prng.js';
import { TransferClient, type Gift, type TransferHost } from './transfer-client.js';
import { TransferLedger } from './transfer-ledger.js';
import type { TransferPlan } from './transfer-plan.js';
import type { World } from './world.js';

const giftsMax = 12;
/** Share of writes whose path gets slow under them. */
const detours = 0.1;
/** Ways that a piece and its stamp take one after another through the narrowest window. */
const passesMax = 16;
/** A way that is not there now is tried again. */
const retryMs = 250;
const proofBytes = 3_000;
const proofMs = 20_000;
const flushMsDefault = 1_000;

export class TransferCrowd implements TransferHost {
  readonly world: World;
  readonly ledger: TransferLedger;
  readonly plan: TransferPlan;
  isBusy = true;
  readonly #dials: Plan['dials'];
  readonly #gifts = new Map<string, Gift[]>();
  readonly #clients = new Map<string, TransferClient>();
  /** Links of before keep their delays, by which a write may always be too old. */
  readonly #canWrite: boolean;
  readonly #hasDetours: boolean;
  readonly #random: Random;
  #proofsOpen = 0;

  constructor(world: World, plan: Plan, transfers: TransferPlan) {
    this.world = world;
    this.plan = transfers;
    this.ledger = new TransferLedger(world, plan.limits.flushMs ?? flushMsDefault);
    this.#dials = plan.dials;
    this.#hasDetours = plan.faults.has('detour');
    this.#random = plan.random.fork('transfer crowd');
    this.#canWrite = transfers.fenceMs > passesMax * plan.weather.delayMs[1];
    world.onClosed = (place) => {
      this.ledger.closed(place);
    };
  }

  /** At each start of a domain. */
  boot(domain: Domain, place: Place): void {
    const client = new TransferClient(this, place, domain, place.random.fork(domain.incarnation));
    this.#clients.set(place.name, client);
    const sideAddress = `simulated://${place.name}-side/side`;
    if (this.plan.hasSidePaths) domain.listen(sideAddress, (offer) => offer.refuse());
    client.start();
  }

  giftsOf(place: Place): readonly Gift[] {
    return this.#gifts.get(place.name) ?? [];
  }

  give(place: Place, gift: Gift): void {
    const gifts = this.#gifts.get(place.name) ?? [];
    gifts.push(gift);
    if (gifts.length > giftsMax) gifts.shift();
    this.#gifts.set(place.name, gifts);
  }

  drop(place: Place, gift: Gift): void {
    const gifts = this.giftsOf(place).filter((other) => other !== gift);
    this.#gifts.set(place.name, gifts);
  }

  /** The best moment for a path to get slow. */
  underWay(holder: Place, owner: Place): void {
    if (!this.#hasDetours || !this.world.isFaulty || !this.#random.chance(detours)) return;
    const links = this.world.network.links.filter((link) => {
      return link.setting.host === holder.name && link.peerHost === owner.name;
    });
    detour(this.world, this.#random, links);
  }

  /** The faults have stopped: whoever has a way to an owner can write there, and read it again. */
  proveWays(): void {
    // Nobody else takes the places that there are.
    this.isBusy = false;
    for (const owner of this.#living) {
      for (const holder of this.#living) {
        if (owner === holder || !this.#hasWay(owner, holder)) continue;
        const buffer = this.ledger.addBuffer(owner.place, proofBytes, this.plan.fenceMs);
        const gift = owner.registerAs(buffer, 'readWrite');
        this.#proofsOpen += 1;
        void this.#prove(holder, gift, this.#canWrite);
      }
    }
  }

  get areWaysProven(): boolean {
    return this.#proofsOpen === 0;
  }

  finish(): void {
    this.isBusy = false;
    for (const client of this.#living) client.finish();
  }

  get isDone(): boolean {
    return this.ledger.openCount === 0;
  }

  /** Nothing is left of any transfer. */
  check(): void {
    for (const client of this.#living) client.check();
  }

  get #living(): readonly TransferClient[] {
    return [...this.#clients.values()].filter(({ life }) => life.isAlive);
  }

  #hasWay(owner: TransferClient, holder: TransferClient): boolean {
    if (this.plan.limits.addresses === undefined) return true;
    const names = new Set([owner.place.name, holder.place.name]);
    return this.#dials.some((dial) => dial.every((index) => names.has(`d${index}`)));
  }

  async #prove(holder: TransferClient, gift: Gift, isWrite: boolean): Promise<void> {
    const choice = { isWrite, offset: 0, byteLength: proofBytes, timeoutMs: proofMs };
    const code = await holder.transfer(gift, { ...choice, isAbortable: false });
    if (!holder.life.isAlive) return;
    if (code === 'OK' && !isWrite) this.#proofsOpen -= 1;
    else if (code === 'OK') void this.#prove(holder, gift, false);
    else {
      holder.place.runtime.scheduler.after(retryMs, () => {
        void this.#prove(holder, gift, isWrite);
      });
    }
  }
}
