/** The first phase of an NBD connection: every option, legal or not. */
import assert from 'node:assert/strict';
import { describe } from 'node:test';
import { createMemoryDevice, sliceDevice } from '../../../drivers/block/index.js';
import {
  Command,
  Info,
  NbdError,
  Option,
  OptionReply,
} from '../../../drivers/block/nbd/nbd-protocol.js';
import { check, deviceBytes, type Rig } from './nbd-rig.js';
import {
  contextQuestion,
  exportQuestion,
  named,
  word,
  type OptionAnswer,
  type RawClient,
} from './raw-client.js';

const { Ack, Server, MetaContext, Unsupported, Invalid, Unknown, TooBig } = OptionReply;

const first = createMemoryDevice({ byteLength: 4096, blockBytes: 512 });
const second = sliceDevice(createMemoryDevice({ byteLength: 8192 }), { isReadOnly: true });
const twoExports = {
  exports: [
    { name: 'first', description: 'with blocks', device: first },
    { name: 'zweite Ä', device: second },
  ],
};

async function greeted(rig: Rig): Promise<RawClient> {
  const client = await rig.connect();
  await client.greet();
  return client;
}

/** A client that has chosen in time, which this machine may keep one or another from. */
async function chosen(rig: Rig): Promise<RawClient> {
  for (let attempt = 1; attempt < 20; attempt++) {
    try {
      return await rig.client();
    } catch (error) {
      assert.match(String(error), /the connection ended/);
    }
  }
  return rig.client();
}

function typesOf(answers: readonly OptionAnswer[]): number[] {
  return answers.map(({ type }) => type);
}

/** Size and flags as `Info.Export` has them. */
function exportOf(answers: readonly OptionAnswer[]): { byteLength: number; flags: number } {
  const data = answers.find((answer) => answer.type === OptionReply.Info)?.data;
  assert.ok(data?.byteLength === 12 && data.readUInt16BE(0) === Info.Export);
  return { byteLength: Number(data.readBigUInt64BE(2)), flags: data.readUInt16BE(10) };
}

describe('the greeting', () => {
  check('comes unasked, and unknown client flags end the connection', async (rig) => {
    const client = await rig.connect();
    await client.greet(4);
    await client.end();
  });

  check('a client that ends in the middle of anything is just gone', async (rig) => {
    const client = await rig.connect();
    await client.greet();
    client.send(Buffer.from('IHAV'));
    client.socket.end();
    await client.end();
    const other = await rig.client();
    assert.equal(await other.perform({ command: Command.Flush }), NbdError.None);
  });

  check('an option without its magic ends the connection', async (rig) => {
    const client = await greeted(rig);
    client.send(Buffer.from('IHAVEOPX'), word(Option.List), word(0));
    await client.end();
  });

  check(
    'a client that chooses nothing is turned away in time',
    async (rig) => {
      const client = await rig.connect();
      await client.closed();
    },
    { handshakeMs: 20 },
  );

  check(
    'a client that has chosen is not',
    async (rig) => {
      const client = await chosen(rig);
      const other = await rig.connect();
      await other.closed();
      assert.equal(await client.perform({ command: Command.Flush }), NbdError.None);
    },
    { handshakeMs: 200 },
  );
});

describe('NBD_OPT_EXPORT_NAME', () => {
  for (const [flags, reserved] of [
    [1, 124],
    [3, 0],
    [0, 124],
  ] as const) {
    check(`tells size and flags, with client flags ${flags}`, async (rig) => {
      const client = await rig.connect();
      await client.greet(flags);
      client.option(Option.ExportName);
      const reply = await client.receive(10 + reserved);
      assert.equal(Number(reply.readBigUInt64BE(0)), deviceBytes);
      assert.equal(reply.readUInt16BE(8), 0x16d);
      assert.ok(reply.subarray(10).every((byte) => byte === 0));
      assert.equal(await client.perform({ command: Command.Flush }), NbdError.None);
    });
  }

  check(
    'finds an export by its name',
    async (rig) => {
      const client = await greeted(rig);
      client.option(Option.ExportName, Buffer.from('zweite Ä'));
      const reply = await client.receive(10);
      assert.equal(Number(reply.readBigUInt64BE(0)), 8192);
    },
    twoExports,
  );

  for (const [what, name] of [
    ['an unknown name', Buffer.from('third')],
    ['a name of 4097 bytes', Buffer.alloc(4097)],
    ['a name that is no UTF-8', Buffer.from([0xff, 0xfe])],
    ['a name longer than any option', Buffer.alloc(100_000)],
  ] as const) {
    check(`${what} ends the connection`, async (rig) => {
      const client = await greeted(rig);
      client.option(Option.ExportName, name);
      await client.end();
    });
  }
});

