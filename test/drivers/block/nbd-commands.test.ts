/** The second phase of an NBD connection: every command, in simple and in structured replies. */
import assert from 'node:assert/strict';
import { describe } from 'node:test';
import {
  BlockError,
  BlockErrorCode,
  createMemoryDevice,
  sliceDevice,
} from '../../../drivers/block/index.js';
import {
  ChunkType,
  Command,
  CommandFlag,
  NbdError,
} from '../../../drivers/block/nbd/nbd-protocol.js';
import { createRandom, randomBytes } from '../../compliance/random.js';
import { HeldDevice } from './held-device.js';
import { check, deviceBytes } from './nbd-rig.js';
import { RawClient, word, type RawRequest } from './raw-client.js';

const bytes = Buffer.from(randomBytes(createRandom(7), 200_000));
const held = new HeldDevice(createMemoryDevice({ byteLength: deviceBytes }));

/** Reads by whatever replies were agreed upon. */
async function readBack(
  client: RawClient,
  structured: boolean,
  offset: number,
  byteLength: number,
): Promise<Buffer> {
  client.request({ command: Command.Read, cookie: 0xfedcba9876543210n, offset, byteLength });
  if (!structured) {
    assert.deepEqual(await client.simpleReply(), { error: 0, cookie: 0xfedcba9876543210n });
    return client.receive(byteLength);
  }
  const { flags, type, cookie, data } = await client.chunk();
  assert.deepEqual([flags, type, cookie], [1, ChunkType.OffsetData, 0xfedcba9876543210n]);
  assert.equal(Number(data.readBigUInt64BE(0)), offset);
  return data.subarray(8);
}

/** The error of a request that is answered without data, whatever replies were agreed upon. */
async function errorOf(
  client: RawClient,
  structured: boolean,
  request: RawRequest,
): Promise<number> {
  const isAnswer = request.command === Command.Read || request.command === Command.BlockStatus;
  if (!structured || !isAnswer) return client.perform(request);
  client.request(request);
  const { flags, type, data } = await client.chunk();
  assert.deepEqual([flags, type, data.byteLength], [1, ChunkType.Error, 6]);
  assert.equal(data.readUInt16BE(4), 0);
  return data.readUInt32BE(0);
}

