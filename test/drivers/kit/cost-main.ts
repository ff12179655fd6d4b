/** `node cost-main.js`: prints what the kit adds to a transaction, for each number outstanding. */
import { measureCosts } from './cost.js';

const rounds = 9;
const perRound = 30_000;

for (const depth of [1, 32]) {
  const { costs, byteLength } = await measureCosts(depth, rounds, perRound);
  const [best, ...others] = [...costs].sort((one, other) => one.ratio - other.ratio);
  const median = others[Math.floor(others.length / 2) - 1];
  console.log(JSON.stringify({ depth, byteLength, best, median }));
}
