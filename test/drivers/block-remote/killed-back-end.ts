/** KilledBackEnd: a back end of a file in a process that is killed and started again. */
import { truncateSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { createDomain, type Domain } from '../../../core/index.js';
import { openRemoteDevice, type RemoteDevice } from '../../../drivers/block/index.js';
import { ring } from '../../../transports/ring/index.js';
import { tcp } from '../../../transports/tcp/index.js';
import { Program } from '../../unit/program.js';

const script = fileURLToPath(new URL('back-end-process.js', import.meta.url));

/** Transports that reach another process. */
export const farSchemes = ['ring', 'tcp'] as const;
export type FarScheme = (typeof farSchemes)[number];

/** Longer than all kills together take on a busy machine. */
const timeoutMs = 240_000;

export class KilledBackEnd {
  readonly path: string;
  readonly #seed: number;
  readonly #domains: Domain[] = [];
  #address: string;
  #program: Program | undefined = undefined;
  #startCount = 0;

  /** Serves a file of `byteLength` zeroes in `folder`. */
  constructor(scheme: FarScheme, folder: string, byteLength: number, seed: number) {
    this.path = `${folder}/disk.img`;
    writeFileSync(this.path, '');
    truncateSync(this.path, byteLength);
    this.#seed = seed;
    const name = `ring://block-kill-${process.pid}-${seed}/disk`;
    this.#address = scheme === 'ring' ? name : 'tcp://127.0.0.1:0/disk';
  }

  get killCount(): number {
    return this.#startCount - 1;
  }

  get address(): string {
    return this.#address;
  }

  async start(): Promise<void> {
    this.#startCount += 1;
    const seed = String(this.#seed + this.#startCount);
    const words = [script, this.#address, this.path, `${this.path}.journal`, seed];
    this.#program = new Program(process.execPath, words);
    const found = await this.#program.untilOutput(/^serves (\S+)$/mu);
    this.#address = found[1] ?? '';
  }

  /** Nothing of the old process is left when the new one begins. */
  async killAndRestart(): Promise<void> {
    this.#program?.interrupt('SIGKILL');
    await this.#program?.ended;
    await this.start();
  }

  /** A front end in a domain of its own, which dials a lost back end every `dialMs`. */
  async open(name: string, dialMs: number): Promise<RemoteDevice> {
    const limits = { dialMinMs: dialMs, dialMaxMs: dialMs };
    const domain = createDomain({ name, transports: [ring(), tcp()], limits });
    this.#domains.push(domain);
    return openRemoteDevice(domain, this.#address, { timeoutMs });
  }

  async close(): Promise<void> {
    for (const domain of this.#domains) await domain.close();
    this.#program?.interrupt('SIGKILL');
    await this.#program?.ended;
  }
}

/** Kills the back end `count` times, each after some more of what `progress` counts. */
export async function killNowAndThen(
  backEnd: KilledBackEnd,
  count: number,
  progress: () => number,
  nextStep: () => number,
): Promise<void> {
  for (let index = 0; index < count; index++) {
    const wanted = progress() + nextStep();
    while (progress() < wanted) await new Promise((resolve) => setImmediate(resolve));
    await backEnd.killAndRestart();
  }
}
