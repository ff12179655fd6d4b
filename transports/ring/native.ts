/**
 * The C library's calls that Node.js lacks: the one place where C functions are declared.
 *
 * They come through `koffi`, an optional dependency that is loaded on first need, and only on Linux
 * with glibc on x64 or arm64: numbers of calls and flags below are those two architectures' common
 * ones, and both are little-endian. Every call answers what C answers, or the error number negated;
 * none throws for an operating error. What a signal interrupted is done again.
 */
import { closeSync, openSync } from 'node:fs';
import { createRequire } from 'node:module';
import os from 'node:os';
import { isMainThread } from 'node:worker_threads';

/** Error numbers by their names in C. */
export const ErrorNumber: typeof os.constants.errno = os.constants.errno;
/** What `receive` answers, negated, while nothing is there. */
export const EAGAIN: number = ErrorNumber.EAGAIN;
/** Too many descriptors under way; Node.js has no name for it. */
export const ETOOMANYREFS = 109;

export const MemfdFlag = { CloseOnExec: 1, AllowSealing: 2, HugePages: 4, NoExecSeal: 8 } as const;
export const Seal = { Seal: 1, Shrink: 2, Grow: 4, Write: 8, FutureWrite: 16 } as const;
export const Fcntl = {
  GetFlags: 3,
  DuplicateCloseOnExec: 1030,
  AddSeals: 1033,
  GetSeals: 1034,
} as const;
export const OpenFlag = {
  ReadOnly: 0,
  WriteOnly: 1,
  ReadWrite: 2,
  AccessMode: 3,
  NoControllingTerminal: 0o400,
  NonBlocking: 0o4000,
  CloseOnExec: 0o2000000,
  PathOnly: 0o10000000,
} as const;
/** Opens folders alone; it differs by architecture. */
export const openFolder: number = process.arch === 'arm64' ? 0o40000 : 0o200000;
export const Protection = { None: 0, Read: 1, Write: 2 } as const;
export const MapFlag = {
  Shared: 1,
  Private: 2,
  Fixed: 0x10,
  Anonymous: 0x20,
  NoReserve: 0x4000,
  Populate: 0x8000,
  FixedNoReplace: 0x100000,
} as const;
/** `madvise`: every page is made present for reading, or for writing, or an error says why not. */
export const populateRead = 22;
export const populateWrite = 23;
/** `statfs.f_type` of tmpfs, where an ordinary memfd lives. */
export const tmpfsMagic = 0x01021994;
export const MessageFlag = {
  ControlTruncated: 0x8,
  DontWait: 0x40,
  NoSignal: 0x4000,
  CloseOnExec: 0x40000000,
} as const;
/** `SOL_SOCKET`, and the type of a control message that carries descriptors. */
export const socketLevel = 1;
export const descriptorRights = 1;

const unixFamily = 1;
const closeOnExec = 0o2000000;
const nonBlockingCloseOnExec = 0o4000 | closeOnExec;
const streamNonBlockingCloseOnExec = 1 | nonBlockingCloseOnExec;
const peerCredentialsOption = 17;
const credentialBytes = 12;
const lockExclusiveNonBlocking = 2 | 4;
const statfsBytes = 256;
const pageBytesName = 30;
const punchHoleKeepSize = 2 | 1;
const moveToFixed = 1 | 2;
const noAddress = 2n ** 64n - 1n;

/** Answers below 0 are error numbers, negated. Addresses are those of this process. */
export interface Native {
  /** The kernel's unit of mapping; a power of two, and 4096 at least. */
  readonly pageBytes: number;

  memfdCreate(name: string, flags: number): number;
  truncate(descriptor: number, byteLength: number): number;
  /** Reserves the pages of the file's first `byteLength` bytes. */
  allocate(descriptor: number, byteLength: number): number;
  /** Gives whole pages of the file back; they read as zeros from then on, for everybody. */
  punch(descriptor: number, offset: number, byteLength: number): number;
  /** From or to the memory at `address`, without a mapping of the file. Answers the bytes. */
  readAt(descriptor: number, address: bigint, byteLength: number, offset: number): number;
  writeAt(descriptor: number, address: bigint, byteLength: number, offset: number): number;
  fcntl(descriptor: number, command: number, argument: number): number;
  /** The magic number of the file system that the file is on. */
  fileSystemType(descriptor: number): number;
  open(path: string, flags: number): number;
  close(descriptor: number): number;
  /**
   * The same file under a descriptor that the system closes when this thread is terminated, as a
   * process's are when it dies; the given one is gone. Only `close` of this object may close it.
   */
  adopt(descriptor: number): number;
  /** Locks exclusively, at once or not at all (`-EAGAIN`). Closing the descriptor unlocks. */
  lock(descriptor: number): number;

