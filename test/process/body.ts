/**
 * Body: what a message or transaction of this test carries: who it is, where it belongs, and what
 * the handler shall do with it; then a filler that shows any mixed-up byte.
 */
import type { Random } from '../compliance/random.js';
import { between } from '../compliance/random.js';

/**
 * fast: complete inside the handler; slow: some milliseconds later; held: when the epoch ends or
 * the load is over; late: write on after the epoch ended, then complete; failing: answer a code.
 */
export const behaviours = ['fast', 'slow', 'held', 'late', 'failing'] as const;
export type Behaviour = (typeof behaviours)[number];

export interface Label {
  readonly id: string;
  readonly link: string;
  readonly epoch: number;
  readonly behaviour: Behaviour;
}

export function encodeBody(label: Label, byteLength: number): Buffer {
  const { id, link, epoch, behaviour } = label;
  const head = `${id}|${link}|${epoch}|${behaviour}|`;
  const body = Buffer.alloc(Math.max(byteLength, head.length), fillerOf(id));
  body.write(head, 'latin1');
  return body;
}

/** Undefined if any byte is not what `encodeBody` wrote. */
export function decodeBody(body: Uint8Array): Label | undefined {
  const bytes = Buffer.from(body.buffer, body.byteOffset, body.byteLength);
  const [id = '', link = '', epochText = '', word = ''] = bytes
    .toString('latin1', 0, 200)
    .split('|');
  const behaviour = behaviours.find((known) => known === word);
  if (behaviour === undefined) return undefined;
  const label = { id, link, epoch: Number(epochText), behaviour };
  return encodeBody(label, bytes.length).equals(bytes) ? label : undefined;
}

export function encodeStatus(id: string, byteLength: number): Buffer {
  const status = Buffer.alloc(Math.max(byteLength, id.length + 1), fillerOf(id));
  status.write(`${id}|`, 'latin1');
  return status;
}

export function isStatusOf(id: string, status: Uint8Array): boolean {
  return encodeStatus(id, status.byteLength).equals(status);
}

function fillerOf(id: string): number {
  let sum = 0;
  for (const letter of id) sum = (sum * 31 + letter.charCodeAt(0)) & 0xff;
  return sum;
}

/** Mostly small; some that fill a frame; a few that take many. All are long if `isHeavy`. */
export function chooseByteLength(random: Random, most: number, isHeavy = false): number {
  const chance = isHeavy ? 99 : random() % 100;
  if (chance < 80) return between(random, 0, 256);
  if (chance < 95) return between(random, 256, 4096);
  return between(random, 4096, most);
}