for (const structured of [false, true]) {
  describe(`requests, with ${structured ? 'structured' : 'simple'} replies`, () => {
    check('reads what was written, in any length', async (rig) => {
      const client = await rig.client({ structured });
      for (const byteLength of [1, 511, 4096, 16_384, 16_385, 65_536, 200_000]) {
        const data = bytes.subarray(0, byteLength);
        const offset = deviceBytes - byteLength;
        assert.equal(await client.perform({ command: Command.Write, offset, data, cookie: 5n }), 0);
        assert.ok((await readBack(client, structured, offset, byteLength)).equals(data));
      }
      assert.equal(rig.device.counts().fuas, 0);
    });

    check('takes everything that is sent at once, and answers all of it', async (rig) => {
      const client = await rig.client({ structured });
      const count = 1000;
      for (let index = 0; index < count; index++) {
        const data = bytes.subarray(index, index + 1000);
        client.request({ command: Command.Write, cookie: BigInt(index), offset: index, data });
      }
      for (let index = 0; index < count; index++) {
        assert.deepEqual(await client.simpleReply(), { error: 0, cookie: BigInt(index) });
      }
      assert.ok((await readBack(client, structured, 0, count)).equals(bytes.subarray(0, count)));
    });

    check('a length of 0 is success and does nothing', async (rig) => {
      const client = await rig.client({ structured });
      for (const command of [Command.Write, Command.Trim, Command.WriteZeroes]) {
        assert.equal(await client.perform({ command, offset: deviceBytes }), 0);
      }
      client.request({ command: Command.Read });
      if (structured) assert.equal((await client.chunk()).type, ChunkType.None);
      else assert.equal((await client.simpleReply()).error, 0);
      const { writes, discards, zeroWrites, reads } = rig.device.counts();
      assert.deepEqual([writes, discards, zeroWrites, reads], [0, 0, 0, 0]);
    });

    check('what is out of range is refused, and the data of a write passed over', async (rig) => {
      const client = await rig.client({ structured });
      const { NoSpace, Invalid } = NbdError;
      for (const [offset, byteLength] of [
        [deviceBytes - 1, 2],
        [deviceBytes, 1],
        [2n ** 64n - 1n, 1],
        [2n ** 63n, 4096],
        [0, 2 ** 32 - 1],
      ] as const) {
        const range = { offset, byteLength };
        const refusals = [
          [Command.Trim, Invalid],
          [Command.Read, Invalid],
          [Command.WriteZeroes, NoSpace],
        ] as const;
        for (const [command, expected] of refusals) {
          assert.equal(await errorOf(client, structured, { command, ...range }), expected);
        }
        if (byteLength > 4096) continue;
        const data = bytes.subarray(0, byteLength);
        assert.equal(await client.perform({ command: Command.Write, offset, data }), NoSpace);
      }
      const { reads, writes, discards, zeroWrites } = rig.device.counts();
      assert.deepEqual([reads, writes, discards, zeroWrites], [0, 0, 0, 0]);
    });

    check('unknown commands and flags are refused, and the connection goes on', async (rig) => {
      const client = await rig.client({ structured });
      const { Fua, NoHole, DontFragment, RequestOne } = CommandFlag;
      const data = bytes.subarray(0, 1000);
      for (const request of [
        { command: 5, byteLength: 512 },
        { command: 8 },
        { command: 0xffff, flags: 0xffff },
        { command: Command.Read, flags: NoHole, byteLength: 1 },
        { command: Command.Write, flags: DontFragment, data },
        { command: Command.Write, flags: 0x20, data },
        { command: Command.Trim, flags: RequestOne, byteLength: 1 },
        { command: Command.WriteZeroes, flags: 0x10, byteLength: 1 },
        { command: Command.Flush, offset: 512 },
        { command: Command.Flush, byteLength: 512 },
        { command: Command.BlockStatus, byteLength: 512 },
      ]) {
        assert.equal(await errorOf(client, structured, request), NbdError.Invalid);
      }
      assert.equal(await client.perform({ command: Command.Flush, flags: Fua }), 0);
    });

    check(
      "the device's own refusals have numbers",
      async (rig) => {
        const client = await rig.client({ structured });
        for (const [code, expected, command] of [
          [BlockErrorCode.OutOfRange, NbdError.NoSpace, Command.Write],
          [BlockErrorCode.OutOfRange, NbdError.Invalid, Command.Read],
          [BlockErrorCode.Misaligned, NbdError.Invalid, Command.Write],
          [BlockErrorCode.ReadOnly, NbdError.NotPermitted, Command.WriteZeroes],
          [BlockErrorCode.NoSpace, NbdError.NoSpace, Command.Write],
          [BlockErrorCode.Failed, NbdError.InputOutput, Command.Read],
          [BlockErrorCode.Failed, NbdError.InputOutput, Command.Flush],
          [BlockErrorCode.Closed, NbdError.ShuttingDown, Command.Trim],
        ] as const) {
          const length = command === Command.Flush ? 0 : 512;
          const data = command === Command.Write ? bytes.subarray(0, 512) : undefined;
          const error = errorOf(client, structured, {
            command,
            byteLength: length,
            ...(data && { data }),
          });
          (await held.take()).fail(new BlockError(code, 'not the business of a client'));
          assert.equal(await error, expected);
        }
      },
      { device: held },
    );
  });
}

