/** The parts of example 02: the codec, the back end's answers, and a copy that is not right. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { readdir, readFile, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import fc from 'fast-check';
import { createDomain, type Domain, type Endpoint } from 'idc';
import { createMemoryNetwork, memory } from 'idc/memory';
import { filter, firstValueFrom } from 'rxjs';
import { serveDisk } from '../../examples/02-copy-disk-image/back-end.js';
import { copyDisk } from '../../examples/02-copy-disk-image/copy.js';
import { Disk } from '../../examples/02-copy-disk-image/front-end.js';
import { openImage } from '../../examples/02-copy-disk-image/image.js';
import {
  BlockError,
  blockByteLengthMax,
  decodeGeometry,
  decodeRequest,
  encodeGeometry,
  encodeRequest,
} from '../../examples/02-copy-disk-image/protocol.js';
import { describeBytes, describeDuration } from '../../examples/02-copy-disk-image/units.js';
import { makeTemporaryFolder } from './temporary-folder.js';

const word = fc.integer({ min: 0, max: 2 ** 32 - 1 });
const position = fc.maxSafeNat();
const someReference = fc.uint8Array({ minLength: 1, maxLength: 40 });

test('a request survives its codec', () => {
  fc.assert(
    fc.property(position, word, someReference, (offset, byteLength, reference) => {
      const request = { operation: 'read', offset, byteLength, reference } as const;
      assert.deepEqual(decodeRequest(encodeRequest(request)), request);
    }),
  );
  const identify = { operation: 'identify' } as const;
  assert.deepEqual(decodeRequest(encodeRequest(identify)), identify);
});

test('a geometry survives its codec', () => {
  const blockByteLength = fc.integer({ min: 1, max: blockByteLengthMax });
  fc.assert(
    fc.property(blockByteLength, position, (block, device) => {
      const geometry = { blockByteLength: block, deviceByteLength: device };
      assert.deepEqual(decodeGeometry(encodeGeometry(geometry)), geometry);
    }),
  );
});

test('whatever decodes is what an encoder made', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 24 }), (bytes) => {
      const request = decodeRequest(bytes);
      if (request !== undefined) assert.deepEqual(encodeRequest(request), bytes);
      const geometry = decodeGeometry(bytes);
      if (geometry !== undefined) assert.deepEqual(encodeGeometry(geometry), bytes);
    }),
  );
});

test('a position beyond 53 bits, and a block of no bytes or too many, do not decode', () => {
  const reference = Uint8Array.of(1);
  const request = encodeRequest({ operation: 'read', offset: 0, byteLength: 1, reference });
  request[15] = 0xff;
  assert.equal(decodeRequest(request), undefined);
  const geometry = encodeGeometry({ blockByteLength: 1, deviceByteLength: 0 });
  geometry[11] = 0xff;
  assert.equal(decodeGeometry(geometry), undefined);
  for (const blockByteLength of [0, blockByteLengthMax + 1]) {
    const bytes = encodeGeometry({ blockByteLength, deviceByteLength: 1 });
    assert.equal(decodeGeometry(bytes), undefined);
  }
});

test('units are what a person would write', () => {
  assert.deepEqual([0, 1, 999, 1000, 98_932_688, 999_949_999, 1e12].map(describeBytes), [
    '0 B',
    '1 B',
    '999 B',
    '1.0 kB',
    '98.9 MB',
    '1.0 GB',
    '1.0 TB',
  ]);
  assert.deepEqual([0, 0.1, 59.5, 125, 3609].map(describeDuration), [
    '0:00',
    '0:01',
    '1:00',
    '2:05',
    '1:00:09',
  ]);
});

interface Bench {
  readonly folder: string;
  readonly imagePath: string;
  readonly bytes: Buffer;
  readonly front: Domain;
  readonly address: string;
}

/** A disk of `byteLength` random bytes, served over memory for as long as the test runs. */
async function makeBench(context: TestContext, byteLength: number): Promise<Bench> {
  const folder = await makeTemporaryFolder(context);
  const imagePath = join(folder, 'disk.img');
  const bytes = randomBytes(byteLength);
  await writeFile(imagePath, bytes);
  const image = await openImage(imagePath);
  const transports = [memory({ network: createMemoryNetwork() })];
  const back = createDomain({ name: 'back', transports });
  const front = createDomain({ name: 'front', transports });
  const address = await serveDisk(back, 'memory://machine/disk0', image).ready;
  context.after(async () => {
    await front.close();
    await back.close();
    await image.file.close();
  });
  return { folder, imagePath, bytes, front, address };
}

async function connect({ front, address }: Bench): Promise<Endpoint> {
  const endpoint = front.createEndpoint(address, {});
  await firstValueFrom(endpoint.lifecycle$.pipe(filter((event) => event.type === 'connect')));
  return endpoint;
}

