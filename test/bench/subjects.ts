/** All subjects by name, loaded when asked for: a job needs one, and some are optional. */
import type { SubjectName } from './job.js';
import type { Subject } from './session.js';

const loaders: Readonly<Record<SubjectName, () => Promise<Subject>>> = {
  'idc-memory': async () => (await import('./own/idc-memory.js')).idcMemory,
  'idc-tcp': async () => (await import('./own/idc-tcp.js')).idcTcp,
  'idc-ring-process': async () => (await import('./own/idc-ring.js')).idcRingProcess,
  'idc-ring-thread': async () => (await import('./own/idc-ring.js')).idcRingThread,
  'idc-ring-shared': async () => (await import('./own/idc-ring.js')).idcRingShared,
  'idc-kit': async () => (await import('./own/idc-kit.js')).idcKit,
  'idc-transfer-ring-process': async () => {
    return (await import('./transfer/idc-transfer.js')).idcTransferRing;
  },
  'idc-transfer-tcp': async () => (await import('./transfer/idc-transfer.js')).idcTransferTcp,
  'idc-transfer-memory': async () => (await import('./transfer/owner-loops.js')).idcOwnerLoops,
  'stripped-memory': async () => (await import('./own/stripped-memory.js')).strippedMemory,
  'stripped-tcp': async () => (await import('./own/stripped-tcp.js')).strippedTcp,
  memmove: async () => (await import('./peers/memmove.js')).memmove,
  'bare-ring': async () => (await import('./peers/bare-ring.js')).bareRing,
  messageport: async () => (await import('./peers/messageport.js')).messagePort,
  ringbuf: async () => (await import('./peers/ringbuf.js')).ringBuf,
  fork: async () => (await import('./peers/fork.js')).forkIpc,
  net: async () => (await import('./peers/net.js')).rawNet,
  'net-beside': async () => (await import('./peers/net-beside.js')).netBeside,
  'net-unix': async () => (await import('./peers/net.js')).rawUnix,
  ws: async () => (await import('./peers/ws.js')).ws,
  'zeromq-tcp': async () => (await import('./peers/zeromq.js')).zeromqTcp,
  'zeromq-ipc': async () => (await import('./peers/zeromq.js')).zeromqIpc,
  'grpc-tcp': async () => (await import('./peers/grpc.js')).grpcTcp,
  'grpc-unix': async () => (await import('./peers/grpc.js')).grpcUnix,
};

export function loadSubject(name: SubjectName): Promise<Subject> {
  return loaders[name]();
}