describe('what a request means to the device', () => {
  check('FUA, NO_HOLE and FLUSH are handed on', async (rig) => {
    const client = await rig.client();
    const { Fua, NoHole } = CommandFlag;
    const data = bytes.subarray(0, 512);
    assert.equal(await client.perform({ command: Command.Write, flags: Fua, data }), 0);
    assert.equal(rig.device.counts().fuas, 1);
    const zero = { command: Command.WriteZeroes, byteLength: 512 };
    assert.equal(await client.perform({ ...zero, flags: Fua | NoHole }), 0);
    assert.equal(rig.device.counts().fuas, 2);
    assert.equal(await client.perform({ command: Command.Flush }), 0);
    assert.equal(rig.device.counts().flushes, 1);
    const trim = { command: Command.Trim, byteLength: 512 };
    assert.equal(await client.perform(trim), 0);
    assert.equal(rig.device.counts().flushes, 1);
    assert.equal(await client.perform({ ...trim, flags: Fua }), 0);
    assert.equal(rig.device.counts().flushes, 2);
  });

  check(
    'zeroes may discard unless the client says NO_HOLE',
    async (rig) => {
      const client = await rig.client();
      const zero = { command: Command.WriteZeroes, offset: 1024, byteLength: 512 };
      for (const [flags, mayDiscard] of [
        [0, true],
        [CommandFlag.NoHole, false],
      ] as const) {
        const error = client.perform({ ...zero, flags });
        const { kind, offset, byteLength, options, begin } = await held.take();
        assert.deepEqual([kind, offset, byteLength], ['writeZeroes', 1024, 512]);
        assert.deepEqual(options, { fua: false, mayDiscard });
        begin();
        assert.equal(await error, 0);
      }
    },
    { device: held },
  );

  check(
    'requests are worked on at once and answered as they end',
    async (rig) => {
      const client = await rig.client();
      for (const cookie of [1n, 2n, 3n]) {
        client.request({ command: Command.Write, cookie, data: bytes.subarray(0, 512) });
      }
      await held.arrived(3);
      const [first, second, third] = held.held.splice(0);
      third?.begin();
      assert.equal((await client.simpleReply()).cookie, 3n);
      first?.begin();
      assert.equal((await client.simpleReply()).cookie, 1n);
      second?.begin();
      assert.equal((await client.simpleReply()).cookie, 2n);
    },
    { device: held },
  );

  const readOnly = sliceDevice(createMemoryDevice({ byteLength: 4096 }), { isReadOnly: true });
  check(
    'a read-only export refuses every change with EPERM',
    async (rig) => {
      const client = await rig.client();
      const data = bytes.subarray(0, 512);
      for (const request of [
        { command: Command.Write, data },
        { command: Command.Trim, byteLength: 512 },
        { command: Command.WriteZeroes, byteLength: 512 },
      ]) {
        assert.equal(await client.perform(request), NbdError.NotPermitted);
      }
      assert.equal(await client.perform({ command: Command.Flush }), 0);
      assert.equal((await readBack(client, false, 0, 512)).byteLength, 512);
    },
    { device: readOnly },
  );

  const blocks = createMemoryDevice({ byteLength: 8192, blockBytes: 512 });
  check(
    'what is not in whole blocks is refused with EINVAL',
    async (rig) => {
      const client = await rig.client();
      const data = bytes.subarray(0, 511);
      assert.equal(await client.perform({ command: Command.Write, data }), NbdError.Invalid);
      const trim = { command: Command.Trim, offset: 1, byteLength: 512 };
      assert.equal(await client.perform(trim), NbdError.Invalid);
      assert.equal(await client.perform({ command: Command.Trim, byteLength: 512 }), 0);
    },
    { device: blocks },
  );

  const growing = createMemoryDevice({ byteLength: 4096 });
  check(
    'a new size holds at once for the range, and for clients that come later',
    async (rig) => {
      const client = await rig.client();
      const request = { command: Command.WriteZeroes, offset: 4096, byteLength: 512 };
      assert.equal(await client.perform(request), NbdError.NoSpace);
      growing.resize(8192);
      assert.equal(await client.perform(request), 0);
      growing.resize(512);
      assert.equal(await client.perform(request), NbdError.NoSpace);
      const later = await rig.connect();
      await later.greet();
      later.option(1);
      assert.equal(Number((await later.receive(10)).readBigUInt64BE(0)), 512);
    },
    { device: growing },
  );
});