  /** The address, or an error number, negated. `address` 0n lets the kernel choose. */
  map(
    address: bigint,
    byteLength: number,
    protection: number,
    flags: number,
    descriptor: number,
    offset?: number,
  ): bigint | number;
  /**
   * Moves a mapping to `target` in place of what is there: in one step for whoever reads or writes
   * at `target`. Where a limit of the process forbids it, both stay as they were.
   */
  move(address: bigint, byteLength: number, target: bigint): bigint | number;
  unmap(address: bigint, byteLength: number): number;
  advise(address: bigint, byteLength: number, advice: number): number;
  /** A buffer over mapped memory; whoever unmaps it knows that nobody can reach the buffer. */
  view(address: bigint, byteLength: number): ArrayBuffer;
  /** Where the bytes are; they stay there while `bytes` is reachable. */
  addressOf(bytes: Uint8Array): bigint;
  /** Mapped memory without a buffer over it. */
  copy(target: bigint, source: bigint, byteLength: number): void;
  clear(address: bigint, byteLength: number): void;

  /** A Unix stream socket, non-blocking, closed on exec. So is what `accept` answers. */
  socket(): number;
  bind(socket: number, socketAddress: Uint8Array): number;
  listen(socket: number, backlog: number): number;
  accept(socket: number): number;
  connect(socket: number, socketAddress: Uint8Array): number;
  /** Fills in the peer's pid, uid and gid. */
  peerCredentials(socket: number, target: Int32Array): number;
  sendMessage(socket: number, header: Uint8Array): number;
  receiveMessage(socket: number, header: Uint8Array): number;

  /** Sends what goes at once; answers how many bytes that were. */
  send(socket: number, bytes: Uint8Array): number;
  /** Sends one byte, if that goes at once. Allocates nothing. */
  ring(socket: number): number;
  /** Receives what is there: bytes, 0 at the end, or `-EAGAIN`. Allocates nothing. */
  receive(socket: number, target: Uint8Array): number;
}

type Value = number | bigint | string | Uint8Array | Int32Array | null;
type CFunction<Result> = (...values: Value[]) => Result;

/** What is used of koffi. */
interface Koffi {
  load(path: string): { func(definition: string): CFunction<never> };
  errno(): number;
  address(bytes: Uint8Array): bigint;
  view(address: bigint, byteLength: number): ArrayBuffer;
}

const definitions = {
  memfd_create: 'int memfd_create(const char *, uint)',
  ftruncate: 'int ftruncate(int, int64_t)',
  fallocate: 'int fallocate(int, int, int64_t, int64_t)',
  pread: 'int64_t pread(int, void *, size_t, int64_t)',
  pwrite: 'int64_t pwrite(int, void *, size_t, int64_t)',
  fcntl: 'int fcntl(int, int, int)',
  fstatfs: 'int fstatfs(int, uint8_t *)',
  open: 'int open(const char *, int, int)',
  close: 'int close(int)',
  dup3: 'int dup3(int, int, int)',
  flock: 'int flock(int, int)',
  sysconf: 'int64_t sysconf(int)',
  munmap: 'int munmap(void *, size_t)',
  madvise: 'int madvise(void *, size_t, int)',
  socket: 'int socket(int, int, int)',
  bind: 'int bind(int, const uint8_t *, uint)',
  listen: 'int listen(int, int)',
  accept4: 'int accept4(int, void *, void *, int)',
  connect: 'int connect(int, const uint8_t *, uint)',
  getsockopt: 'int getsockopt(int, int, int, int32_t *, uint32_t *)',
  sendmsg: 'int64_t sendmsg(int, const uint8_t *, int)',
  recvmsg: 'int64_t recvmsg(int, uint8_t *, int)',
  send: 'int64_t send(int, const uint8_t *, size_t, int)',
  recv: 'int64_t recv(int, uint8_t *, size_t, int)',
} as const;

const addressDefinitions = {
  mmap: 'void *mmap(void *, size_t, int, int, int, int64_t)',
  mremap: 'void *mremap(void *, size_t, size_t, int, void *)',
  memcpy: 'void *memcpy(void *, void *, size_t)',
  memset: 'void *memset(void *, int, size_t)',
} as const;

type CLibrary = Readonly<Record<keyof typeof definitions, CFunction<number>>> &
  Readonly<Record<keyof typeof addressDefinitions, CFunction<bigint>>>;