describe('NBD_OPT_GO and NBD_OPT_INFO', () => {
  check('tell size and flags; INFO goes on, GO begins', async (rig) => {
    const client = await greeted(rig);
    for (const option of [Option.Info, Option.Info, Option.Go]) {
      const answers = await client.ask(option, exportQuestion(''));
      assert.deepEqual(typesOf(answers), [OptionReply.Info, Ack]);
      assert.deepEqual(exportOf(answers), { byteLength: deviceBytes, flags: 0x16d });
    }
    assert.equal(await client.perform({ command: Command.Flush }), NbdError.None);
  });

  check(
    'tell what else was asked for and is known, once each',
    async (rig) => {
      const client = await greeted(rig);
      const infos = [Info.BlockSize, Info.Name, 77, Info.Description, Info.Name, Info.Export];
      const answers = await client.ask(Option.Info, exportQuestion('', infos));
      const [size, blocks, name, description, last] = answers.map(({ data }) => data);
      assert.equal(answers.length, 5);
      assert.equal(Number(size?.readBigUInt64BE(2)), 4096);
      assert.equal(blocks?.toString('hex'), '0003' + '00000200' + '00001000' + '02000000');
      assert.equal(name?.toString(), '\0\x01first');
      assert.equal(description?.toString(), '\0\x02with blocks');
      assert.equal(last?.byteLength, 0);
    },
    twoExports,
  );

  check(
    'tell a read-only export, and structured replies, by flags',
    async (rig) => {
      const client = await greeted(rig);
      const answers = await client.ask(Option.Info, exportQuestion('zweite Ä'));
      assert.deepEqual(exportOf(answers), { byteLength: 8192, flags: 0x10f });
      await client.ask(Option.StructuredReply);
      const more = await client.ask(Option.Info, exportQuestion('zweite Ä'));
      assert.equal(exportOf(more).flags, 0x18f);
    },
    twoExports,
  );

  check('refuse an unknown name and go on', async (rig) => {
    const client = await greeted(rig);
    assert.deepEqual(typesOf(await client.ask(Option.Go, exportQuestion('other'))), [Unknown]);
    assert.deepEqual(typesOf(await client.ask(Option.Info, exportQuestion('other'))), [Unknown]);
    await client.ask(Option.Go, exportQuestion(''));
    assert.equal(await client.perform({ command: Command.Flush }), NbdError.None);
  });

  check('refuse what is malformed and go on', async (rig) => {
    const client = await greeted(rig);
    for (const data of [
      Buffer.alloc(0),
      Buffer.alloc(5),
      word(1),
      Buffer.concat([word(0), Buffer.from([0, 2, 0, 1])]),
      Buffer.concat([word(0xffffffff), Buffer.alloc(6)]),
      Buffer.concat([exportQuestion(''), Buffer.alloc(1)]),
      Buffer.concat([named('a'.repeat(4097)), Buffer.alloc(2)]),
    ]) {
      assert.deepEqual(typesOf(await client.ask(Option.Go, data)), [Invalid]);
    }
    assert.deepEqual(typesOf(await client.ask(Option.Go, exportQuestion(''))).at(-1), Ack);
  });
});

