/** What the addresses of the TCP transport mean, and what becomes of those that lead nowhere. */
import assert from 'node:assert/strict';
import dns from 'node:dns';
import { once } from 'node:events';
import { syncBuiltinESMExports } from 'node:module';
import { connect } from 'node:net';
import { networkInterfaces } from 'node:os';
import { describe, it, type TestContext } from 'node:test';
import { Worker } from 'node:worker_threads';
import { Fault, type TransportFactory } from '../../core/contract.js';
import { tcp } from '../../transports/tcp/index.js';
import { formatAuthority, isLoopback, parseAuthority } from '../../transports/tcp/tcp-authority.js';
import { faultOf } from '../../transports/tcp/tcp-fault.js';
import { isSelfConnected } from '../../transports/tcp/tcp-socket.js';
import { turnEventLoop } from '../compliance/harness.js';
import type { End } from '../compliance/end.js';
import type { Rig } from '../compliance/rig.js';
import { check, dial, listen, listening } from './tcp-rig.js';

async function dialFault(rig: Rig, href: string, factory?: TransportFactory): Promise<unknown> {
  const end = dial(rig, href, factory);
  await rig.until('linkDown', () => end.fault !== undefined);
  assert.equal(end.identity, undefined);
  return end.fault;
}

async function listenFault(rig: Rig, href: string, factory?: TransportFactory): Promise<unknown> {
  const record = listen(rig, href, factory);
  await rig.until('failed', () => record.fault !== undefined);
  return record.fault;
}

/** Resolves names as the test says, so that no name leaves this machine. */
function fakeLookup(context: TestContext, ips: ReadonlyMap<string, string>): void {
  const error = Object.assign(new Error('getaddrinfo ENOTFOUND'), { code: 'ENOTFOUND' });
  context.mock.method(dns, 'lookup', (host: string, ...rest: readonly unknown[]): void => {
    const callback = rest.at(-1);
    assert.ok(typeof callback === 'function');
    const ip = ips.get(host) ?? (/^[\d.]+$/u.test(host) ? host : undefined);
    const answer = ip === undefined ? [error] : [null, ip, 4];
    setImmediate(() => void Reflect.apply(callback, undefined, answer));
  });
  syncBuiltinESMExports();
  context.after(() => {
    context.mock.restoreAll();
    syncBuiltinESMExports();
  });
}