/** The calls, or undefined where they are not to be had: `explainNative` says why. */
export function loadNative(): Native | undefined {
  const found = findNative();
  return typeof found === 'string' ? undefined : found;
}

/** Why `loadNative` answers undefined; undefined where it does not. */
export function explainNative(): string | undefined {
  const found = findNative();
  return typeof found === 'string' ? found : undefined;
}

function findNative(): Native | string {
  if (process.platform !== 'linux') return `the system is ${process.platform}, not linux`;
  if (process.arch !== 'x64' && process.arch !== 'arm64') {
    return `the processor is ${process.arch}, not x64 or arm64`;
  }
  let koffi: Koffi;
  try {
    // Only the members that `Koffi` names are used, as its version 3 documents them.
    koffi = createRequire(import.meta.url)('koffi') as Koffi;
  } catch (error) {
    // What follows in Node.js's message are the files that asked for it.
    const [reason = ''] = String(error).split('\n', 1);
    return `the package koffi is not installed or does not load: ${reason}`;
  }
  try {
    return new KoffiNative(koffi, declareFunctions(koffi));
  } catch (error) {
    return `the C library lacks a function, or is not glibc: ${String(error)}`;
  }
}

function declareFunctions(koffi: Koffi): CLibrary {
  const library = koffi.load('libc.so.6');
  // Other C libraries number and lay out some things differently; none of them has this function.
  library.func('const char *gnu_get_libc_version()');
  const all = Object.entries({ ...definitions, ...addressDefinitions });
  const declared = all.map(([name, definition]) => [name, library.func(definition)] as const);
  // Each definition names its function; koffi gives numbers, and for addresses bigints.
  return Object.fromEntries(declared) as unknown as CLibrary;
}

/** A descriptor that Node.js knows of, or an error number, negated. */
function openPlace(): number {
  try {
    return openSync('/dev/null', 'r');
  } catch (error) {
    const errno = error instanceof Error && 'errno' in error ? error.errno : undefined;
    return typeof errno === 'number' ? errno : -ErrorNumber.EMFILE;
  }
}

class KoffiNative implements Native {
  readonly pageBytes: number;
  readonly #koffi: Koffi;
  readonly #library: CLibrary;
  /** Apart from the library object, for the two hot calls. */
  readonly #send: CFunction<number>;
  readonly #receive: CFunction<number>;
  readonly #oneByte = new Uint8Array(1);
  readonly #adopted = new Set<number>();

  constructor(koffi: Koffi, library: CLibrary) {
    this.pageBytes = library.sysconf(pageBytesName);
    this.#koffi = koffi;
    this.#library = library;
    this.#send = library.send;
    this.#receive = library.recv;
  }

  memfdCreate(name: string, flags: number): number {
    return this.#call(this.#library.memfd_create, name, flags);
  }

  truncate(descriptor: number, byteLength: number): number {
    return this.#call(this.#library.ftruncate, descriptor, byteLength);
  }

  allocate(descriptor: number, byteLength: number): number {
    return this.#call(this.#library.fallocate, descriptor, 0, 0, byteLength);
  }

  punch(descriptor: number, offset: number, byteLength: number): number {
    return this.#call(this.#library.fallocate, descriptor, punchHoleKeepSize, offset, byteLength);
  }

  readAt(descriptor: number, address: bigint, byteLength: number, offset: number): number {
    return this.#call(this.#library.pread, descriptor, address, byteLength, offset);
  }

  writeAt(descriptor: number, address: bigint, byteLength: number, offset: number): number {
    return this.#call(this.#library.pwrite, descriptor, address, byteLength, offset);
  }

  fcntl(descriptor: number, command: number, argument: number): number {
    return this.#call(this.#library.fcntl, descriptor, command, argument);
  }

  fileSystemType(descriptor: number): number {
    const status = new Uint8Array(statfsBytes);
    const result = this.#call(this.#library.fstatfs, descriptor, status);
    return result < 0 ? result : Number(new DataView(status.buffer).getBigUint64(0, true));
  }

  open(path: string, flags: number): number {
    return this.#call(this.#library.open, path, flags | OpenFlag.CloseOnExec, 0);
  }

  close(descriptor: number): number {
    if (this.#adopted.delete(descriptor)) {
      closeSync(descriptor);
      return 0;
    }
    // Linux has closed it even when a signal interrupted the call: never again, for by then the
    // number may be somebody else's.
    return this.#library.close(descriptor) < 0 ? -this.#koffi.errno() : 0;
  }

