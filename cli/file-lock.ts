/**
 * A lock on a file for as long as this process lives, however it ends: two servers of one file
 * would spoil it. It is a name of the system's that one process at a time can have, by the file's
 * identity; only Linux has such names, and other systems go without.
 */
import { once } from 'node:events';
import { statSync } from 'node:fs';
import { createServer } from 'node:net';

/** Answers what gives the lock back, or undefined if another process has it. */
export async function lockFile(path: string): Promise<(() => void) | undefined> {
  if (process.platform !== 'linux') return () => undefined;
  const { dev, ino } = statSync(path);
  const server = createServer((socket) => socket.destroy());
  server.unref();
  server.listen(`\0idc-block-${dev}-${ino}`);
  try {
    await once(server, 'listening');
  } catch (error) {
    if (error instanceof Error && Reflect.get(error, 'code') === 'EADDRINUSE') return undefined;
    throw error;
  }
  return () => {
    server.close();
  };
}
