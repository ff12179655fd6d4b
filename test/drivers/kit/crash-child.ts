/** The process that a mistake in a handler ends: `node crash-child.js MISTAKE`. */
import { createBackEnd, createFrontEnd } from 'idc/drivers/kit';
import { makePair } from './pair.js';
import { counter } from './test-drivers.js';

const { front, back, address } = makePair();
createBackEnd(back, address, counter, {
  add: ({ amount }) => ({ total: amount }),
  read: () => {
    if (process.argv[2] === 'throws') throw new Error('a slip');
    if (process.argv[2] === 'rejects') return Promise.reject(new Error('a slip'));
    return { total: -1 };
  },
});
await createFrontEnd(front, address, counter).read();
console.log('answered');
