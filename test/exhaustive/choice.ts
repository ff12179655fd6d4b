/** Choice: one thing that may happen next, as a number that is cheap to keep, and as words. */
import { Side } from './step-link.js';

export const Kind = {
  /** A dial reaches the listener. */
  Arrive: 0,
  /** The next frame, or the news that the link is up or was closed, reaches one end. */
  Deliver: 1,
  /** One end learns that the link is lost; what is on its way to it never arrives. */
  Lose: 2,
  Crash: 3,
  Restart: 4,
  /** Time passes at one domain until its next timer is due. */
  Wait: 5,
  /** A disconnect handler returns. */
  Release: 6,
  Message: 7,
  Transaction: 8,
  /** A received message or transaction is completed. */
  Complete: 9,
} as const;
export type Kind = (typeof Kind)[keyof typeof Kind];

const verbs: Readonly<Record<Kind, string>> = {
  [Kind.Arrive]: 'arrive',
  [Kind.Deliver]: 'deliver',
  [Kind.Lose]: 'lose',
  [Kind.Crash]: 'crash',
  [Kind.Restart]: 'restart',
  [Kind.Wait]: 'wait',
  [Kind.Release]: 'release',
  [Kind.Message]: 'message',
  [Kind.Transaction]: 'transaction',
  [Kind.Complete]: 'complete',
};

export interface Choice {
  readonly code: number;
  /** 1 if it departs from what an undisturbed world would do next; 0 if not. */
  readonly cost: 0 | 1;
}

/** `index`: a link's number, or the place in a list of that domain; 0 if there is just one. */
export function encodeChoice(kind: Kind, side: Side, index = 0): number {
  return kind | (side << 4) | (index << 5);
}

export function kindOf(code: number): Kind {
  // reason: codes come from `encodeChoice` alone
  return (code & 15) as Kind;
}

/** The domain that it happens to. */
export function sideOf(code: number): Side {
  return (code & 16) === 0 ? Side.Dialler : Side.Listener;
}

export function indexOf(code: number): number {
  return code >>> 5;
}

/** `deliver B 1`: verb, domain, and the link's number or the place in a list. */
export function wordsOf(code: number): string {
  const place = sideOf(code) === Side.Dialler ? 'A' : 'B';
  return `${verbs[kindOf(code)]} ${place} ${indexOf(code)}`;
}

export function pathWords(path: readonly number[]): string {
  return path.map(wordsOf).join(', ');
}

/** The inverse for a list of them, separated by commas. Throws on other words. */
export function parseChoices(text: string): number[] {
  const parts = text.split(',').map((part) => part.trim());
  return parts.filter((part) => part !== '').map(parseChoice);
}

function parseChoice(words: string): number {
  const [verb, place, index = '0'] = words.split(' ');
  const kind = Object.values(Kind).find((candidate) => verbs[candidate] === verb);
  if (kind === undefined || (place !== 'A' && place !== 'B')) throw new Error(`what is ${words}?`);
  return encodeChoice(kind, place === 'A' ? Side.Dialler : Side.Listener, Number(index));
}
