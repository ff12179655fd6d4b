/**
 * A buffer moves to another domain while a peer keeps writing to it: `node main.js [MEBIBYTES]`.
 *
 * The three domains could be on three machines. Here one program plays all of them, so that it can
 * compare the bytes; what they know of each other is references, which pass from one to another.
 */
import assert from 'node:assert/strict';
import { createDomain, type Domain, type RemoteBufferReference } from 'idc';
import { tcp } from 'idc/tcp';
import { firstValueFrom, Subject } from 'rxjs';
import { migrate, type Round } from './migrate.js';
import { Writer } from './writer.js';

async function startDomain(name: string): Promise<Domain> {
  const domain = createDomain({ name, transports: [tcp()] });
  await domain.listen('tcp://127.0.0.1:0/buffers', () => ({})).ready;
  return domain;
}

function describe({ byteCount, elapsedMs }: Round): string {
  return `${byteCount / 1024} KiB in ${elapsedMs.toFixed(1)} ms`;
}

const byteLength = Number(process.argv[2] ?? 32) * 1024 * 1024;
const source = await startDomain('source');
const target = await startDomain('target');
const peer = await startDomain('peer');

const buffer = source.allocateBuffer(byteLength);
const registered = source.registerBuffer(buffer, { access: 'readWrite', trackWrites: true });
const writer = new Writer(peer, byteLength);
const moved = new Subject<RemoteBufferReference>();
const writing = writer.run(registered.reference, firstValueFrom(moved));

const copy = target.allocateBuffer(byteLength);
const landing = target.registerBuffer(copy, { access: 'write' });
let rounds = 0;
const stop = await migrate(source, {
  buffer,
  registered,
  target: landing.reference,
  onRound: (round) => console.log(`round ${++rounds}: ${describe(round)}`),
});
await landing.unregister();
console.log(`stop: ${describe(stop)}`);
assert.equal(Buffer.compare(buffer, copy), 0, 'the copy is equal byte for byte');

const { writeCount } = writer;
moved.next(target.registerBuffer(copy, { access: 'readWrite' }).reference);
while (writer.writeCount < writeCount + 100) await new Promise(setImmediate);
writer.isEnding = true;
await writing;
assert.equal(Buffer.compare(copy, writer.expected), 0, 'no write of the peer is lost');
console.log(`equal byte for byte after ${writeCount} writes, and the peer writes on`);

for (const domain of [source, target, peer]) await domain.close();
