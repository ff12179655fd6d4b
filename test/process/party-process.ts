/**
 * The process of one party: `node party-process.js OPTIONS`, made by `Party`. One dials, the other
 * listens; both submit and both handle. It ends by itself once its domain is closed.
 */
import { readdirSync, readlinkSync } from 'node:fs';

import { createDomain, type Domain } from 'idc';
import { tcp } from 'idc/tcp';

import { Journal } from './journal.js';
import { Member } from './member.js';
import { Quiet } from './quiet.js';
import {
  forgetMs,
  frameBytesMax,
  limits,
  quota,
  type Command,
  type Note,
  type PartyOptions,
  type Report,
} from './setup.js';

// reason: the parent made the text from this type
const options = JSON.parse(process.argv[2] ?? '') as PartyOptions;
const journal = new Journal(options.journalPath);
const quiet = new Quiet();
const descriptorsBefore = listDescriptors();
let members: Member[] = [];
let memberCount = 0;
const domain = createDomain({
  name: options.name,
  transports: [tcp({ frameBytesMax })],
  quota,
  limits,
});
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
  const member = new Member({ name, link, journal, quiet, tell, nextId }, seed + memberCount);
  members.push(member);
  member.witness.isHolding = isHolding;
  return member;
}

function attach(member: Member): void {
  if (isLoaded) member.load?.start(seed + memberCount);
}

function dial(): void {
  const name = `load-${memberCount + 1}`;
  const member = addMember(`${domain.incarnation}/${name}`);
  member.attach(domain.createEndpoint(options.address, member.handlers, { name }));
  attach(member);
}

function listen(): void {
  const { address } = options;
  const listener = domain.listen(
    address,
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
      break;
    case 'replace':
      leave();
      await Promise.all(members.map((member) => member.destroy()));
      if (options.role === 'dial') dial();
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
  return {
    rssBytes: process.memoryUsage().rss,
    sockets: targets.filter((target) => target.startsWith('socket:')).length,
    descriptors: targets.length,
    ...of.statistics(),
    resources: process.getActiveResourcesInfo(),
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
if (options.role === 'dial') dial();
else listen();
// The channel alone keeps no process alive: what does is the domain, or a leak.
process.channel?.unref();
