/** The back end: `node back.js [ADDRESS]`. */
import { createDomain } from 'idc';
import { createBackEnd } from 'idc/drivers/kit';
import { tcp } from 'idc/tcp';
import { counter } from './counter.js';

const domain = createDomain({ name: 'back', transports: [tcp()] });
let total = 0;
const back = createBackEnd(domain, process.argv[2] ?? 'tcp://127.0.0.1:7000/counter', counter, {
  read: () => ({ total }),
  add: ({ amount }) => {
    if (total + amount > Number.MAX_SAFE_INTEGER) throw counter.failure('OVERFLOW');
    void back.changed({ total: (total += amount) });
    return { total };
  },
});
console.log(`listening at ${await back.ready}`);