async function assertRemoteCode(answer: Promise<Uint8Array>, remoteCode: number): Promise<void> {
  await assert.rejects(answer, { name: 'IdcError', code: 'REMOTE', remoteCode });
}

test('the back end answers bad requests with a code and no bytes', async (t) => {
  const bench = await makeBench(t, 1000);
  const endpoint = await connect(bench);
  const local = new Uint8Array(1000);
  const registered = bench.front.registerBuffer(local, { access: 'write', mode: 'copy' });
  const reference = registered.reference.encode();
  const read = (offset: number, byteLength: number, target = reference): Promise<Uint8Array> => {
    const request = { operation: 'read', offset, byteLength, reference: target } as const;
    return endpoint.submitTransaction(encodeRequest(request));
  };
  await assertRemoteCode(endpoint.submitTransaction(new Uint8Array(3)), BlockError.BadRequest);
  await assertRemoteCode(read(0, 1001), BlockError.OutOfRange);
  await assertRemoteCode(read(1000, 1), BlockError.OutOfRange);
  await assertRemoteCode(read(Number.MAX_SAFE_INTEGER, 2 ** 32 - 1), BlockError.OutOfRange);
  await assertRemoteCode(read(0, 10, Uint8Array.of(1)), BlockError.TransferFailed);
  assert.deepEqual(local, new Uint8Array(1000));
  assert.equal((await read(990, 10)).byteLength, 0);
  assert.deepEqual(local.subarray(0, 10), new Uint8Array(bench.bytes.subarray(990)));
  assert.equal((await read(1000, 0)).byteLength, 0);
  await registered.unregister();
  await assertRemoteCode(read(0, 10), BlockError.TransferFailed);
});

test('a medium that lost bytes is a code, not half a block', async (t) => {
  const bench = await makeBench(t, 1000);
  const endpoint = await connect(bench);
  await truncate(bench.imagePath, 500);
  const reference = Uint8Array.of(1);
  const read = encodeRequest({ operation: 'read', offset: 400, byteLength: 200, reference });
  await assertRemoteCode(endpoint.submitTransaction(read), BlockError.MediumFailed);
});

const quiet = {
  say: () => undefined,
  startProgress: () => ({ update: () => undefined, stop: () => undefined }),
};

test('a copy with another digest never gets the name of the destination', async (t) => {
  const bench = await makeBench(t, 3 * blockByteLengthMax + 1);
  const destination = join(bench.folder, 'copy.img');
  await writeFile(destination, 'what was there before');
  const copy = copyDisk({
    disk: new Disk(bench.front, bench.address),
    destination,
    digest: '0'.repeat(64),
    screen: quiet,
    signal: new AbortController().signal,
  });
  await assert.rejects(copy, { name: 'Failure', message: /SHA-256 is [0-9a-f]{64}, not 0{64}$/ });
  assert.equal(await readFile(destination, 'utf8'), 'what was there before');
  assert.deepEqual((await readdir(bench.folder)).sort(), ['copy.img', 'disk.img']);
});

test('a disk that shrinks ends the copy with the code of the back end', async (t) => {
  const bench = await makeBench(t, 3 * blockByteLengthMax);
  await truncate(bench.imagePath, blockByteLengthMax);
  const copy = copyDisk({
    disk: new Disk(bench.front, bench.address),
    destination: join(bench.folder, 'copy.img'),
    digest: '',
    screen: quiet,
    signal: new AbortController().signal,
  });
  await assert.rejects(copy, { message: 'the back end answered MediumFailed' });
  assert.deepEqual(await readdir(bench.folder), ['disk.img']);
});

test('an aborted copy throws the reason and leaves nothing', async (t) => {
  const bench = await makeBench(t, 40 * blockByteLengthMax);
  const program = new AbortController();
  const copy = copyDisk({
    disk: new Disk(bench.front, bench.address),
    destination: join(bench.folder, 'copy.img'),
    digest: '',
    screen: quiet,
    signal: program.signal,
    onBytes: (byteCount) => {
      if (byteCount > 0) program.abort(new Error('enough'));
    },
  });
  await assert.rejects(copy, { message: 'enough' });
  assert.deepEqual(await readdir(bench.folder), ['disk.img']);
});

test('reads that wait for a back end that never comes end when the disk is given up', async (t) => {
  const { front } = await makeBench(t, 1);
  const disk = new Disk(front, 'memory://nowhere/disk0');
  const { signal } = new AbortController();
  const read = disk.read(0, 1, disk.allocate(1), signal);
  const refused = assert.rejects(read, { code: 'DESTROYED' });
  await disk.close();
  await refused;
});
