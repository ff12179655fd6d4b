// A round trip over memory, in plain JavaScript.
import { createDomain } from 'idc';
import { createMemoryNetwork, memory } from 'idc/memory';
import { tcp } from 'idc/tcp';

const network = createMemoryNetwork();
const back = createDomain({ name: 'back', transports: [memory({ network })] });
const front = createDomain({ name: 'front', transports: [memory({ network }), tcp()] });

const listener = back.listen('memory://back/hello', () => ({
  transaction: (question) =>
    question.complete(Buffer.concat([Buffer.from('hello, '), question.parameters])),
}));
await listener.ready;
const endpoint = await new Promise((resolve) => {
  front.createEndpoint('memory://back/hello', { connect: resolve });
});
const answer = await endpoint.submitTransaction(Buffer.from('world'));
console.log(Buffer.from(answer).toString());
await front.close();
await back.close();
