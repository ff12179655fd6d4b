/**
 * DeviceMemory: memory that a device has for its users, since it moves the bytes of long operations
 * from there and to there with fewer copies than elsewhere.
 */
export interface DeviceMemory {
  /**
   * So many bytes that hold anything; undefined if it has none of that length, or none left. They
   * are for operations on this device alone: whoever has the storage may see and change them.
   */
  take(byteLength: number): Uint8Array | undefined;
  /** `bytes` is what `take` answered, and nothing uses it any more. Exactly once. */
  give(bytes: Uint8Array): void;
}
