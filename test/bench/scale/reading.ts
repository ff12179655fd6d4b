/** Reading: what a process has used so far, and what of the kernel's memory sockets may take. */
import { readFile } from 'node:fs/promises';

export interface Reading {
  readonly cpuMs: number;
  readonly rssBytes: number;
}

/** Of this process, after its garbage was collected if `isClean`. */
export function readProcess(isClean: boolean): Reading {
  if (isClean) for (let round = 0; round < 3; round += 1) globalThis.gc?.();
  const { user, system } = process.cpuUsage();
  return { cpuMs: (user + system) / 1000, rssBytes: process.memoryUsage.rss() };
}

/**
 * The whole machine's slab and socket memory in bytes: sockets are in there, and so is what anybody
 * else does meanwhile. Zero where there is no /proc.
 */
export async function readKernelBytes(): Promise<number> {
  try {
    const memory = await readFile('/proc/meminfo', 'utf8');
    const sockets = await readFile('/proc/net/sockstat', 'utf8');
    const slabKiB = Number(/^Slab:\s+(\d+)/m.exec(memory)?.[1] ?? 0);
    const socketPages = Number(/^TCP:.* mem (\d+)/m.exec(sockets)?.[1] ?? 0);
    return slabKiB * 1024 + socketPages * 4096;
  } catch {
    return 0;
  }
}
