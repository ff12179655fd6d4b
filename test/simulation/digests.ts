/**
 * Digests of the traces of a few seeds, as `npm run simulate -- --seed S` prints them. Whatever
 * changes what core says, or when, changes them: then write down what `digests.test.ts` found.
 */
export const traceDigests: Readonly<Record<number, string>> = {
  1: '70:e776e9b0',
  2: '99:cd1eb728',
  5: '987:4f51369c',
  22: '279:a2c30bb3',
  11: '37:95ee1c6e',
  16: '739:87679757',
};
