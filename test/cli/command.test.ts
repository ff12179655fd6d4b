/** The `idc` command as its users run it: a process, its words, its output and its exit code. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { describe, it } from 'node:test';
import { createDomain } from '../../core/index.js';
import { tcp } from '../../transports/tcp/index.js';
import { idc, idcInTime, run } from './idc.js';

describe('idc', () => {
  it('an unknown command is one line, and what to do', async () => {
    const { code, errors } = await idc('fly');
    assert.notEqual(code, 0);
    assert.match(errors, /unknown command 'fly'/u);
    assert.match(errors, /--help tells what there is/u);
  });
});

describe('idc doctor', () => {
  it('finds what a program can read', async () => {
    const { code, output } = await idc('doctor', '--json');
    const findings: unknown = JSON.parse(output);
    assert(Array.isArray(findings));
    const isMissing = findings.some((finding: { state: string }) => finding.state === 'missing');
    assert.equal(code, isMissing ? 1 : 0);
    const names = findings.map((finding: { name: string }) => finding.name);
    for (const name of ['platform', 'tcp', 'ring']) assert(names.includes(name));
  });
});

describe('idc ping', () => {
  it('measures the way to a service that knows nothing of it', async () => {
    const domain = createDomain({ name: 'pinged', transports: [tcp()] });
    const address = await domain.listen('tcp://127.0.0.1:0/anything', () => ({})).ready;
    const words = ['ping', address, '--count', '3', '--interval-ms', '1'];
    const people = await idc(...words);
    assert.equal(people.code, 0, people.errors);
    assert.equal(people.output.match(/^ +\d {2}[0-9.]+ ms$/gmu)?.length, 3);
    assert.match(people.output, /^pinged \(127\.0\.0\.1:\d+\): 3 of 3 answered; min /mu);
    const { code, output } = await idc(...words, '--json');
    assert.equal(code, 0);
    const summary: unknown = JSON.parse(output);
    assert(typeof summary === 'object' && summary !== null);
    // reason: what is looked at is compared
    const { p50Ms, maxMs, ...rest } = summary as Record<string, number>;
    assert((p50Ms ?? 0) > 0 && (maxMs ?? 0) >= (p50Ms ?? 0));
    assert.deepEqual([rest['sent'], rest['answered']], [3, 3]);
    await domain.close();
  });

  it('says in one line that nobody is there, with a code of its own', async () => {
    const domain = createDomain({ name: 'gone', transports: [tcp()] });
    const address = await domain.listen('tcp://127.0.0.1:0/x', () => ({})).ready;
    await domain.close();
    const told = (timeoutMs: number): RegExp =>
      new RegExp(`^idc: tcp:.*: refused within ${timeoutMs} ms; does it listen there\\?\n$`, 'u');
    const { code, output, errors, timeoutMs } = await idcInTime(told, 'ping', address);
    assert.equal(code, 3);
    assert.equal(output, '');
    assert.match(errors, told(timeoutMs));
  });

  it('ends when it is interrupted, however long it would have waited', async () => {
    // It takes connections, and answers nothing.
    const server = createServer((socket) => socket.resume().on('error', () => undefined));
    await once(server.listen(0, '127.0.0.1'), 'listening');
    const place = server.address();
    assert(typeof place === 'object' && place !== null);
    const ping = run('ping', `tcp://127.0.0.1:${place.port}/x`, '--timeout-ms', '2000000000');
    await once(server, 'connection');
    ping.child.kill('SIGINT');
    assert.equal(await ping.end(), 3);
    assert.match(ping.errors, /^idc: tcp:\S+: interrupted; does it listen there\?\n$/u);
    server.close();
  });

  it('takes no address that leads nowhere, and no count of nothing', async () => {
    const bad = await idc('ping', 'nowhere');
    assert.deepEqual([bad.code, bad.output], [2, '']);
    assert.match(bad.errors, /^idc: nowhere: not an address; expected tcp:/u);
    for (const count of ['0', '1.5', 'many']) {
      const none = await idc('ping', 'tcp://127.0.0.1:1/x', '--count', count);
      assert.notEqual(none.code, 0);
      assert.match(none.errors, /expected a whole number from 1 on/u);
    }
  });
});
