/** The ring transport obeys the contract of shared memory, in mapped pages. */
import assert from 'node:assert/strict';
import { createRuntime, type PeerIdentity } from '../../core/contract.js';
import { explainNative, loadNative } from '../../transports/ring/native.js';
import { RegionMemory } from '../../transports/ring/region-memory.js';
import { runSharedMemoryCompliance } from './index.js';

function identityOfProcess(pid: number): PeerIdentity {
  const [uid, gid] = [process.getuid?.() ?? 0, process.getgid?.() ?? 0];
  return { kind: 'process', name: `uid:${uid}`, origin: 'ring://test', process: { pid, uid, gid } };
}

runSharedMemoryCompliance('ring', () => {
  const native = loadNative();
  assert(native !== undefined, explainNative());
  return {
    owner: new RegionMemory(native, createRuntime()),
    holder: new RegionMemory(native, createRuntime()),
    ownerIdentity: identityOfProcess(process.pid),
    strangerIdentity: identityOfProcess(process.ppid),
    dispose: () => Promise.resolve(),
  };
});
