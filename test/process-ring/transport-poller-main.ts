/**
 * A process that never yields: `node transport-poller-main.js ADDRESS OWN_ADDRESS`. It dials, has
 * its transactions answered, sees time pass, sees its peer killed and another one stopped, serves a
 * dialler of its own, closes, and only then returns to the event loop. Each step is told at once.
 */
import assert from 'node:assert/strict';
import { writeSync } from 'node:fs';

import { createDomain, type Domain, type Endpoint } from 'idc';

import { ring } from '../../transports/ring/index.js';
import { lookAtHoldings } from '../unit/ring-memory-rig.js';
import { limits, quota, ringOptions } from './transport-peer.js';

const transactionCount = 2000;
/** Of the transaction that nobody answers. */
const shortMs = 50;
/** Only a step that would never come takes so long. */
const stepMsMax = 20_000;
const [, , address = '', ownAddress = ''] = process.argv;

function tell(step: string): void {
  writeSync(1, `${step}\n`);
}

function pollUntil(domain: Domain, what: string, fact: () => boolean): void {
  const startMs = performance.now();
  while (!fact()) {
    domain.poll();
    if (performance.now() - startMs < stepMsMax) continue;
    assert.fail(`waited in vain until ${what}: ${JSON.stringify(domain.statistics())}`);
  }
}

/** The code of a transaction, and the bytes of its status. */
function transact(
  domain: Domain,
  endpoint: Endpoint,
  bytes: Uint8Array,
  timeoutMs: number,
): [string, Uint8Array] {
  let answer: [string, Uint8Array] | undefined;
  const ticket = endpoint.transact(
    bytes,
    (_context, code, _execution, status, offset, byteLength) => {
      answer = [code, status.slice(offset, offset + byteLength)];
    },
    undefined,
    timeoutMs,
  );
  assert.ok(ticket >= 0, `transact answered ${ticket}`);
  pollUntil(domain, 'it is answered', () => answer !== undefined);
  assert.ok(answer !== undefined);
  return answer;
}

/** A peer that is stopped is missed by a domain that asks often; the other one is patient. */
function noticeSilence(): void {
  const transports = [ring(ringOptions)];
  const hasty = { ...limits, keepAliveMs: 50 };
  const domain = createDomain({ name: 'hasty', transports, quota, limits: hasty });
  let reason = '';
  const endpoint = domain.createEndpoint(address, {
    disconnect: (_endpoint, event) => {
      ({ reason } = event);
    },
  });
  pollUntil(domain, 'connected', () => endpoint.state === 'connected');
  tell('stop');
  pollUntil(domain, 'the silence is noticed', () => reason !== '');
  tell(`noticed ${reason}`);
  void domain.close();
  pollUntil(domain, 'it is closed', () => domain.statistics().endpoints === 0);
}

async function run(): Promise<void> {
  const before = lookAtHoldings();
  const transports = [ring(ringOptions)];
  const domain = createDomain({ name: 'poller', transports, quota, limits });
  let reason = '';
  const endpoint = domain.createEndpoint(address, {
    disconnect: (_endpoint, event) => {
      ({ reason } = event);
    },
  });
  const isConnected = (): boolean => endpoint.state === 'connected';
  pollUntil(domain, 'connected', isConnected);
  tell('connected');
  for (let count = 1; count <= transactionCount; count++) {
    const sent = new Uint8Array(Uint32Array.of(count).buffer);
    const [code, status] = transact(domain, endpoint, sent, stepMsMax);
    assert.equal(code, 'OK');
    assert.deepEqual(status, sent);
  }
  tell('exchanged');
  const startMs = performance.now();
  const [late] = transact(domain, endpoint, new Uint8Array(0), shortMs);
  const waitedMs = performance.now() - startMs;
  assert.ok(waitedMs >= shortMs - 1, `a time limit of ${shortMs} ms after ${waitedMs}`);
  tell(`timed ${late}`);
  tell('kill');
  pollUntil(domain, 'the death is noticed', () => !isConnected());
  tell(`noticed ${reason}`);
  pollUntil(domain, 'connected again', isConnected);
  tell('connected again');
  noticeSilence();
  let served = 0;
  domain.listen(ownAddress, () => ({
    transaction: (transaction) => {
      served += 1;
      transaction.complete(transaction.parameters.slice());
    },
  }));
  tell('serving');
  pollUntil(domain, 'somebody was served', () => served > 0);
  const closing = domain.close();
  const isReleased = (): boolean => {
    const { endpoints, timersArmed } = domain.statistics();
    return endpoints + timersArmed === 0 && lookAtHoldings().memfdMappings === 0;
  };
  pollUntil(domain, 'every endpoint is destroyed and every memory released', isReleased);
  // Only promises are left, for which a thread has to yield.
  await closing;
  const after = lookAtHoldings();
  const sockets = (lines: readonly string[]): number =>
    lines.filter((line) => line.includes('socket:')).length;
  assert.equal(sockets(after.descriptors), sockets(before.descriptors));
  tell('closed');
}

await run();
