/** Type guards for what comes from outside: command lines and messages between processes. */

/** True if `key` is an own key of `table`. */
export function isKeyOf<T extends object>(table: T, key: PropertyKey): key is keyof T {
  return Object.hasOwn(table, key);
}

/** True if `value` is one of `choices`. */
export function isOneOf<T>(choices: readonly T[], value: unknown): value is T {
  return choices.some((choice) => choice === value);
}

/** True if `value` is an object whose `key` holds a `kind`. */
export function hasField<K extends string>(value: unknown, key: K): value is Record<K, unknown> {
  return typeof value === 'object' && value !== null && Object.hasOwn(value, key);
}

/** True if `error` is the system's, with this code. */
export function isErrorCode(error: unknown, code: string): boolean {
  return hasField(error, 'code') && error.code === code;
}

/** What went wrong, in one line. */
export function reasonOf(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return text.split('\n', 1)[0] ?? text;
}
