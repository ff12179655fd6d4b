/** explain(): an endpoint's situation in words, for the person who asks why nothing happens. */
import type { EndpointCore } from './endpoint-core.js';
import { isDraining } from './endpoint-machine.js';
import type { SessionPhase } from './session.js';

export function explainEndpoint(core: EndpointCore): string {
  const peer = core.peer;
  const name = peer === undefined ? 'nobody yet' : `${peer.domainName} (${peer.identity.origin})`;
  const reasons = isDraining(core.state) ? explainDrain(core) : explainOpen(core);
  const waits = reasons.length === 0 ? 'waits for nothing' : `waits for ${reasons.join(', ')}`;
  const where = `${core.state}, epoch ${core.epoch}, peer ${name}`;
  return `endpoint ${core.settings.name}: ${where}; ${waits}`;
}

function explainDrain(core: EndpointCore): string[] {
  const reasons: string[] = [];
  if (core.current !== undefined) reasons.push("the peer's goodbye");
  count(reasons, core.heldCount, 'disconnect handler(s) of this client');
  count(reasons, core.responder.openMessages, 'received message(s) to be completed here');
  count(reasons, core.responder.openTransactions, 'received transaction(s) to be completed here');
  return reasons;
}

function explainOpen(core: EndpointCore): string[] {
  const reasons: string[] = [];
  if (core.state === 'connected') {
    const { initiator } = core;
    count(reasons, initiator.transactions.unsettledCount, 'transaction(s) to be answered');
    count(reasons, initiator.uncompletedMessages, 'message(s) to be completed by the peer');
    count(reasons, initiator.waiterCount, 'room or flushes that this client asked for');
    return reasons;
  }
  if (core.state === 'destroyed') return reasons;
  reasons.push(explainCandidate(core.candidate?.phase));
  if (core.lastFault !== undefined) reasons.push(`another attempt after ${core.lastFault}`);
  return reasons;
}

/** What the handshake for the next epoch waits for. */
function explainCandidate(phase: SessionPhase | undefined): string {
  switch (phase) {
    case undefined:
    case 'ended':
      return 'a link';
    case 'opening':
      return 'a link to come up';
    case 'greeting':
      return "the peer's greeting";
    case 'greeted':
    case 'open':
    case 'leaving':
      return 'the peer to drain its previous epoch';
  }
}

function count(reasons: string[], number: number, what: string): void {
  if (number > 0) reasons.push(`${number} ${what}`);
}
