/**
 * Greeting: what each side says of itself when a link comes up, and its wire form.
 *
 * `Hello` (from the dialling side) and `Welcome` carry the same fields. Layout after word 0:
 * magic, version, features, domain id (16), incarnation (8), token (16), five words of quota,
 * three lengths, and the three strings. Everything is checked before anything is used.
 */
import { ByteArea, copyBytes } from './byte-area.js';
import { protocolVersion } from './frame.js';
import { isLegalQuota, type Quota } from './quota.js';

/** The first word of a greeting: "IDC1" read as little-endian bytes. */
const magic = 0x3143_4449;
const fixedBytes = 88;

/** Longest names, in bytes of UTF-8. */
export const nameBytesMax = 64;
const serviceBytesMax = 512;
const greetingBytesMax = fixedBytes + 2 * nameBytesMax + serviceBytesMax;

/** Size of a re-attach token in bytes; all zero means "none". */
export const tokenBytes = 16;

export interface Greeting {
  readonly features: number;
  /** 32 hexadecimal digits. */
  readonly domainId: string;
  /** 16 hexadecimal digits. */
  readonly incarnation: string;
  /** 32 hexadecimal digits; all zero if there is none. */
  readonly token: string;
  readonly quota: Quota;
  readonly domainName: string;
  readonly endpointName: string;
  readonly service: string;
}

export const noToken: string = '0'.repeat(2 * tokenBytes);

/** The greeting as frame body; the caller puts word 0 in front. */
export function encodeGreeting(head: number, greeting: Greeting): Uint8Array {
  const encoder = new TextEncoder();
  const strings = [greeting.domainName, greeting.endpointName, greeting.service].map((text) =>
    encoder.encode(text),
  );
  const stringBytes = strings.reduce((sum, bytes) => sum + bytes.length, 0);
  const area = new ByteArea(new Uint8Array(fixedBytes + stringBytes));
  area.setWord(0, head);
  area.setWord(4, magic);
  area.setWord(8, protocolVersion);
  area.setWord(12, greeting.features);
  area.bytes.set(fromHex(greeting.domainId), 16);
  area.bytes.set(fromHex(greeting.incarnation), 32);
  area.bytes.set(fromHex(greeting.token), 40);
  const quota = greeting.quota;
  const words = [
    quota.messages,
    quota.messageBytes,
    quota.transactions,
    quota.parameterBytes,
    quota.statusBytes,
  ];
  words.forEach((word, index) => {
    area.setWord(56 + 4 * index, word);
  });
  let at = fixedBytes;
  strings.forEach((bytes, index) => {
    area.view.setUint32(76 + 4 * index, bytes.length, true);
    area.bytes.set(bytes, at);
    at += bytes.length;
  });
  return area.bytes;
}

/**
 * Reads a greeting whose frame starts at `offset`; or says why not. It reads a copy: the engine
 * makes a text in two passes, and if the peer changed the bytes in between, the second would write
 * beyond what the first had measured.
 */
export function decodeGreeting(
  source: ByteArea,
  offset: number,
  byteLength: number,
): Greeting | 'corrupt' | 'wrongVersion' {
  const copiedBytes = Math.min(byteLength, greetingBytesMax);
  const area = ByteArea.allocate(copiedBytes);
  copyBytes(source, offset, area, 0, copiedBytes);
  if (byteLength < 12 || area.getWord(4) !== magic) return 'corrupt';
  if (area.getWord(8) !== protocolVersion) return 'wrongVersion';
  if (byteLength < fixedBytes) return 'corrupt';
  const quota = {
    messages: area.getWord(56),
    messageBytes: area.getWord(60),
    transactions: area.getWord(64),
    parameterBytes: area.getWord(68),
    statusBytes: area.getWord(72),
  };
  const lengths = [0, 1, 2].map((index) => area.view.getUint32(76 + 4 * index, true));
  const [nameBytes = 0, endpointBytes = 0, serviceBytes = 0] = lengths;
  const isLegal =
    isLegalQuota(quota) &&
    nameBytes <= nameBytesMax &&
    endpointBytes <= nameBytesMax &&
    serviceBytes <= serviceBytesMax &&
    fixedBytes + nameBytes + endpointBytes + serviceBytes === byteLength;
  if (!isLegal) return 'corrupt';
  const take = (from: number, count: number): Uint8Array => area.bytes.subarray(from, from + count);
  const domainName = decodeText(take(fixedBytes, nameBytes));
  const endpointName = decodeText(take(fixedBytes + nameBytes, endpointBytes));
  const service = decodeText(take(fixedBytes + nameBytes + endpointBytes, serviceBytes));
  if (domainName === undefined || endpointName === undefined || service === undefined) {
    return 'corrupt';
  }
  return {
    features: area.getWord(12),
    domainId: toHex(take(16, 16)),
    incarnation: toHex(take(32, 8)),
    token: toHex(take(40, tokenBytes)),
    quota,
    domainName,
    endpointName,
    service,
  };
}

/** UTF-8 to the letter, or two different byte strings could become one name. */
function decodeText(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

/** Lower-case hexadecimal digits, two for each byte. */
export function toHex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

/** The bytes behind hexadecimal digits. */
export function fromHex(text: string): Uint8Array {
  const pairs = text.match(/../gu) ?? [];
  return Uint8Array.from(pairs, (pair) => Number.parseInt(pair, 16));
}
