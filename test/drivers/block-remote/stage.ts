/** A back end and front ends of one device over a real transport, in domains of their own. */
import { createDomain, type Domain, type TransportFactory } from '../../../core/index.js';
import {
  createMemoryDevice,
  openRemoteDevice,
  serveDevice,
  type BlockBackEnd,
  type BlockDevice,
  type OpenRemoteDeviceOptions,
  type RemoteDevice,
  type ServeDeviceOptions,
} from '../../../drivers/block/index.js';
import { createMemoryNetwork, memory } from '../../../transports/memory/index.js';
import { ring } from '../../../transports/ring/index.js';
import { tcp } from '../../../transports/tcp/index.js';

export const schemes = ['memory', 'ring', 'tcp'] as const;
export type Scheme = (typeof schemes)[number];

/** Short, so that a lost end is dialled again at once. */
export const limits = { dialMinMs: 1, dialMaxMs: 20 } as const;

export class Stage {
  readonly #makeTransport: () => TransportFactory;
  readonly #domains: Domain[] = [];
  #address: string;

  /** `label` tells one stage from another of this process. */
  constructor(scheme: Scheme, label: string) {
    const network = createMemoryNetwork();
    const transports = { memory: () => memory({ network }), ring: () => ring(), tcp: () => tcp() };
    const addresses = {
      memory: 'memory://back/disk',
      ring: `ring://block-${process.pid}-${label}/disk`,
      tcp: 'tcp://127.0.0.1:0/disk',
    };
    this.#makeTransport = transports[scheme];
    this.#address = addresses[scheme];
  }

  /** Of the back end; known once it is ready. */
  get address(): string {
    return this.#address;
  }

  /** `mayDo` says what others may do here. */
  domain(name: string, mayDo: (action: string) => boolean = () => true): Domain {
    const domain = createDomain({
      name,
      transports: [this.#makeTransport()],
      limits,
      authorise: (_peer, _service, action) => mayDo(action),
    });
    this.#domains.push(domain);
    return domain;
  }

  async serve(device: BlockDevice, options?: ServeDeviceOptions): Promise<BlockBackEnd> {
    const backEnd = serveDevice(this.domain('back'), this.#address, device, options);
    this.#address = await backEnd.ready;
    return backEnd;
  }

  open(options?: OpenRemoteDeviceOptions): Promise<RemoteDevice> {
    return openRemoteDevice(this.domain('front'), this.#address, options);
  }

  async close(): Promise<void> {
    for (const domain of this.#domains.reverse()) await domain.close();
  }
}

/** A memory device and the front end of it. */
export async function openMemory(
  stage: Stage,
  byteLength: number,
  blockBytes = 1,
): Promise<RemoteDevice> {
  await stage.serve(createMemoryDevice({ byteLength, blockBytes }));
  return stage.open();
}
