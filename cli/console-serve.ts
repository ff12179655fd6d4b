/** `idc console serve ADDRESS -- COMMAND`: runs the command, and serves it until it ends. */
import { setTimeout as sleep } from 'node:timers/promises';
import { IdcError } from 'idc';
import { serveConsole, type ConsoleExit, type ConsoleServer } from 'idc/drivers/console';
import { requireAddress } from './address.js';
import { Failure, reasonOf } from './failure.js';
import { onInterrupt, whenAborted } from './interrupt.js';
import { complain, print } from './print.js';
import { createCommandDomain } from './transports.js';

export interface ServeOptions {
  readonly directory?: string;
  readonly size: { readonly columns: number; readonly rows: number };
  readonly terminal: boolean;
  readonly lingerMs: number;
  readonly json: boolean;
}

export async function serve(
  address: string,
  words: readonly string[],
  options: ServeOptions,
): Promise<void> {
  requireAddress(address);
  const domain = createCommandDomain('idc console serve');
  const interrupt = onInterrupt();
  const [command = '', ...rest] = words;
  const server = serveConsole(domain, address, {
    command,
    words: rest,
    size: options.size,
    terminal: options.terminal ? 'auto' : 'never',
    ...(options.directory === undefined ? {} : { directory: options.directory }),
  });
  try {
    await announce(server, address, options.json);
    const exit = await untilEnded(server, options.lingerMs, interrupt.signal);
    if (options.json) print(JSON.stringify({ event: 'ended', ...exit }));
    process.exitCode = exit.code;
  } finally {
    interrupt.stop();
    await server.close();
    await domain.close();
  }
}

async function announce(server: ConsoleServer, address: string, json: boolean): Promise<void> {
  const bound = await server.ready.catch((error: unknown) => {
    if (!(error instanceof IdcError)) throw error;
    throw new Failure(`cannot listen at ${address}: ${reasonOf(error)}`);
  });
  const { session, hasTerminal, screen, problems } = server;
  if (json) {
    const listening = { event: 'listening', address: bound, session, hasTerminal, screen };
    print(JSON.stringify({ ...listening, problems }));
    return;
  }
  for (const problem of problems) complain(problem);
  print(`listening at ${bound}`);
}

/** The command's end, once all who look have seen it, or after it was hung up. */
async function untilEnded(
  server: ConsoleServer,
  lingerMs: number,
  signal: AbortSignal,
): Promise<ConsoleExit> {
  const interrupted = whenAborted(signal).then(() => 'interrupted' as const);
  const first = await Promise.race([server.ended, interrupted]);
  if (first === 'interrupted') {
    await server.close();
    return server.ended;
  }
  // Who was cut off, or comes right after the end, is still told how it ended.
  const isSeen = new AbortController();
  if (server.statistics().viewers > 0) {
    void server.whenSeen().then(() => {
      isSeen.abort();
    });
  }
  const either = AbortSignal.any([signal, isSeen.signal]);
  await sleep(lingerMs, undefined, { signal: either }).catch(() => undefined);
  return first;
}
