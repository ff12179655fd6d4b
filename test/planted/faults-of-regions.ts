/** Faults of shared regions: lending memory, taking it back, and what a holder believes. */
import type { PlantedFault } from './planted-fault.js';

const sharing = 'transports/ring/region-sharing.ts';
const held = 'transports/ring/mapped-region.ts';
const laws = 'test/compliance/ring-regions';
const ownTests = 'test/unit/ring-region-own';
const heldTests = 'test/unit/ring-region-held';

export const faultsOfRegions: readonly PlantedFault[] = [
  {
    name: 'region-never-taken-back',
    breaks: 'B9: no holder changes a byte after unregister',
    file: sharing,
    replace: '    this.#putBack();\n',
    by: '',
    caughtBy: [laws],
  },
  {
    name: 'region-zeroed-before-it-is-taken-back',
    breaks: 'B9: the bytes are whole at every instant',
    file: sharing,
    replace: '    this.#putBack();\n    this.#clear();\n',
    by: '    this.#clear();\n    this.#putBack();\n',
    caughtBy: ['test/revocation/whole'],
  },
  {
    name: 'region-taken-back-in-two-steps',
    breaks: 'B9: one atomic switch',
    file: sharing,
    replace: 'const moved = native.move(this.#aside, this.#dataBytes, address);',
    by: 'const moved: number | bigint = native.pageBytes > 0 ? -1 : 0n;',
    caughtBy: ['test/revocation/whole'],
  },
  {
    name: 'region-copied-before-it-is-closed',
    breaks: 'B9: a write that is said to have landed is there',
    file: sharing,
    replace: "'nobody reopens it');\n    this.#copyAside();\n    this.#putBack();\n",
    by:
      "'nobody reopens it');\n" +
      '    Atomics.store(words, NoticeWord.State, RegionState.Closing);\n' +
      '    this.#copyAside();\n' +
      '    Atomics.store(words, NoticeWord.State, RegionState.Closed);\n' +
      '    this.#putBack();\n',
    caughtBy: [ownTests],
  },
  {
    name: 'region-waits-for-nobody',
    breaks: 'B9: accesses in flight have a moment to end',
    file: sharing,
    replace: '    this.#awaitAccesses();\n',
    by: '',
    caughtBy: [ownTests],
  },
  {
    name: 'region-left-behind-with-its-bytes',
    breaks: 'B9: the shared pages are zeroed',
    file: sharing,
    replace: '    this.#clear();\n',
    by: '',
    caughtBy: [ownTests],
  },
  {
    name: 'region-for-reading-can-be-written',
    breaks: 'B9: read-only by seal',
    file: sharing,
    replace: 'Fcntl.AddSeals, memorySeals)',
    by: 'Fcntl.AddSeals, tallySeals)',
    caughtBy: [laws],
  },
  {
    name: 'region-mapped-before-its-length-is-sealed',
    breaks: 'section 6: no peer can truncate our memory',
    file: 'transports/ring/sealed-file.ts',
    replace: 'Seal.Shrink | Seal.Grow',
    by: 'Seal.Grow',
    caughtBy: [ownTests],
  },
  {
    name: 'region-left-without-a-look',
    breaks: 'B9: the holder re-checks after its copy',
    file: held,
    replace: 'return state === RegionState.Open || state === RegionState.Closing;',
    by: 'return state !== 0;',
    caughtBy: [laws],
  },
  {
    name: 'region-of-somebody-else-taken',
    breaks: 'section 7: every byte from a peer is hostile',
    file: held,
    replace: 'if (isNotice(new Int32Array(noticed.range.buffer), description, tallied.inode))',
    by: 'if (tallied.inode > 0n)',
    caughtBy: [heldTests],
  },
  {
    name: 'region-that-holders-can-cut-short-taken',
    breaks: 'section 6: a peer may not truncate what we touch',
    file: held,
    replace: 'seals: tallySeals,',
    by: 'seals: 0 * tallySeals,',
    caughtBy: [heldTests],
  },
  {
    name: 'region-whose-pages-are-ours-to-pay-for-taken',
    breaks: 'section 7: validated before allocation',
    file: 'transports/ring/peer-file.ts',
    replace: 'if (status.blocks * 512n < status.size)',
    by: 'if (status.blocks < 0n)',
    caughtBy: [heldTests],
  },
];
