/** The servers that are compared: each serves the same file, in processes of its own. */
import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Chain } from '../chain.js';
import { findProgram } from '../programs.js';

export type Medium = 'unix' | 'tcp';

export interface Served {
  readonly uri: string;
  /** Seconds of processor time that the server's processes have used so far. */
  cpuSeconds(): number;
  stop(): Promise<void>;
}

/**
 * `idc-file` is the NBD server alone, on the file; with `idc-ring` and `idc-tcp` the file is at the
 * other end of an IDC address, in a second process.
 */
export const contenderNames = ['nbdkit', 'qemu-nbd', 'idc-file', 'idc-ring', 'idc-tcp'] as const;
export type ContenderName = (typeof contenderNames)[number];

/** `port` is free; it is used over TCP alone. */
export async function startServer(
  name: ContenderName,
  medium: Medium,
  file: string,
  socket: string,
  port: number,
): Promise<Served> {
  rmSync(socket, { force: true });
  if (name === 'idc-ring' || name === 'idc-tcp') return startChain(name, medium, file, socket);
  const [program, words] = commandOf(name, medium, file, socket, port);
  const child = spawn(program, words, { stdio: ['ignore', 'ignore', 'inherit'] });
  const uri = medium === 'unix' ? `nbd+unix:///?socket=${socket}` : `nbd://127.0.0.1:${port}`;
  if (medium === 'unix') await untilThere(child, socket);
  else await delay(500);
  return { uri, cpuSeconds: () => cpuSecondsOf(child.pid ?? 0), stop: () => stop(child) };
}

async function startChain(
  name: 'idc-ring' | 'idc-tcp',
  medium: Medium,
  file: string,
  socket: string,
): Promise<Served> {
  const listen = medium === 'unix' ? socket : '127.0.0.1:0';
  const scheme = name === 'idc-ring' ? 'ring' : 'tcp';
  const chain = await Chain.make(scheme, 'bench', file, listen);
  return {
    uri: chain.uri,
    cpuSeconds: () => chain.processIds.reduce((sum, id) => sum + cpuSecondsOf(id), 0),
    stop: async () => {
      await chain.close();
      rmSync(`${file}.journal`, { force: true });
    },
  };
}

function commandOf(
  name: Exclude<ContenderName, 'idc-ring' | 'idc-tcp'>,
  medium: Medium,
  file: string,
  socket: string,
  port: number,
): [string, string[]] {
  const isUnix = medium === 'unix';
  switch (name) {
    case 'idc-file': {
      const script = join(import.meta.dirname, 'serve.js');
      return [process.execPath, [script, file, isUnix ? socket : `127.0.0.1:${port}`]];
    }
    case 'nbdkit': {
      const place = isUnix ? ['-U', socket] : ['-i', '127.0.0.1', '-p', String(port)];
      return [findProgram('nbdkit'), ['-f', ...place, 'file', file]];
    }
    case 'qemu-nbd': {
      const place = isUnix ? ['-k', socket] : ['-b', '127.0.0.1', '-p', String(port)];
      return [findProgram('qemu-nbd'), ['-f', 'raw', '-t', '-e', '8', ...place, file]];
    }
    default:
      throw new Error(`no server is called ${String(name satisfies never)}`);
  }
}

async function untilThere(child: ChildProcess, socket: string): Promise<void> {
  while (!existsSync(socket)) {
    if (child.exitCode !== null) throw new Error('the server ended before it listened');
    await delay(10);
  }
}

function cpuSecondsOf(processId: number): number {
  const text = readFileSync(`/proc/${processId}/stat`, 'utf8');
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  // User and system time, in the hundredths of a second that Linux shows everybody.
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

async function stop(child: ChildProcess): Promise<void> {
  const ended = new Promise((resolve) => child.once('close', resolve));
  child.kill('SIGTERM');
  await ended;
}