describe('the status of blocks', () => {
  const sparse = createMemoryDevice({ byteLength: deviceBytes, chunkBytes: 4096 });

  const statusOf = async (
    client: RawClient,
    offset: number,
    byteLength: number,
    flags = 0,
  ): Promise<number[]> => {
    client.request({ command: Command.BlockStatus, cookie: 9n, flags, offset, byteLength });
    const chunk = await client.chunk();
    assert.deepEqual([chunk.flags, chunk.type, chunk.cookie], [1, ChunkType.BlockStatus, 9n]);
    const numbers = Array.from({ length: chunk.data.byteLength / 4 }, (_, index) =>
      chunk.data.readUInt32BE(4 * index),
    );
    assert.equal(numbers.shift(), 1, 'the context');
    return numbers;
  };

  check(
    'tells holes and data, or the first extent alone',
    async (rig) => {
      await sparse.write(8192, Buffer.alloc(4096, 1));
      const client = await rig.client({ allocation: true });
      assert.deepEqual(await statusOf(client, 0, 65_536), [8192, 3, 4096, 0, 53_248, 3]);
      assert.deepEqual(await statusOf(client, 8200, 88), [88, 0]);
      const one = CommandFlag.RequestOne;
      assert.deepEqual(await statusOf(client, 4096, 65_536, one), [4096, 3]);
      assert.deepEqual(await statusOf(client, 0, 100, one), [100, 3]);
    },
    { device: sparse },
  );

  const spotted = createMemoryDevice({ byteLength: 1 << 24, chunkBytes: 1024 });
  check(
    'with very many extents tells the first of them',
    async (rig) => {
      for (let offset = 0; offset < 1 << 24; offset += 2048) {
        await spotted.write(offset, Buffer.alloc(1, 1));
      }
      const client = await rig.client({ allocation: true });
      const numbers = await statusOf(client, 0, 1 << 24);
      assert.equal(numbers.length, 2 * 1024);
    },
    { device: spotted },
  );

  check('is refused out of range and for nothing', async (rig) => {
    const client = await rig.client({ allocation: true });
    const command = Command.BlockStatus;
    for (const range of [{ byteLength: 0 }, { offset: deviceBytes, byteLength: 1 }]) {
      assert.equal(await errorOf(client, true, { command, ...range }), NbdError.Invalid);
    }
  });

  check('is refused with simple replies', async (rig) => {
    const client = await rig.client();
    const request = { command: Command.BlockStatus, byteLength: 512 };
    assert.equal(await client.perform(request), NbdError.Invalid);
  });
});

describe('the end of a connection', () => {
  check('NBD_CMD_DISC ends it, after a reply to what came before', async (rig) => {
    const client = await rig.client();
    client.request({ command: Command.Write, cookie: 1n, data: bytes });
    client.disconnect();
    assert.deepEqual(await client.simpleReply(), { error: 0, cookie: 1n });
    await client.end();
    assert.equal(rig.device.counts().writes, 1);
  });

  check(
    'NBD_CMD_DISC waits for the device',
    async (rig) => {
      const client = await rig.client();
      client.request({ command: Command.Flush, cookie: 1n });
      client.disconnect();
      (await held.take()).begin();
      assert.deepEqual(await client.simpleReply(), { error: 0, cookie: 1n });
      await client.end();
    },
    { device: held },
  );

  check('a request without its magic ends it', async (rig) => {
    const client = await rig.client();
    client.send(word(0x25609514), Buffer.alloc(24));
    await client.end();
  });

  check(
    'a client that goes leaves its requests to the device, and the server waits',
    async (rig) => {
      const client = await rig.client();
      client.request({ command: Command.Write, data: bytes });
      client.request({ command: Command.Read, byteLength: 100_000 });
      await held.arrived(2);
      client.destroy();
      const closed = rig.server.close();
      for (const operation of held.held.splice(0)) operation.begin();
      await closed;
      assert.deepEqual(rig.server.statistics(), { connections: 0, turnedAway: 0, payloads: 0 });
    },
    { device: held },
  );

  check('a client that goes in the middle of its data changes nothing', async (rig) => {
    const client = await rig.client();
    client.request({ command: Command.Write, data: bytes.subarray(0, 4000), byteLength: 65_536 });
    client.socket.end();
    await client.end();
    assert.equal(rig.device.counts().writes, 0);
  });
});
