/**
 * Row: domains of which each reaches its neighbours and nobody else, unless the owner listens. The
 * first one owns, the last one uses, and references go from each to the next.
 */
import type { Domain, RemoteBufferReference } from '../../../core/index.js';
import type { Actor } from '../endpoint/actor.js';
import type { Service, Stage } from '../endpoint/stage.js';
import { handOver, pieceBytes } from './sides.js';

const transfers = { pieceBytes };

export interface Row {
  readonly domains: readonly Domain[];
  readonly owner: Domain;
  readonly between: readonly Domain[];
  readonly user: Domain;
  /** Of the endpoint between each domain and the next: the end of the former. */
  readonly ends: readonly Actor[];
  /** Where the domain listens, if it does. */
  addressAt(index: number): string;
}

export interface RowOptions {
  /** Then its references tell where, and everybody can reach it. */
  readonly ownerListens?: boolean;
}

/** Makes a row of so many domains, called `d0` and so on; all their endpoints are muted. */
export async function makeRow(stage: Stage, count: number, options: RowOptions = {}): Promise<Row> {
  const owner = stage.domain('d0', { transfers });
  if (options.ownerListens === true) await stage.listen(owner, 'owner');
  const domains = [owner];
  const services: Service[] = [];
  const ends: Actor[] = [];
  for (let index = 1; index < count; index++) {
    const domain = stage.domain(`d${index}`, { transfers });
    const before = services.at(-1);
    domains.push(domain);
    if (before !== undefined) ends.push(await connect(stage, domain, before, 'back'));
    if (index < count - 1) services.push(await stage.listen(domain, `s${index}`));
    const [first] = services;
    if (index === 1 && first !== undefined) ends.push(await connect(stage, owner, first, 'front'));
  }
  stage.mute();
  return {
    domains,
    owner,
    between: domains.slice(1, -1),
    user: domains[count - 1] ?? owner,
    ends,
    addressAt: (index) => services[index - 1]?.address ?? '',
  };
}

/** Passes the reference on, from the first domain to the last one. */
export async function passOn(
  row: Row,
  reference: RemoteBufferReference,
): Promise<RemoteBufferReference> {
  let latest = reference;
  for (const end of row.ends) latest = await handOver(end, latest);
  return latest;
}

/** Connects the domain to the service; answers the end that is wanted. */
async function connect(
  stage: Stage,
  domain: Domain,
  service: Service,
  wanted: 'front' | 'back',
): Promise<Actor> {
  const front = stage.dial(domain, domain.name, service.address);
  const findBack = (): Actor | undefined => {
    return service.actors.find((actor) => actor.endpoint.peer?.domainId === domain.id);
  };
  await stage.until(`${domain.name} is connected`, () => {
    return front.isConnected && findBack()?.isConnected === true;
  });
  const back = findBack();
  if (back === undefined) throw new Error('it was found');
  front.other = back;
  back.other = front;
  return wanted === 'front' ? front : back;
}
