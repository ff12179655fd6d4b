/**
 * Body: what a message or transaction of this test carries: who it is, where it belongs, and what
 * the handler shall do with it; then a filler that shows any mixed-up byte. The label is checked
 * by itself, so that a body whose filler was changed on the way still tells who it is.
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

export interface DecodedBody {
  readonly label: Label;
  /** Every byte is what `encodeBody` wrote. */
  readonly isWhole: boolean;
}

/** Digits of the length and the check sum: the label's length does not depend on them. */
const digits = 8;
const labelBytesMax = 250;

export function encodeBody(label: Label, byteLength: number): Buffer {
  const { id, link, epoch, behaviour } = label;
  return encode(`${id}|${link}|${epoch}|${behaviour}`, byteLength);
}

/** Undefined if the label is not one that `encodeBody` wrote. */
export function decodeBody(body: Uint8Array): DecodedBody | undefined {
  const bytes = Buffer.from(body.buffer, body.byteOffset, body.byteLength);
  const words = bytes.toString('latin1', 0, labelBytesMax).split('|');
  const [id = '', link = '', epochText = '', word = '', lengthText = '', checkText] = words;
  const behaviour = behaviours.find((known) => known === word);
  const text = `${id}|${link}|${epochText}|${word}`;
  const byteLength = parseInt(lengthText, 16);
  if (behaviour === undefined || checkText !== inDigits(checkOf(text, byteLength))) {
    return undefined;
  }
  const label = { id, link, epoch: Number(epochText), behaviour };
  return { label, isWhole: encode(text, byteLength).equals(bytes) };
}

export function encodeStatus(id: string, byteLength: number): Buffer {
  return encode(id, byteLength);
}

export function isStatusOf(id: string, status: Uint8Array): boolean {
  const bytes = Buffer.from(status.buffer, status.byteOffset, status.byteLength);
  return encodeStatus(id, status.byteLength).equals(bytes);
}

/** At least as long as its label. */
function encode(text: string, byteLength: number): Buffer {
  const labelBytes = text.length + 2 * digits + 3;
  const wholeBytes = Math.max(byteLength, labelBytes);
  const check = checkOf(text, wholeBytes);
  const body = Buffer.alloc(wholeBytes, check & 0xff);
  body.write(`${text}|${inDigits(wholeBytes)}|${inDigits(check)}|`, 'latin1');
  return body;
}

/** Any single changed letter changes it. */
function checkOf(text: string, byteLength: number): number {
  let sum = byteLength;
  for (let at = 0; at < text.length; at++) sum = (Math.imul(sum, 31) + text.charCodeAt(at)) >>> 0;
  return sum;
}

function inDigits(value: number): string {
  return value.toString(16).padStart(digits, '0');
}

/** Mostly small; some that fill a frame; a few that take many. All are long if `isHeavy`. */
export function chooseByteLength(random: Random, most: number, isHeavy = false): number {
  const chance = isHeavy ? 99 : random() % 100;
  if (chance < 80) return between(random, 0, 256);
  if (chance < 95) return between(random, 256, 4096);
  return between(random, 4096, most);
}
