/** Who is who at a listener: what of a returning peer has to be the same. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Peer } from '../../core/api.js';
import type { EndpointCore } from '../../core/endpoint-core.js';
import { PeerTable, type PeerEntry } from '../../core/peer-table.js';
import { WheelTimer } from '../../core/timer-wheel.js';
import type { PeerIdentity } from '../../core/transport.js';

const domainId = '0'.repeat(32);

function peerOf(kind: PeerIdentity['kind'], name: string, other: Partial<Peer> = {}): Peer {
  const identity = { kind, name, origin: 'test' };
  const incarnation = '0'.repeat(16);
  return { identity, domainId, domainName: 'd', incarnation, endpointName: 'e', ...other };
}

function tableWith(peer: Peer, token: string): PeerTable {
  const table = new PeerTable();
  const entry: PeerEntry = {
    // reason: the table looks at an endpoint only to find the oldest absent one
    core: Object.create(null) as EndpointCore,
    peer,
    token,
    forgetTimer: new WheelTimer(() => undefined),
    successor: undefined,
    isLeaving: false,
  };
  table.add(entry);
  return table;
}

describe('a peer that returns', () => {
  it('proven: is known by its identity, whatever token it shows', () => {
    const table = tableWith(peerOf('key', 'anna'), 'a');
    assert.ok(table.find(peerOf('key', 'anna'), 'b') !== undefined);
    assert.equal(table.find(peerOf('key', 'bert'), 'a'), undefined);
    assert.equal(table.find(peerOf('certificate', 'anna'), 'a'), undefined);
  });

  it('unproven: is known by its token alone', () => {
    const table = tableWith(peerOf('unproven', ''), 'a');
    assert.ok(table.find(peerOf('unproven', ''), 'a') !== undefined);
    assert.equal(table.find(peerOf('unproven', ''), 'b'), undefined);
  });

  it('under another id or endpoint name is another one; a new incarnation is the same', () => {
    const table = tableWith(peerOf('key', 'anna'), 'a');
    const find = (other: Partial<Peer>) => table.find(peerOf('key', 'anna', other), 'a');
    assert.equal(find({ domainId: '1'.repeat(32) }), undefined);
    assert.equal(find({ endpointName: 'f' }), undefined);
    assert.ok(find({ incarnation: '1'.repeat(16) }) !== undefined);
  });
});
