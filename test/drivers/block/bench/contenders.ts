/** The servers that are compared: each serves the same file, in a process of its own. */
import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { findProgram } from '../programs.js';

export type Medium = 'unix' | 'tcp';

export interface Served {
  readonly uri: string;
  /** Seconds of processor time that the server has used so far. */
  cpuSeconds(): number;
  stop(): Promise<void>;
}

export const contenderNames = ['idc', 'nbdkit', 'qemu-nbd'] as const;
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
  const [program, words] = commandOf(name, medium, file, socket, port);
  const child = spawn(program, words, { stdio: ['ignore', 'ignore', 'inherit'] });
  const uri = medium === 'unix' ? `nbd+unix:///?socket=${socket}` : `nbd://127.0.0.1:${port}`;
  if (medium === 'unix') await untilThere(child, socket);
  else await delay(500);
  return { uri, cpuSeconds: () => cpuSecondsOf(child), stop: () => stop(child) };
}

function commandOf(
  name: ContenderName,
  medium: Medium,
  file: string,
  socket: string,
  port: number,
): [string, string[]] {
  const isUnix = medium === 'unix';
  switch (name) {
    case 'idc': {
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

function cpuSecondsOf(child: ChildProcess): number {
  const text = readFileSync(`/proc/${child.pid ?? 0}/stat`, 'utf8');
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  // User and system time, in the hundredths of a second that Linux shows everybody.
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

async function stop(child: ChildProcess): Promise<void> {
  const ended = new Promise((resolve) => child.once('close', resolve));
  child.kill('SIGTERM');
  await ended;
}
