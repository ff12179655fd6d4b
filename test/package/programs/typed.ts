// A round trip over memory, in TypeScript, with what the declarations must say and refuse.
import { createDomain } from 'idc';
import { createBackEnd, createFrontEnd, defineProtocol } from 'idc/drivers/kit';
import { testDriver } from 'idc/drivers/kit/testing';
import { createMemoryNetwork, memory } from 'idc/memory';
import { ring } from 'idc/ring';
import { tcp } from 'idc/tcp';

const network = createMemoryNetwork();
const back = createDomain({ name: 'back', transports: [memory({ network })] });
const front = createDomain({ name: 'front', transports: [memory({ network }), ring(), tcp()] });

const listener = back.listen('memory://back/hello', () => ({
  transaction: (question) => {
    const parameters: Uint8Array = question.parameters;
    question.complete(Buffer.concat([Buffer.from('hello, '), parameters]));
  },
}));
await listener.ready;
const answer = await new Promise<Uint8Array>((resolve) => {
  front.createEndpoint('memory://back/hello', {
    connect: (endpoint) => {
      resolve(endpoint.submitTransaction(Buffer.from('world')));
    },
  });
});
console.log(Buffer.from(answer).toString());

const echo = defineProtocol({
  name: 'echo',
  version: 1,
  transactions: {
    repeat: { parameters: { text: { text: 20 } }, status: { text: { text: 20 } }, effect: 'none' },
  },
});
createBackEnd(back, 'memory://back/echo', echo, { repeat: ({ text }) => ({ text }) });
const { text } = await createFrontEnd(front, 'memory://back/echo', echo).repeat({ text: 'hello' });
if ((text satisfies string) !== 'hello') throw new Error(`${text} came back`);
await front.close();
await back.close();

/** Never called: these lines are here to be refused. */
export function refused(): void {
  // @ts-expect-error a domain without transports reaches nobody
  createDomain({ name: 'nobody' });
  // @ts-expect-error the network is the caller's to make
  memory();
  // @ts-expect-error a ring is in memory of one of two kinds
  ring({ memory: 'virtual' });
  // @ts-expect-error the status is that of the protocol
  createBackEnd(back, 'memory://back/wrong', echo, { repeat: () => ({ text: 1 }) });
  // @ts-expect-error a test needs to know the driver
  testDriver();
}
