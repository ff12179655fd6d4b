/** Crowd: the clients of all domains of a run, and the endpoints and listeners that they use. */
import type { Domain, Listener, OfferHandler } from '../../core/index.js';
import { Client, type ClientHost } from './client.js';
import { Ledger } from './ledger.js';
import type { Place } from './place.js';
import type { Plan } from './plan.js';
import type { Random } from './prng.js';
import { drawProfile, type Profile } from './profile.js';
import { drainDefaultMs, type Watch } from './watch.js';
import type { World } from './world.js';

/** One domain's dial to another, life after life. */
interface Dial {
  readonly from: string;
  readonly address: string;
  readonly name: string;
  readonly profile: Profile;
  client: Client | undefined;
  isLeaving: boolean;
  /** Endpoints that were made for it. */
  count: number;
}

interface Service {
  readonly place: string;
  readonly address: string;
  readonly profile: Profile;
  listener: Listener | undefined;
}

/** Beyond `drainMs`: the goodbye, the closing of links, ticks of timers. */
const destroySlackMs = 2_600;

export class Crowd implements ClientHost {
  readonly world: World;
  readonly ledger: Ledger;
  isBusy = true;
  isPatient = true;
  readonly #plan: Plan;
  readonly #random: Random;
  readonly #dials: Dial[] = [];
  readonly #services: Service[] = [];
  /** Of endpoints that are not destroyed. */
  readonly #clients = new Set<Client>();
  #clientCount = 0;

  constructor(world: World, plan: Plan) {
    this.world = world;
    this.#plan = plan;
    this.ledger = new Ledger(world);
    this.#random = plan.random.fork('crowd');
    const draw = (label: string): Profile =>
      drawProfile(plan.random.fork(`profile ${label}`), (what) => plan.faults.has(what));
    for (let index = 0; index < plan.domainCount; index++) {
      const place = `d${index}`;
      const address = `simulated://${place}/service`;
      this.#services.push({ place, address, profile: draw(place), listener: undefined });
    }
    for (const [index, [from, to]] of plan.dials.entries()) {
      const name = `dial-${index}`;
      const address = `simulated://d${to}/service`;
      const common = { from: `d${from}`, address, name, profile: draw(name) };
      this.#dials.push({ ...common, client: undefined, isLeaving: false, count: 0 });
    }
  }

  /** Listens and dials as the plan says; at each start of the domain. */
  boot(domain: Domain, place: Place): void {
    for (const service of this.#services) {
      if (service.place === place.name) this.#listen(domain, place, service);
    }
    for (const dial of this.#dials) {
      if (dial.from === place.name) this.#dial(domain, place, dial);
    }
  }

  /** The dialling endpoints of domains that are up. */
  get diallers(): readonly Watch[] {
    const clients = this.#dials.map(({ client }) => client);
    return clients.flatMap((client) => client?.watch ?? []).filter((watch) => watch.life.isAlive);
  }

  relayFrom(client: Client): Client | undefined {
    const mine = this.#dials.filter((dial) => dial.from === client.place.name);
    const [first] = mine;
    if (first === undefined) return undefined;
    return this.#random.pick(mine).client;
  }

  recreateEndpoint(random: Random): void {
    this.#recreate(random.pick(this.#dials), random);
  }

  giveUp(client: Client, random: Random): void {
    const dial = this.#dials.find((candidate) => candidate.client === client);
    const { watch } = client;
    if (dial !== undefined) this.#recreate(dial, random);
    else if (watch?.life.isAlive === true) void this.#destroy(watch, random);
  }

  /** Whoever will never drain is given up; its peers find another in its place. */
  giveUpEndless(random: Random): void {
    for (const client of this.#clients) {
      if (client.isEndless && client.watch?.isDestroyed === false) this.giveUp(client, random);
    }
  }

  /** V7: nothing of any quota is in use, however slowly the last word of it travelled. */
  get isQuotaFree(): boolean {
    const { watchRoom, network } = this.world;
    return watchRoom.watches.every(({ endpoint, place }) => {
      const { messagesOutstanding, transactionsOutstanding } = endpoint.statistics();
      const isFree = messagesOutstanding + transactionsOutstanding === 0;
      return isFree || network.hasForgedFor(place.name);
    });
  }

  /** Every client that has a living peer uses up what it was granted. */
  fillQuotas(): void {
    const { watchRoom } = this.world;
    for (const client of this.#clients) {
      const { watch } = client;
      if (watch?.life.isAlive === true && watchRoom.isMatched(watch)) client.fillQuota();
    }
  }

  /** Destroys a dialling endpoint, and makes a new one of its name once it is gone. */
  #recreate(dial: Dial, random: Random): void {
    const watch = dial.client?.watch;
    const place = this.world.place(dial.from);
    if (watch?.life.isAlive !== true || dial.isLeaving || place.isClosing) return;
    dial.isLeaving = true;
    void this.#destroy(watch, random).then(() => {
      dial.isLeaving = false;
      const { domain } = place;
      if (domain === undefined || !watch.life.isAlive || place.isClosing) return;
      this.#dial(domain, place, dial);
    });
  }

  #destroy(watch: Watch, random: Random): Promise<void> {
    const drainMs = random.pick([0, 50, drainDefaultMs]);
    if (!watch.isGivenUp) this.world.log(watch.name, `destroy, ${drainMs} ms to drain`);
    return watch.destroy(drainMs, destroySlackMs);
  }

  reopenListener(random: Random): void {
    const service = random.pick(this.#services);
    const place = this.world.place(service.place);
    const { domain, life } = place;
    const { listener } = service;
    if (domain === undefined || listener === undefined || place.isClosing) return;
    service.listener = undefined;
    this.world.log(service.place, 'closes its listener');
    void listener.close().then(() => {
      if (life.isAlive && !place.isClosing) this.#listen(domain, place, service);
    });
  }

  #listen(domain: Domain, place: Place, service: Service): void {
    const { forgetMs } = this.#plan;
    const offered: OfferHandler = (offer) => {
      const isUnwanted = this.#plan.faults.has('offers') && this.world.isFaulty;
      if (isUnwanted && this.#random.chance(0.3)) return offer.refuse('EXHAUSTED');
      return this.#makeClient(place, service.profile).handlers;
    };
    service.listener = domain.listen(service.address, offered, { forgetMs });
  }

  #dial(domain: Domain, place: Place, dial: Dial): void {
    dial.isLeaving = false;
    dial.client = this.#makeClient(place, dial.profile);
    const { address } = dial;
    dial.count += 1;
    // Where nobody proves who he is, one who comes without the token of his predecessor is another.
    const isSame = this.world.network.provesIdentity;
    const name = isSame ? dial.name : `${dial.name}-${dial.count}`;
    dial.client.attach(domain.createEndpoint(address, dial.client.handlers, { name }));
  }

  #makeClient(place: Place, profile: Profile): Client {
    this.#clientCount += 1;
    const random = place.random.fork(`client ${this.#clientCount}`);
    for (const other of this.#clients) {
      if (other.watch?.life.isAlive === false || other.watch?.isDestroyed === true) {
        this.#clients.delete(other);
      }
    }
    const client = new Client(this, place, profile, random);
    this.#clients.add(client);
    return client;
  }
}
