// A round trip in plain JavaScript: `node talk.js ADDRESS [MEMORY]`; MEMORY is what a ring is made of.
import { createDomain } from 'idc';
import { createMemoryNetwork, memory } from 'idc/memory';
import { ring } from 'idc/ring';
import { tcp } from 'idc/tcp';

const [address, kind] = process.argv.slice(2);
const network = createMemoryNetwork();
const transports = [memory({ network }), ring({ memory: kind }), tcp()];
const back = createDomain({ name: 'back', transports });
const front = createDomain({ name: 'front', transports });

const listener = back.listen(address, () => ({
  transaction: (question) =>
    question.complete(Buffer.concat([Buffer.from('hello, '), question.parameters])),
}));
const reached = await listener.ready;
const endpoint = await new Promise((resolve) => {
  front.createEndpoint(reached, { connect: resolve });
});
const answer = await endpoint.submitTransaction(Buffer.from('world'));
console.log(Buffer.from(answer).toString());
await front.close();
await back.close();
