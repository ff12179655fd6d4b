/**
 * What the machine does without IDC, for comparison: how fast it copies memory, how fast a bare
 * socket carries bytes from another process, and how fast the same file is copied in the same way,
 * many blocks at a time, with nothing between reading and writing.
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { open, rm, type FileHandle } from 'node:fs/promises';
import { createServer, type Socket } from 'node:net';
import { fileURLToPath } from 'node:url';
import type { Image } from './image.js';
import { blockByteLengthMax, readsMax } from './protocol.js';

const senderProgram = fileURLToPath(new URL('./raw-tcp-process.js', import.meta.url));

const memoryByteLength = 1024 * 1024;
const memoryMs = 100;
/** What goes over the bare socket. */
export const socketByteLength: number = 128 * 1024 * 1024;

/** Bytes in a second. */
export interface MachineRates {
  readonly memory: number;
  readonly socket: number;
  readonly file: number;
}

/** Writes, and removes, a file at `scratchPath`. */
export async function measureMachine(image: Image, scratchPath: string): Promise<MachineRates> {
  return {
    memory: measureMemory(),
    socket: await measureSocket(),
    file: await measureFile(image, scratchPath),
  };
}

function measureMemory(): number {
  const source = new Uint8Array(memoryByteLength).fill(1);
  const target = new Uint8Array(memoryByteLength);
  const startMs = performance.now();
  let byteCount = 0;
  let passedMs = 0;
  while (passedMs < memoryMs) {
    target.set(source);
    byteCount += memoryByteLength;
    passedMs = performance.now() - startMs;
  }
  return byteCount / (passedMs / 1000);
}

/** From the first byte to the last. */
async function measureSocket(): Promise<number> {
  const server = createServer({ pauseOnConnect: true }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new TypeError('a port was asked for');
  const child = fork(senderProgram, [String(address.port), String(socketByteLength)]);
  try {
    // reason: that is what a server emits
    const [socket] = (await once(server, 'connection')) as [Socket];
    const startMs = performance.now();
    socket.resume();
    socket.on('data', () => undefined);
    await once(socket, 'end');
    return socketByteLength / ((performance.now() - startMs) / 1000);
  } finally {
    child.kill('SIGKILL');
    server.close();
  }
}

async function measureFile(image: Image, scratchPath: string): Promise<number> {
  const target = await open(scratchPath, 'w');
  try {
    const startMs = performance.now();
    await copyPlainly(image, target);
    return image.byteLength / ((performance.now() - startMs) / 1000);
  } finally {
    await target.close();
    await rm(scratchPath, { force: true });
  }
}

async function copyPlainly(image: Image, target: FileHandle): Promise<void> {
  let nextOffset = 0;
  async function moveBlocks(): Promise<void> {
    const block = new Uint8Array(blockByteLengthMax);
    while (nextOffset < image.byteLength) {
      const offset = nextOffset;
      nextOffset += block.byteLength;
      const { bytesRead } = await image.file.read(block, 0, block.byteLength, offset);
      await target.write(block, 0, bytesRead, offset);
    }
  }
  await Promise.all(Array.from({ length: readsMax }, moveBlocks));
}
