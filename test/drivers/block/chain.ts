/**
 * Chain: a file, a back end that serves it in a process of its own, and `idc block nbd` in another,
 * which makes an NBD export of it. The back end may be killed and started again.
 */
import { truncateSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Program, type Ending } from '../../unit/program.js';
import { descriptionOfExport } from './workloads.js';

const backEndScript = fileURLToPath(new URL('back-end-process.js', import.meta.url));
const command = fileURLToPath(new URL('../../../cli/main.js', import.meta.url));

/** Transports that reach another process. */
export const farSchemes = ['ring', 'tcp'] as const;
export type FarScheme = (typeof farSchemes)[number];

export class Chain {
  /** Of the export. */
  readonly uri: string;
  readonly file: string;
  /** Of the back end. */
  readonly address: string;
  readonly gateway: Program;
  #backEnd: Program;

  private constructor(file: string, address: string, backEnd: Program, found: Gateway) {
    this.file = file;
    this.address = address;
    this.#backEnd = backEnd;
    this.uri = found.uri;
    this.gateway = found.program;
  }

  /** `label` tells one chain from another of this process. `listen` is told to the command. */
  static async make(
    scheme: FarScheme,
    label: string,
    file: string,
    listen: string,
  ): Promise<Chain> {
    const wanted =
      scheme === 'ring' ? `ring://nbd-${process.pid}-${label}/disk` : 'tcp://127.0.0.1:0/disk';
    const [backEnd, address] = await startBackEnd(wanted, file);
    try {
      return new Chain(file, address, backEnd, await startGateway(address, listen));
    } catch (error) {
      await stop(backEnd, 'SIGKILL');
      throw error;
    }
  }

  /** Of the processes, for whoever measures them. */
  get processIds(): readonly number[] {
    return [this.#backEnd.id, this.gateway.id];
  }

  /** Nothing of the old process is left when the new one begins. */
  async killAndRestart(): Promise<void> {
    await stop(this.#backEnd, 'SIGKILL');
    [this.#backEnd] = await startBackEnd(this.address, this.file);
  }

  /** Ends both in good order; answers how the command ended. */
  async close(): Promise<Ending> {
    const ending = await stop(this.gateway, 'SIGTERM');
    await stop(this.#backEnd, 'SIGTERM');
    return ending;
  }
}

interface Gateway {
  readonly uri: string;
  readonly program: Program;
}

/** A sparse file of zeroes. */
export function makeFile(path: string, byteLength: number): string {
  writeFileSync(path, '');
  truncateSync(path, byteLength);
  return path;
}

async function startBackEnd(address: string, file: string): Promise<[Program, string]> {
  const program = new Program(process.execPath, [backEndScript, address, file]);
  const found = await program.untilOutput(/^serves (\S+)$/mu);
  return [program, found[1] ?? ''];
}

async function startGateway(address: string, listen: string): Promise<Gateway> {
  const words = ['block', 'nbd', address, '--listen', listen, '--description', descriptionOfExport];
  const program = new Program(process.execPath, [command, ...words]);
  const found = await program.untilOutput(/^(\S+) serves /mu);
  return { program, uri: found[1] ?? '' };
}

async function stop(program: Program, signal: NodeJS.Signals): Promise<Ending> {
  if (program.hasProcesses()) program.interrupt(signal);
  return program.ended;
}
