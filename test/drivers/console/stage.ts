/** Stage: a console over one transport, its back end and any number of front ends. */
import assert from 'node:assert/strict';
import { createDomain, type Domain } from 'idc';
import {
  attachConsole,
  serveConsole,
  type ConsoleAttachment,
  type ConsoleOptions,
  type ConsoleServer,
  type ConsoleServerOptions,
  type ConsoleView,
} from 'idc/drivers/console';
import { createMemoryNetwork, memory } from 'idc/memory';
import { ring } from 'idc/ring';
import { tcp } from 'idc/tcp';
import type { TransportFactory } from 'idc';

export interface Medium {
  readonly name: string;
  readonly address: string;
  readonly makeTransport: () => TransportFactory;
}

export function listMedia(label: string): readonly Medium[] {
  const network = createMemoryNetwork();
  const name = `ring://console-test-${process.pid}-${label}/console`;
  return [
    {
      name: 'memory',
      address: 'memory://back/console',
      makeTransport: () => memory({ network }),
    },
    { name: 'ring', address: name, makeTransport: () => ring() },
    { name: 'tcp', address: 'tcp://127.0.0.1:0/console', makeTransport: () => tcp() },
  ];
}

/** A front end, and all that it was shown. */
export class Onlooker {
  readonly domain: Domain;
  readonly attachment: ConsoleAttachment;
  readonly views: ConsoleView[] = [];
  readonly sizes: string[] = [];
  /** Since the last view that drew the screen anew. */
  shown = '';
  shownBytes = 0;
  lostCount = 0;
  takenOverCount = 0;
  /** While it is set, nothing more is looked at. */
  #blink: Promise<void> | undefined = undefined;
  #open: () => void = () => undefined;
  #onChange: (() => void)[] = [];

  constructor(domain: Domain, address: string, options: ConsoleOptions = {}) {
    this.domain = domain;
    this.attachment = attachConsole(domain, address, {
      began: (view) => {
        this.views.push(view);
        if (!view.continues) this.shown = '';
        this.#change();
      },
      output: async (bytes) => {
        await this.#blink;
        this.shown += Buffer.from(bytes).toString('latin1');
        this.shownBytes += bytes.length;
        this.#change();
      },
      resized: ({ columns, rows }) => {
        this.sizes.push(`${columns}x${rows}`);
        this.#change();
      },
      takenOver: () => {
        this.takenOverCount += 1;
        this.#change();
      },
      lost: () => {
        this.lostCount += 1;
        this.#change();
      },
      ...options,
    });
  }

  closeEyes(): void {
    this.#blink = new Promise((resolve) => {
      this.#open = resolve;
    });
  }

  openEyes(): void {
    this.#blink = undefined;
    this.#open();
  }

  /** Resolves when that holds; asked whenever something was shown. */
  async until(holds: (onlooker: this) => boolean): Promise<void> {
    while (!holds(this)) {
      await new Promise<void>((resolve) => {
        this.#onChange.push(resolve);
      });
    }
  }

  sees(text: string): Promise<void> {
    return this.until(({ shown }) => shown.includes(text));
  }

  #change(): void {
    for (const resolve of this.#onChange.splice(0)) resolve();
  }
}

/** Short, so that a lost end is dialled again at once. */
const limits = { dialMinMs: 1, dialMaxMs: 20 };

export class Stage {
  readonly #medium: Medium;
  readonly #domains: Domain[] = [];
  readonly #servers: ConsoleServer[] = [];
  #back: Domain | undefined = undefined;
  #address: string;

  constructor(medium: Medium) {
    this.#medium = medium;
    this.#address = medium.address;
  }

  get address(): string {
    return this.#address;
  }

  async serve(options: Partial<ConsoleServerOptions>): Promise<ConsoleServer> {
    this.#back = this.makeDomain('back');
    const server = serveConsole(this.#back, this.#address, { command: 'scripted', ...options });
    this.#servers.push(server);
    this.#address = await server.ready;
    return server;
  }

  /** The back end goes at once, and whoever it served notices. */
  async dropBackEnd(): Promise<void> {
    assert(this.#back !== undefined);
    await this.#back.close({ drainMs: 0 });
  }

  attach(options: ConsoleOptions = {}): Onlooker {
    return new Onlooker(this.makeDomain('front'), this.#address, options);
  }

  makeDomain(name: string): Domain {
    const domain = createDomain({ name, transports: [this.#medium.makeTransport()], limits });
    this.#domains.push(domain);
    return domain;
  }

  async close(): Promise<void> {
    await Promise.all(this.#domains.map((domain) => domain.close({ drainMs: 0 })));
    // With the domain of each its command is hung up.
    await Promise.all(this.#servers.map(({ ended }) => ended));
  }
}

/** Turns of the event loop, until that holds; the test's own time limit ends it otherwise. */
export async function eventually(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setImmediate(resolve));
}
