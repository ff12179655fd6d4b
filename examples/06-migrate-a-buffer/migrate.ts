/** Live migration by pre-copy: what was written meanwhile is copied again; a short stop ends it. */
import type { Domain, RegisteredBuffer, RemoteBufferReference } from 'idc';

/** So little is left to the stop. */
const stopBytes = 64 * 1024;
/** A peer that writes faster than this side copies is stopped all the same. */
const roundsMax = 8;
/** Transfers that are under way at one time. */
const outstanding = 8;

export interface Round {
  readonly byteCount: number;
  readonly elapsedMs: number;
}

export interface Migration {
  readonly buffer: Uint8Array;
  /** The buffer, registered with `trackWrites`. */
  readonly registered: RegisteredBuffer;
  /** Of as many bytes, elsewhere. */
  readonly target: RemoteBufferReference;
  readonly onRound: (round: Round) => void;
}

interface Block {
  readonly offset: number;
  readonly byteLength: number;
}

/** Unregisters the buffer in the end. Answers what was left for then, and the time of the stop. */
export async function migrate(domain: Domain, migration: Migration): Promise<Round> {
  const { registered, buffer, onRound } = migration;
  let blocks: readonly Block[] = [{ offset: 0, byteLength: buffer.length }];
  for (let count = 0; count < roundsMax && byteCountOf(blocks) > stopBytes; count++) {
    onRound(await copy(domain, migration, blocks));
    blocks = registered.takeWrittenBlocks();
  }
  const startMs = performance.now();
  await registered.unregister();
  const last = await copy(domain, migration, [...blocks, ...registered.takeWrittenBlocks()]);
  return { ...last, elapsedMs: performance.now() - startMs };
}

/** A block that changes while it is sent may arrive as a mixture: it is marked, and sent again. */
async function copy(
  domain: Domain,
  { buffer, target }: Migration,
  blocks: readonly Block[],
): Promise<Round> {
  const startMs = performance.now();
  const waiting = blocks.values();
  const line = async (): Promise<void> => {
    for (const { offset, byteLength } of waiting) {
      const bytes = buffer.subarray(offset, offset + byteLength);
      await domain.sendToRemoteBuffer(target, bytes, { offset });
    }
  };
  await Promise.all(Array.from({ length: outstanding }, line));
  return { byteCount: byteCountOf(blocks), elapsedMs: performance.now() - startMs };
}

function byteCountOf(blocks: readonly Block[]): number {
  return blocks.reduce((sum, { byteLength }) => sum + byteLength, 0);
}
