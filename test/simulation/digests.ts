/**
 * Digests of the traces of a few seeds, as `npm run simulate -- --seed S` prints them. Whatever
 * changes what core says, or when, changes them: then write down what `digests.test.ts` found.
 */
export const traceDigests: Readonly<Record<number, string>> = {
  1: '70:e776e9b0',
  2: '99:72d456b0',
  5: '1083:9c535328',
  22: '280:7f19394b',
  11: '37:95ee1c6e',
  16: '739:87679757',
};
