/** Bytes, rates and times as people write and read them. */
import { InvalidArgumentError } from 'commander';

const units = ['bytes', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'] as const;

/** As in `64 MiB`, `1.5 GiB`. */
export function describeBytes(byteCount: number): string {
  const power = byteCount < 1024 ? 0 : Math.min(5, Math.floor(Math.log2(byteCount) / 10));
  const value = byteCount / 1024 ** power;
  const digits = power === 0 || Number.isInteger(value) ? 0 : 1;
  return `${value.toFixed(digits)} ${units[power] ?? ''}`;
}

/** A number of bytes as users write it: `512`, `64M`, `64MiB`, `1.5G`; powers of 1024. */
export function parseBytes(text: string): number {
  const match = /^(\d+(?:\.\d+)?)\s*([KMGTP]?)(?:i?B)?$/iu.exec(text);
  const [, digits = '', unit = ''] = match ?? [];
  const power = ['', 'K', 'M', 'G', 'T', 'P'].indexOf(unit.toUpperCase());
  const byteCount = Number(digits) * 1024 ** power;
  if (match !== null && Number.isSafeInteger(byteCount)) return byteCount;
  throw new InvalidArgumentError('expected a number of bytes, as in 512, 64M or 1.5G');
}

export function parseMilliseconds(text: string): number {
  const ms = Number(text);
  if (text !== '' && ms >= 0 && ms < 2 ** 31) return ms;
  throw new InvalidArgumentError('expected a number of milliseconds');
}
