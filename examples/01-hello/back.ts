/** Hello, the back end: answers whoever connects, and ends when its first peer has gone. */
import { createDomain, type ReceivedTransaction } from 'idc';
import { tcp } from 'idc/tcp';

const address = process.argv[2] ?? 'tcp://127.0.0.1:7000/hello';
const domain = createDomain({ name: 'back', transports: [tcp()] });
const listener = domain.listen(address, () => ({
  transaction: answer,
  disappear: () => void domain.close(),
}));
console.log(`listening at ${await listener.ready}`);

function answer(question: ReceivedTransaction): void {
  question.complete(Buffer.concat([Buffer.from('hello, '), question.parameters]));
}
