/** What a front end goes by in one epoch, once the ends have agreed. */
import type { Call } from './call.js';
import type { Greeting, GreetingReply, RecoveryKind } from './greeting.js';
import type { Layout } from './layout.js';
import type { AnyProtocol } from './protocol.js';

export interface FrontSession {
  readonly layout: Layout;
  readonly features: ReadonlySet<string>;
  readonly recovery: RecoveryKind;
  readonly isWriter: boolean;
  /** The name of the lease or the table; empty if there is none. */
  readonly memory: string;
  readonly isKnown: boolean;
}

/** Undefined if no legal back end answers so to such a greeting. */
export function makeSession(
  protocol: AnyProtocol,
  asked: Pick<Greeting, 'features' | 'recovers'>,
  reply: GreetingReply,
): FrontSession | undefined {
  const isLegal =
    reply.version >= protocol.oldest &&
    reply.version <= protocol.version &&
    reply.features.every((name) => asked.features.includes(name)) &&
    (asked.recovers || reply.recovery !== 'table');
  if (!isLegal) return undefined;
  return {
    layout: protocol.layoutAt(reply.version),
    features: new Set(reply.features),
    recovery: reply.recovery,
    isWriter: reply.isWriter,
    memory: reply.recovery === 'none' ? '' : Buffer.from(reply.memory).toString('hex'),
    isKnown: reply.isKnown,
  };
}

/** What has to be there still if the call is to be repeated after `maybe`; empty if it is not. */
export function memoryFor(call: Call, { recovery, memory }: FrontSession): string {
  return recovery === 'lease' && call.item.effect !== 'idempotent' ? '' : memory;
}

/**
 * Whether a call whose last attempt ended `maybe` may be submitted again in this session: it
 * changes nothing; or it is idempotent and nobody else can have changed anything since, for the
 * lease is still the one under which it was submitted; or the table that saw it, if it did, is the
 * same.
 */
export function mayRepeat(call: Call, session: FrontSession): boolean {
  const { effect } = call.item;
  if (effect === 'none') return true;
  if (call.memory === '' || call.memory !== session.memory) return false;
  switch (session.recovery) {
    case 'none':
      return false;
    case 'lease':
      return session.isWriter && effect === 'idempotent';
    case 'table':
      return session.isKnown;
  }
}
