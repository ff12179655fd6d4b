/** What is the memory transport's own: its options, its identity, and its network's `sever`. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createRuntime, Fault, makeAddress } from '../../core/contract.js';
import { createMemoryNetwork, memory, type MemoryOptions } from '../../transports/memory/index.js';
import { End } from '../compliance/end.js';
import { Monitor } from '../compliance/monitor.js';
import { TestDomain } from '../compliance/test-domain.js';

type Limits = Omit<MemoryOptions, 'network'>;

function createDomains(limits: Limits = {}) {
  const network = createMemoryNetwork();
  const monitor = new Monitor();
  const factory = memory({ network, ...limits });
  const create = () => new TestDomain(factory, createRuntime(), monitor);
  const domains = [create(), create()] as const;
  return { network, monitor, domains };
}

/** Polls in turn without a turn of the event loop: memory needs none. */
function pollAll(domains: readonly TestDomain[]): void {
  for (let turn = 0; turn < 20; turn++) {
    for (const domain of domains) domain.poll(16);
  }
}

describe('memory options', () => {
  const network = createMemoryNetwork();
  const refused: Readonly<Record<string, Limits>> = {
    'frameBytesMax is an integer': { frameBytesMax: 2000.5 },
    'frameBytesMax is at least 1024': { frameBytesMax: 1023 },
    'ringBytes is a power of two': { ringBytes: 300_000 },
    'ringBytes is at most 1 GiB': { ringBytes: 2 ** 31 },
    'ringBytes is at least twice frameBytesMax and its header': {
      frameBytesMax: 65_536,
      ringBytes: 131_072,
    },
  };
  for (const [message, limits] of Object.entries(refused)) {
    it(`assertion: ${message}`, () => {
      assert.throws(() => memory({ network, ...limits }), {
        code: 'BAD_ARGUMENT',
        message: `BAD_ARGUMENT: ${message}`,
      });
    });
  }

  it('defaults: frames of 64 KiB in rings of 256 KiB', () => {
    const [domain] = createDomains().domains;
    assert.equal(domain.transport.capabilities.frameBytesMax, 64 * 1024);
    const end = domain.open(makeAddress('memory', 'nobody', ''));
    assert.equal(end.claimBytes.length, 256 * 1024);
  });

  it('frameBytesMax: is each domain’s own, for what it sends', () => {
    const network = createMemoryNetwork();
    const monitor = new Monitor();
    const create = (frameBytesMax: number) =>
      new TestDomain(memory({ network, frameBytesMax }), createRuntime(), monitor);
    const domains = [create(1024), create(2048)] as const;
    const listener = domains[0].listen(makeAddress('memory', 'hub', ''));
    const dialler = domains[1].open(makeAddress('memory', 'hub', ''));
    pollAll(domains);
    assert.ok(dialler.send(new Uint8Array(2048)));
    assert.equal(listener.ends[0]?.send(new Uint8Array(2048)), false);
    pollAll(domains);
    assert.equal(listener.ends[0].frames[0]?.length, 2048);
    monitor.check();
  });
});

describe('memory link', () => {
  it('identity: unproven, from the name that was dialled, at both ends', () => {
    const { domains, monitor } = createDomains();
    const listener = domains[0].listen(makeAddress('memory', 'hub', 'disk0'));
    const dialler = domains[1].open(makeAddress('memory', 'hub', 'disk0'));
    pollAll(domains);
    const expected = { kind: 'unproven', name: '', origin: 'memory://hub' };
    assert.deepEqual(dialler.identity, expected);
    assert.deepEqual(listener.ends[0]?.identity, expected);
    monitor.check();
  });

  it('poll: from inside a sink it is a programmer error', () => {
    const { domains } = createDomains();
    domains[0].listen(makeAddress('memory', 'hub', ''));
    const sink = new End('dialler', new Monitor());
    sink.onUp = () => domains[1].transport.poll(1);
    domains[1].transport.open(makeAddress('memory', 'hub', ''), sink, 'message');
    domains[0].poll(1);
    domains[0].poll(1);
    assert.throws(() => domains[1].transport.poll(1), { code: 'BAD_ARGUMENT' });
  });

  it('accept: one poll answers at most `limit` diallers', () => {
    const { domains, monitor } = createDomains();
    const address = makeAddress('memory', 'hub', '');
    const listener = domains[0].listen(address);
    domains[0].poll(1);
    for (let count = 0; count < 5; count++) domains[1].open(address);
    for (const acceptedCount of [2, 4, 5, 5]) {
      domains[0].poll(2);
      assert.equal(listener.ends.length, acceptedCount);
    }
    monitor.check();
  });

  it('open: another scheme and the bulk lane are programmer errors', () => {
    const [{ transport }] = createDomains().domains;
    const sink = new End('dialler', new Monitor());
    const expected = { code: 'BAD_ARGUMENT' };
    assert.throws(() => transport.open(makeAddress('tcp', 'a', ''), sink, 'message'), expected);
    assert.throws(() => transport.open(makeAddress('memory', 'a', ''), sink, 'bulk'), expected);
  });
});

describe('memory network', () => {
  it('sever: of a name cuts the links to that name only', () => {
    const { domains, network, monitor } = createDomains();
    const addresses = ['one', 'two'].map((name) => makeAddress('memory', name, ''));
    for (const address of addresses) domains[0].listen(address);
    const diallers = addresses.map((address) => domains[1].open(address));
    pollAll(domains);
    assert.ok(diallers.every((end) => end.isUp));
    network.sever('two');
    pollAll(domains);
    assert.deepEqual(
      diallers.map((end) => end.fault),
      [undefined, Fault.Reset],
    );
    monitor.check();
  });

  it('sever: what was committed and not delivered is lost', () => {
    const { domains, network, monitor } = createDomains();
    const listener = domains[0].listen(makeAddress('memory', 'hub', ''));
    const dialler = domains[1].open(makeAddress('memory', 'hub', ''));
    pollAll(domains);
    for (let count = 0; count < 10; count++) assert.ok(dialler.send(Uint8Array.of(count)));
    domains[0].poll(4);
    network.sever();
    pollAll(domains);
    assert.equal(listener.ends[0]?.frameCount, 4);
    assert.equal(listener.ends[0].fault, Fault.Reset);
    monitor.check();
  });

  it('two networks know nothing of each other', () => {
    const [here] = createDomains().domains;
    const [there] = createDomains().domains;
    here.listen(makeAddress('memory', 'hub', ''));
    const dialler = there.open(makeAddress('memory', 'hub', ''));
    pollAll([here, there]);
    assert.equal(dialler.fault, Fault.Refused);
  });
});
