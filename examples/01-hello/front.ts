/** Hello, the front end: asks once, prints the answer and ends. */
import { createDomain, type Endpoint } from 'idc';
import { tcp } from 'idc/tcp';

const address = process.argv[2] ?? 'tcp://127.0.0.1:7000/hello';
const domain = createDomain({ name: 'front', transports: [tcp()] });
domain.createEndpoint(address, { connect: greet });

async function greet(endpoint: Endpoint): Promise<void> {
  const answer = await endpoint.submitTransaction(Buffer.from('world'));
  console.log(Buffer.from(answer).toString());
  await domain.close();
}