describe('tcp addresses', () => {
  it('parses HOST:PORT strictly', () => {
    const good = ['127.0.0.1:0', '[::1]:65535', '[fe80::1%lo]:80', 'localhost:1', 'a-b.c_d.e:07'];
    for (const authority of good) {
      const parsed = parseAuthority(authority);
      assert.ok(parsed, authority);
      assert.deepEqual(parseAuthority(formatAuthority(parsed.host, parsed.port)), parsed);
    }
    const bad = [
      ...['localhost', 'localhost:', ':80', 'localhost:70000', 'localhost:-1', 'localhost:1x'],
      ...['127.1:80', '1.2.3.256:80', '::1:80', '[::1]', '[::g]:80', '[localhost]:80'],
      ...['user@host:80', 'a..b:80', `${'a'.repeat(64)}:80`, '%00:80', 'höst:80'],
    ];
    for (const authority of bad) assert.equal(parseAuthority(authority), undefined, authority);
  });

  it('knows what only this machine can reach', () => {
    for (const ip of ['127.0.0.1', '127.255.255.254', '::1', '::ffff:127.0.0.1']) {
      assert.equal(isLoopback(ip), true, ip);
    }
    for (const ip of ['0.0.0.0', '::', '10.0.0.1', '::ffff:10.0.0.1', 'fe80::1%lo', '128.0.0.1']) {
      assert.equal(isLoopback(ip), false, ip);
    }
  });

  const hasIPv6 = Object.values(networkInterfaces())
    .flat()
    .some((at) => at?.address === '::1');
  for (const host of hasIPv6 ? ['127.0.0.1', '[::1]', 'localhost'] : ['127.0.0.1', 'localhost']) {
    check(`port 0 at ${host} becomes a real one, and the peer's origin is told`, async (rig) => {
      const record = listen(rig, `tcp://${host}:0/some/service`);
      const authority = await listening(rig, record);
      assert.equal(record.address?.href, `tcp://${authority}/some/service`);
      assert.ok(authority.startsWith(`${host}:`) && !authority.endsWith(':0'));
      const end = dial(rig, `tcp://${authority}/`);
      await rig.until('both up', () => end.isUp && record.ends[0]?.isUp === true);
      for (const { identity } of [end, ...record.ends]) {
        assert.match(identity?.origin ?? '', /^(127\.0\.0\.1|\[::1\]):\d+$/u);
        assert.deepEqual({ ...identity, origin: '' }, { kind: 'unproven', name: '', origin: '' });
      }
    });
  }

  check('what is not HOST:PORT is Unsupported, and so is port 0 to dial', async (rig) => {
    for (const authority of ['localhost', 'localhost:70000', '127.1:80', '[::g]:1']) {
      assert.equal(await dialFault(rig, `tcp://${authority}/`), Fault.Unsupported);
      assert.equal(await listenFault(rig, `tcp://${authority}/`), Fault.Unsupported);
    }
    assert.equal(await dialFault(rig, 'tcp://127.0.0.1:0/'), Fault.Unsupported);
  });

  check('a name that nobody knows is NotFound', async (rig, _wire, context) => {
    fakeLookup(context, new Map());
    assert.equal(await dialFault(rig, 'tcp://nobody:80/'), Fault.NotFound);
    assert.equal(await listenFault(rig, 'tcp://nobody:80/'), Fault.NotFound);
  });

  check(
    'closing while the name is looked up leaves nothing behind',
    async (rig, _wire, context) => {
      fakeLookup(context, new Map([['here', '127.0.0.1']]));
      const record = listen(rig, 'tcp://here:0/');
      const end = dial(rig, 'tcp://here:1/');
      record.close();
      end.close();
      await rig.until('closed', () => record.closedCount === 1 && end.isClosed);
      assert.equal(record.address, undefined);
    },
  );

  check('closing while the server binds leaves nothing behind', async (rig) => {
    for (let turnCount = 0; turnCount < 8; turnCount++) {
      const record = listen(rig, 'tcp://127.0.0.1:0/');
      await turnEventLoop(turnCount);
      record.close();
      await rig.until('closed', () => record.closedCount === 1);
    }
  });

  check('nobody there is Refused, somebody there is AddressInUse', async (rig) => {
    const absent = await rig.harness.absentAddress();
    assert.equal(await dialFault(rig, absent.href), Fault.Refused);
    const authority = await listening(rig, listen(rig, 'tcp://127.0.0.1:0/'));
    assert.equal(await listenFault(rig, `tcp://${authority}/`), Fault.AddressInUse);
  });

  check('a socket that has reached itself is known', async (rig, wire) => {
    const [, port] = (await rig.harness.absentAddress()).authority.split(':');
    const host = '127.0.0.1';
    const self = connect({ port: Number(port), localPort: Number(port), host, localAddress: host });
    await once(self, 'connect');
    assert.ok(isSelfConnected(self));
    self.destroy();
    const authority = await listening(rig, listen(rig, 'tcp://127.0.0.1:0/'));
    assert.equal(isSelfConnected(await wire.connect(Number(authority.split(':')[1]))), false);
  });

  check('who does not answer within connectMs is TimedOut', async (rig) => {
    await using silence = await listenWithoutAccepting();
    const href = `tcp://127.0.0.1:${String(silence.port)}/`;
    const dialNext = async (): Promise<End> => {
      const end = dial(rig, href, tcp({ connectMs: 50 }));
      await rig.until('answered or given up', () => end.isUp || end.fault !== undefined);
      return end;
    };
    let end = await dialNext();
    // The kernel answers for the first few, until as many wait as may.
    while (end.isUp) end = await dialNext();
    assert.equal(end.fault, Fault.TimedOut);
    assert.equal(end.identity, undefined);
  });

  check('beyond loopback nobody listens unless it is allowed', async (rig, _wire, context) => {
    fakeLookup(context, new Map([['intranet', '192.0.2.1']]));
    for (const host of ['0.0.0.0', 'intranet']) {
      assert.equal(await listenFault(rig, `tcp://${host}:0/`), Fault.AccessDenied);
    }
    const record = listen(rig, 'tcp://0.0.0.0:0/', tcp({ plaintextBeyondLoopback: 'allow' }));
    const [, port = ''] = (await listening(rig, record)).split(':');
    const end = dial(rig, `tcp://127.0.0.1:${port}/`);
    await rig.until('up', () => end.isUp);
  });

  it('errors of the system have meanings', () => {
    const fault = (code: string): Fault =>
      faultOf(Object.assign(new Error(code), { code }), Fault.Corrupt);
    assert.equal(fault('EMFILE'), Fault.Exhausted);
    assert.equal(fault('ENFILE'), Fault.Exhausted);
    assert.equal(fault('EACCES'), Fault.AccessDenied);
    assert.equal(fault('EHOSTUNREACH'), Fault.Unreachable);
    assert.equal(fault('EAI_AGAIN'), Fault.NotFound);
    assert.equal(fault('ETIMEDOUT'), Fault.TimedOut);
    assert.equal(fault('EPIPE'), Fault.Reset);
    assert.equal(fault('ESOMETHINGELSE'), Fault.Corrupt);
  });

  it('wrong options are programmer errors', () => {
    const wrong = [
      ...[{ frameBytesMax: 1023 }, { frameBytesMax: 2 ** 40 }, { frameBytesMax: 2000.5 }],
      ...[{ connectMs: 0 }, { connectMs: Infinity }, { connectMs: NaN }],
      ...[{ sendBytes: 65_536 }, { sendBytes: 262_162 }, { readBytes: 0 }, { readBytes: 1.5 }],
    ];
    for (const options of wrong) assert.throws(() => tcp(options), { code: 'BAD_ARGUMENT' });
  });
});

/** A listening socket whose owner is stopped; hardly anybody may wait there. */
async function listenWithoutAccepting(): Promise<AsyncDisposable & { port: number }> {
  const gate = new Int32Array(new SharedArrayBuffer(4));
  const code = `
    const { parentPort, workerData } = require('node:worker_threads');
    const server = require('node:net').createServer().listen(0, '127.0.0.1', 1, () => {
      parentPort.postMessage(server.address().port);
      Atomics.wait(workerData, 0, 0);
      process.exit();
    });`;
  const worker = new Worker(code, { eval: true, workerData: gate });
  const [port] = (await once(worker, 'message')) as [number]; // What the code above posts.
  return {
    port,
    [Symbol.asyncDispose]: async () => {
      Atomics.store(gate, 0, 1);
      Atomics.notify(gate, 0);
      await once(worker, 'exit');
    },
  };
}
