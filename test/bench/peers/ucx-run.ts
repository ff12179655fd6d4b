/**
 * One run of `ucx_perftest`: its server and its client as two processes, both gone at the end.
 *
 * It cannot pick a free port itself, so one is looked for right before; if somebody else takes it
 * first, the server ends and the run is tried again. The server does not say when it listens, so
 * the client is started until it is not refused.
 */
import { spawn, type ChildProcess, type ChildProcessByStdio } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import type { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { setTimeout as pause } from 'node:timers/promises';

const program = 'ucx_perftest';
const host = '127.0.0.1';
const portsMax = 5;
const dialsMax = 200;
const dialPauseMs = 20;
/** A watchdog, not a limit: on crowded cores a run takes many times as long as it should. */
const watchdogMs = 30_000;

export interface UcxCommand {
  readonly test: string;
  /** `UCX_TLS`. */
  readonly media: string;
  readonly itemBytes: number;
  readonly items: number;
}

/** What the client printed. Rejects with the code ENOENT if the program is not installed. */
export async function runUcx(command: UcxCommand): Promise<string> {
  for (let attempt = 0; attempt < portsMax; attempt += 1) {
    const output = await runAt(await findPort(), command);
    if (output !== undefined) return output;
  }
  throw new Error(`${program} could not listen on any of ${portsMax} free ports`);
}

/** Undefined if the port was taken meanwhile. */
async function runAt(port: number, command: UcxCommand): Promise<string | undefined> {
  const server = start(command.media, ['-p', String(port)]);
  try {
    await once(server, 'spawn');
    server.stdout.resume();
    server.stderr.resume();
    for (let dial = 0; dial < dialsMax; dial += 1) {
      const client = await runClient(port, command);
      if (client.code === 0) return client.stdout;
      if (!client.stderr.includes('Connection refused')) throw new Error(describe(client));
      if (hasEnded(server)) return undefined;
      await pause(dialPauseMs);
    }
    throw new Error(`${program} did not listen in time`);
  } finally {
    await end(server);
  }
}

interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

async function runClient(port: number, command: UcxCommand): Promise<Ended> {
  const { test, media, itemBytes, items } = command;
  const warmUpItems = Math.ceil(items / 10);
  const numbers = { p: port, s: itemBytes, n: items, w: warmUpItems };
  const words = Object.entries(numbers).flatMap(([name, value]) => [`-${name}`, String(value)]);
  const client = start(media, [host, '-t', test, ...words, '-f', '-v']);
  const watchdog = setTimeout(() => client.kill('SIGKILL'), watchdogMs);
  try {
    const [stdout, stderr] = await Promise.all([
      text(client.stdout),
      text(client.stderr),
      once(client, 'close'),
    ]);
    return { code: client.exitCode, stdout, stderr };
  } finally {
    clearTimeout(watchdog);
    await end(client);
  }
}

type Started = ChildProcessByStdio<null, Readable, Readable>;

function start(media: string, words: readonly string[]): Started {
  const child = spawn(program, words, {
    // Else its warnings stand among the figures.
    env: { ...process.env, UCX_TLS: media, UCX_LOG_FILE: 'stderr' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const kill = (): void => {
    child.kill('SIGKILL');
  };
  process.once('exit', kill);
  child.once('close', () => process.off('exit', kill));
  return child;
}

function describe({ code, stdout, stderr }: Ended): string {
  const printed = JSON.stringify(stdout + stderr);
  return code === null
    ? `${program} hung for ${watchdogMs / 1000} s; it needs two idle cores: ${printed}`
    : `${program} ended with ${code}: ${printed}`;
}

function hasEnded(child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null;
}

async function end(child: ChildProcess): Promise<void> {
  if (child.pid === undefined || hasEnded(child)) return;
  const exited = once(child, 'exit');
  child.kill('SIGKILL');
  await exited;
}

async function findPort(): Promise<number> {
  const server = createServer();
  server.listen(0, host);
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo; // It listens on TCP.
  server.close();
  await once(server, 'close');
  return port;
}
