/** A server on a socket file, raw clients of it, and a look for what is left at the end. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import {
  countDevice,
  createMemoryDevice,
  serveNbd,
  type BlockDevice,
  type CountingDevice,
  type NbdServer,
  type NbdServerOptions,
} from '../../../drivers/block/index.js';
import { Option } from '../../../drivers/block/nbd/nbd-protocol.js';
import { makeTemporaryFolder } from '../../unit/temporary-folder.js';
import { contextQuestion, exportQuestion, RawClient } from './raw-client.js';

export const deviceBytes: number = 1 << 20;

export type RigOptions = Partial<NbdServerOptions> & {
  /** Default: memory of 1 MiB that counts. */
  readonly device?: BlockDevice;
};

export class Rig {
  readonly server: NbdServer;
  readonly place: string;
  /** What the server serves, unless the test brought its own. */
  readonly device: CountingDevice;
  readonly #clients: RawClient[] = [];

  private constructor(server: NbdServer, place: string, device: CountingDevice) {
    this.server = server;
    this.place = place;
    this.device = device;
  }

  static async make(folder: string, options: RigOptions): Promise<Rig> {
    const device = countDevice(createMemoryDevice({ byteLength: deviceBytes }));
    const place = `${folder}/nbd.sock`;
    const exports = [{ device: options.device ?? device }];
    const server = serveNbd({ exports, listen: place, ...options });
    await server.ready;
    return new Rig(server, place, device);
  }

  /** A connected client that has heard nothing yet. */
  async connect(): Promise<RawClient> {
    const client = await RawClient.connect(this.place);
    this.#clients.push(client);
    return client;
  }

  /** A client that may send requests. */
  async client(
    options: { readonly structured?: boolean; readonly allocation?: boolean } = {},
  ): Promise<RawClient> {
    const client = await this.connect();
    await client.greet();
    const { allocation = false, structured = allocation } = options;
    if (structured) await client.ask(Option.StructuredReply);
    if (allocation) {
      await client.ask(Option.SetMetaContext, contextQuestion('', ['base:allocation']));
    }
    await client.ask(Option.Go, exportQuestion(''));
    return client;
  }

  async dispose(): Promise<void> {
    for (const client of this.#clients) client.destroy();
    await this.server.close();
    const { connections, payloads } = this.server.statistics();
    assert.deepEqual({ connections, payloads }, { connections: 0, payloads: 0 });
  }
}

/** A test on a rig of its own. */
export function check(
  fact: string,
  body: (rig: Rig) => Promise<void>,
  options: RigOptions = {},
): void {
  it(fact, async (context) => {
    const rig = await Rig.make(await makeTemporaryFolder(context), options);
    try {
      await body(rig);
    } finally {
      await rig.dispose();
    }
  });
}
