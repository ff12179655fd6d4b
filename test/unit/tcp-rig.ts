/** What tests of the TCP transport share: a rig, and raw peers on the wire below it. */
import assert from 'node:assert/strict';
import type { Socket } from 'node:net';
import { it, type TestContext } from 'node:test';
import {
  createRuntime,
  parseAddress,
  type Runtime,
  type TransportFactory,
} from '../../core/contract.js';
import { tcp } from '../../transports/tcp/index.js';
import type { End } from '../compliance/end.js';
import type { ListenerRecord } from '../compliance/listener-record.js';
import { Rig } from '../compliance/rig.js';
import { makeTcpHarness } from '../compliance/tcp-harness.js';
import type { TestDomain } from '../compliance/test-domain.js';
import { TcpWire } from '../compliance/tcp-wire.js';

/** A test on a rig of its own, which closes everything at the end and looks for leaks. */
export function check(
  fact: string,
  body: (rig: Rig, wire: TcpWire, context: TestContext) => Promise<void>,
  runtime: Runtime = createRuntime(),
): void {
  it(fact, async (context) => {
    const wire = new TcpWire();
    const rig = await Rig.create(() => makeTcpHarness(wire, runtime));
    try {
      await body(rig, wire, context);
    } finally {
      await wire.dispose(); // A raw peer does not answer our end of stream: closing would wait.
      await rig.dispose();
    }
  });
}

export function dial(rig: Rig, href: string, factory: TransportFactory = tcp()): End {
  return rig.domain(factory).open(parseAddress(href));
}

export function listen(rig: Rig, href: string, factory: TransportFactory = tcp()): ListenerRecord {
  return rig.domain(factory).listen(parseAddress(href));
}

export async function listening(rig: Rig, record: ListenerRecord): Promise<string> {
  await rig.until('listening', () => record.address !== undefined);
  return record.address?.authority ?? '';
}

export interface RawPair {
  readonly peer: Socket;
  readonly end: End;
  readonly record: ListenerRecord;
  readonly domain: TestDomain;
  readonly port: number;
}

/** A raw connection to a listener of ours, and the end that it became. */
export async function rawPeer(rig: Rig, wire: TcpWire): Promise<RawPair> {
  const domain = rig.domain(rig.harness.listener);
  const record = await rig.listen(domain);
  const port = Number((await listening(rig, record)).split(':')[1]);
  const peer = await wire.connect(port);
  await rig.until('up', () => record.ends[0]?.isUp === true);
  const [end] = record.ends;
  assert.ok(end !== undefined);
  return { peer, end, record, domain, port };
}
