/**
 * Digests of the traces of a few seeds, as `npm run simulate -- --seed S` prints them. Whatever
 * changes what core says, or when, changes them: then write down what `digests.test.ts` found.
 */
export const traceDigests: Readonly<Record<number, string>> = {
  1: '70:1cf1eb02',
  2: '147:5e8a7dec',
  5: '1088:8bf72912',
  22: '307:839e2bd7',
  11: '37:95ee1c6e',
  16: '739:87679757',
  // With remote buffers: over relays and detours; over two paths; with many transfers.
  27: '1540:689be641',
  36: '494:ed6d14e7',
  29: '3818:c5f54b7c',
  60: '10269:57985ce8',
};