describe('other options', () => {
  check(
    'NBD_OPT_LIST names every export, and takes no data',
    async (rig) => {
      const client = await greeted(rig);
      const answers = await client.ask(Option.List);
      assert.deepEqual(typesOf(answers), [Server, Server, Ack]);
      assert.deepEqual(
        answers.map(({ data }) => data),
        [named('first'), named('zweite Ä'), Buffer.alloc(0)],
      );
      assert.deepEqual(typesOf(await client.ask(Option.List, Buffer.alloc(1))), [Invalid]);
    },
    twoExports,
  );

  check('NBD_OPT_ABORT is acknowledged, and the connection ends', async (rig) => {
    const client = await greeted(rig);
    assert.deepEqual(typesOf(await client.ask(Option.Abort, Buffer.from('why'))), [Ack]);
    await client.end();
  });

  check('unknown ones, and those of TLS, are refused as unsupported', async (rig) => {
    const client = await greeted(rig);
    for (const option of [0, 4, 5, 11, 0xffffffff]) {
      assert.deepEqual(typesOf(await client.ask(option, Buffer.alloc(9))), [Unsupported]);
    }
  });

  check('data beyond all reason is passed over and refused', async (rig) => {
    const client = await greeted(rig);
    for (const option of [Option.Go, 99]) {
      assert.deepEqual(typesOf(await client.ask(option, Buffer.alloc(300_000))), [TooBig]);
    }
    assert.deepEqual(typesOf(await client.ask(Option.List)), [Server, Ack]);
  });

  check('NBD_OPT_STRUCTURED_REPLY takes no data', async (rig) => {
    const client = await greeted(rig);
    assert.deepEqual(typesOf(await client.ask(Option.StructuredReply, word(1))), [Invalid]);
    const plain = await client.ask(Option.Info, exportQuestion(''));
    assert.equal(exportOf(plain).flags & 0x80, 0);
    assert.deepEqual(typesOf(await client.ask(Option.StructuredReply)), [Ack]);
    assert.deepEqual(typesOf(await client.ask(Option.StructuredReply)), [Ack]);
  });

  check('many at once are answered in their order', async (rig) => {
    const client = await greeted(rig);
    for (let count = 0; count < 500; count++) client.option(count % 2 === 0 ? 99 : Option.List);
    const expected = [Unsupported, Server, Ack];
    for (let count = 0; count < 750; count++) {
      assert.equal((await client.optionAnswer()).type, expected[count % 3]);
    }
  });
});

describe('metadata contexts', () => {
  const allocation = Buffer.from('base:allocation');

  check('need structured replies', async (rig) => {
    const client = await greeted(rig);
    const question = contextQuestion('', []);
    for (const option of [Option.ListMetaContext, Option.SetMetaContext]) {
      assert.deepEqual(typesOf(await client.ask(option, question)), [Invalid]);
    }
  });

  for (const [queries, listed, chosen] of [
    [[], 1, 0],
    [['base:'], 1, 0],
    [['base:allocation'], 1, 1],
    [['x-other:thing', 'base:allocation', 'base:allocation'], 1, 1],
    [['base:other', 'qemu:dirty-bitmap:'], 0, 0],
  ] as const) {
    check(`for ${JSON.stringify(queries)}: ${listed} listed, ${chosen} chosen`, async (rig) => {
      const client = await greeted(rig);
      await client.ask(Option.StructuredReply);
      const question = contextQuestion('', queries);
      const list = await client.ask(Option.ListMetaContext, question);
      const set = await client.ask(Option.SetMetaContext, question);
      const names = [list, set].map((answers) => answers.slice(0, -1));
      assert.deepEqual([list.at(-1)?.type, set.at(-1)?.type], [Ack, Ack]);
      assert.deepEqual(names.map(typesOf), [
        Array(listed).fill(MetaContext),
        Array(chosen).fill(MetaContext),
      ]);
      for (const { data } of names.flat()) assert.deepEqual(data.subarray(4), allocation);
    });
  }

  check('of an unknown export, and malformed questions, are refused', async (rig) => {
    const client = await greeted(rig);
    await client.ask(Option.StructuredReply);
    for (const option of [Option.ListMetaContext, Option.SetMetaContext]) {
      assert.deepEqual(typesOf(await client.ask(option, contextQuestion('x', []))), [Unknown]);
      for (const data of [
        Buffer.alloc(0),
        Buffer.concat([named(''), word(2), named('base:')]),
        Buffer.concat([named(''), word(0xffffffff)]),
        Buffer.concat([contextQuestion('', []), Buffer.alloc(1)]),
      ]) {
        assert.deepEqual(typesOf(await client.ask(option, data)), [Invalid]);
      }
    }
  });

  for (const [what, question] of [
    ['none chosen', contextQuestion('', [])],
    ['a failed choice after a good one', Buffer.alloc(1)],
    ['one of another export', contextQuestion('zweite Ä', ['base:allocation'])],
  ] as const) {
    check(
      `${what}: the status of blocks is refused`,
      async (rig) => {
        const client = await greeted(rig);
        await client.ask(Option.StructuredReply);
        await client.ask(Option.SetMetaContext, contextQuestion('', ['base:allocation']));
        await client.ask(Option.SetMetaContext, question);
        await client.ask(Option.Go, exportQuestion(''));
        client.request({ command: Command.BlockStatus, byteLength: 512 });
        const { type, data } = await client.chunk();
        assert.deepEqual([type, data.readUInt32BE(0)], [0x8001, NbdError.Invalid]);
      },
      twoExports,
    );
  }
});
