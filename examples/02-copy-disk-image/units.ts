/** Numbers in the units in which people read them. */

const byteUnits = ['B', 'kB', 'MB', 'GB', 'TB'] as const;

/** `98.9 MB`; powers of 1000, as rates are given. */
export function describeBytes(byteCount: number): string {
  let value = byteCount;
  let unitIndex = 0;
  while (value >= 999.5 && unitIndex < byteUnits.length - 1) {
    value /= 1000;
    unitIndex += 1;
  }
  const digits = unitIndex === 0 || value >= 99.95 ? 0 : 1;
  return `${value.toFixed(digits)} ${byteUnits[unitIndex] ?? ''}`;
}

/** `1.2 GB/s`. */
export function describeRate(bytesPerSecond: number): string {
  return `${describeBytes(bytesPerSecond)}/s`;
}

/** `2:05`, `1:00:09`; rounded up. */
export function describeDuration(seconds: number): string {
  const whole = Math.ceil(seconds);
  const hours = Math.floor(whole / 3600);
  const minutes = Math.floor(whole / 60) % 60;
  const rest = twoDigits(whole % 60);
  return hours === 0 ? `${minutes}:${rest}` : `${hours}:${twoDigits(minutes)}:${rest}`;
}

function twoDigits(value: number): string {
  return String(value).padStart(2, '0');
}