  adopt(descriptor: number): number {
    if (isMainThread || descriptor < 0) return descriptor;
    // Node.js remembers what a worker opened through `fs`, and closes that at its end, by number.
    // So the file takes the number of another that was opened so.
    const place = openPlace();
    const adopted =
      place < 0 ? place : this.#call(this.#library.dup3, descriptor, place, closeOnExec);
    this.close(descriptor);
    if (adopted >= 0) this.#adopted.add(adopted);
    else if (place >= 0) closeSync(place);
    return adopted;
  }

  lock(descriptor: number): number {
    return this.#call(this.#library.flock, descriptor, lockExclusiveNonBlocking);
  }

  map(
    address: bigint,
    byteLength: number,
    protection: number,
    flags: number,
    descriptor: number,
    offset = 0,
  ): bigint | number {
    const { mmap } = this.#library;
    const mapped = mmap(address, byteLength, protection, flags, descriptor, offset);
    return mapped === noAddress ? -this.#koffi.errno() : mapped;
  }

  move(address: bigint, byteLength: number, target: bigint): bigint | number {
    const moved = this.#library.mremap(address, byteLength, byteLength, moveToFixed, target);
    return moved === noAddress ? -this.#koffi.errno() : moved;
  }

  unmap(address: bigint, byteLength: number): number {
    return this.#call(this.#library.munmap, address, byteLength);
  }

  advise(address: bigint, byteLength: number, advice: number): number {
    return this.#call(this.#library.madvise, address, byteLength, advice);
  }

  view(address: bigint, byteLength: number): ArrayBuffer {
    return this.#koffi.view(address, byteLength);
  }

  addressOf(bytes: Uint8Array): bigint {
    return this.#koffi.address(bytes);
  }

  copy(target: bigint, source: bigint, byteLength: number): void {
    this.#library.memcpy(target, source, byteLength);
  }

  clear(address: bigint, byteLength: number): void {
    this.#library.memset(address, 0, byteLength);
  }

  socket(): number {
    return this.#call(this.#library.socket, unixFamily, streamNonBlockingCloseOnExec, 0);
  }

  bind(socket: number, socketAddress: Uint8Array): number {
    return this.#call(this.#library.bind, socket, socketAddress, socketAddress.byteLength);
  }

  listen(socket: number, backlog: number): number {
    return this.#call(this.#library.listen, socket, backlog);
  }

  accept(socket: number): number {
    return this.#call(this.#library.accept4, socket, null, null, nonBlockingCloseOnExec);
  }

  connect(socket: number, socketAddress: Uint8Array): number {
    return this.#call(this.#library.connect, socket, socketAddress, socketAddress.byteLength);
  }

  peerCredentials(socket: number, target: Int32Array): number {
    const byteLength = new Uint8Array(Uint32Array.of(credentialBytes).buffer);
    const option = peerCredentialsOption;
    return this.#call(this.#library.getsockopt, socket, socketLevel, option, target, byteLength);
  }

  sendMessage(socket: number, header: Uint8Array): number {
    const flags = MessageFlag.DontWait | MessageFlag.NoSignal;
    return this.#call(this.#library.sendmsg, socket, header, flags);
  }

  receiveMessage(socket: number, header: Uint8Array): number {
    const flags = MessageFlag.DontWait | MessageFlag.CloseOnExec;
    return this.#call(this.#library.recvmsg, socket, header, flags);
  }

  // HOT:
  send(socket: number, bytes: Uint8Array): number {
    const flags = MessageFlag.DontWait | MessageFlag.NoSignal;
    return this.#call(this.#library.send, socket, bytes, bytes.byteLength, flags);
  }

  ring(socket: number): number {
    for (;;) {
      const sent = this.#send(
        socket,
        this.#oneByte,
        1,
        MessageFlag.DontWait | MessageFlag.NoSignal,
      );
      if (sent >= 0) return sent;
      const error = this.#koffi.errno();
      if (error !== ErrorNumber.EINTR) return -error;
    }
  }

  // HOT:
  receive(socket: number, target: Uint8Array): number {
    for (;;) {
      const got = this.#receive(socket, target, target.byteLength, MessageFlag.DontWait);
      if (got >= 0) return got;
      const error = this.#koffi.errno();
      if (error !== ErrorNumber.EINTR) return -error;
    }
  }

  /** Bounded by the signals that arrive: each turn needs one of its own. */
  #call(call: CFunction<number>, ...values: Value[]): number {
    for (;;) {
      const result = call(...values);
      if (result >= 0) return result;
      const error = this.#koffi.errno();
      if (error !== ErrorNumber.EINTR) return -error;
    }
  }
}
