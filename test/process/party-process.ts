/**
 * The process of one party: `node party-process.js OPTIONS`, made by `Party`. It dials, listens, or
 * does both; each endpoint submits and handles. It ends by itself once its domain is closed.
 */
import { readdirSync, readlinkSync } from 'node:fs';

import { createDomain, type Domain, type Listener } from 'idc';
import { tcp } from 'idc/tcp';

import { Journal } from './journal.js';
import { Member } from './member.js';
import { Quiet } from './quiet.js';
import { Standstill } from './standstill.js';
import {
  forgetMs,
  frameBytesMax,
  type Command,
  type Note,
  type PartyOptions,
  type Report,
} from './setup.js';

// reason: the parent made the text from this type
const options = JSON.parse(process.argv[2] ?? '') as PartyOptions;
const journal = new Journal(options.journalPath);
const quiet = new Quiet();
const standstill = new Standstill();
const descriptorsBefore = listDescriptors();
/** A link that ends may hold its socket for a second after its endpoint, by law L8. */
const closedWithinMs = 10_000;
const lookMs = 10;
let members: Member[] = [];
let memberCount = 0;
const domain = createDomain({
  name: options.name,
  transports: [tcp({ frameBytesMax })],
  quota: options.quota,
  limits: options.limits,
});
let listener: Listener | undefined = undefined;
let seed = 0;
let isLoaded = false;
let isHolding = true;
let idCount = 0;
let submittedCount = 0;

function tell(note: Note): void {
  process.send?.(note);
}

function nextId(): string {
  submittedCount++;
  if (submittedCount % 8 === 0) tell({ note: 'submitted', count: submittedCount });
  return `${options.name}-${++idCount}`;
}

function addMember(link: string): Member {
  members = members.filter((known) => !known.isGone);
  const name = `${options.name}/${++memberCount}`;
  const { tickMs, burstMax } = options;
  const around = { name, link, journal, quiet, tell, nextId, rate: { tickMs, burstMax } };
  const member = new Member(around, seed + memberCount);
  members.push(member);
  member.witness.isHolding = isHolding;
  return member;
}

function attach(member: Member): void {
  if (isLoaded) member.load?.start(seed + memberCount);
}

function dialAll(): void {
  const links: string[] = [];
  for (let count = 0; count < options.dialCount; count++) {
    const name = `load-${memberCount + 1}`;
    const link = `${domain.incarnation}/${name}`;
    const member = addMember(link);
    member.attach(domain.createEndpoint(options.dialAddress, member.handlers, { name }));
    attach(member);
    links.push(link);
  }
  tell({ note: 'dialled', links });
}

function listen(): void {
  listener = domain.listen(
    'tcp://127.0.0.1:0/load',
    (offer) => {
      const member = addMember(`${offer.peer.incarnation}/${offer.peer.endpointName}`);
      member.onFound = () => {
        attach(member);
      };
      return member.handlers;
    },
    { forgetMs },
  );
  void listener.ready.then((real) => {
    tell({ note: 'listening', address: real });
  });
}

function leave(): void {
  for (const member of members) {
    if (!member.isGone) journal.write({ type: 'leaving', endpoint: member.name });
  }
}

function setHolding(value: boolean): void {
  isHolding = value;
  for (const member of members) member.witness.isHolding = value;
}

async function perform(command: Command): Promise<void> {
  switch (command.command) {
    case 'load':
      seed = command.seed;
      isLoaded = true;
      setHolding(true);
      for (const member of members) member.load?.start(seed);
      break;
    case 'hush':
      isLoaded = false;
      for (const member of members) member.load?.stop();
      setHolding(false);
      break;
    case 'settle':
      for (const member of members) member.flush();
      await quiet.until(() => members.every((member) => member.isQuiet));
      await quiet.until(() => members.filter(({ isGone }) => !isGone).length <= command.endpoints);
      await leftovers(command.endpoints);
      break;
    case 'replace':
      leave();
      await Promise.all(members.map((member) => member.destroy()));
      dialAll();
      break;
    case 'close':
      leave();
      await domain.close();
      checkDescriptors();
      // The descriptors are closed; libuv lets go of their handles after this turn or the next.
      await new Promise((resolve) => setImmediate(resolve));
      await new Promise((resolve) => setImmediate(resolve));
      break;
    case 'explain':
      break;
  }
}

/**
 * Waits until the last sockets and timers are gone: the one wait that nobody tells the end of.
 * Whoever asked sees in the report how it went.
 */
async function leftovers(endpoints: number): Promise<void> {
  const expected = descriptorsBefore.length + endpoints + (options.listens ? 1 : 0);
  const untilMs = performance.now() + closedWithinMs;
  const isLeft = (): boolean => {
    const { timersArmed } = domain.statistics();
    return listDescriptors().length !== expected || timersArmed > 1 + endpoints;
  };
  while (isLeft() && performance.now() < untilMs) {
    await new Promise((resolve) => setTimeout(resolve, lookMs));
  }
}

/** After `close` there are those that were open before the domain was made. */
function checkDescriptors(): void {
  const targets = listDescriptors();
  if (targets.length === descriptorsBefore.length) return;
  const text = `descriptors after close: ${targets.join(' ')}, not ${descriptorsBefore.join(' ')}`;
  journal.write({ type: 'breach', text });
}

function listDescriptors(): string[] {
  return readdirSync('/proc/self/fd').map(readTarget);
}

function report(of: Domain): Report {
  const targets = listDescriptors();
  const { endpoints, timersArmed } = of.statistics();
  const accepted = listener?.endpoints.length ?? 0;
  return {
    rssBytes: process.memoryUsage().rss,
    descriptors: targets.length,
    descriptorsBefore: descriptorsBefore.length,
    timersArmed,
    endpoints: endpoints + accepted,
    resources: process.getActiveResourcesInfo(),
    stoodStillMs: standstill.take(),
    text: members.map((member) => `${member.name}: ${member.explain()}`).join('\n'),
  };
}

/** The descriptor of the listing itself is gone by now. */
function readTarget(name: string): string {
  try {
    return readlinkSync(`/proc/self/fd/${name}`);
  } catch (error) {
    return String(error);
  }
}

process.on('message', (message: { id: number; command: Command }) => {
  void perform(message.command).then(() => {
    process.send?.({ answers: message.id, report: report(domain) });
  });
});
process.once('disconnect', () => process.exit());
if (options.listens) listen();
dialAll();
// The channel alone keeps no process alive: what does is the domain, or a leak.
process.channel?.unref();
