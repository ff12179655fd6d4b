/** `node main.js`: lends eight bytes to a back end, which fills them, and takes them back. */
import { createDomain, RemoteBufferReference } from 'idc';
import { createMemoryNetwork, memory } from 'idc/memory';

const transports = [memory({ network: createMemoryNetwork() })];
const back = createDomain({ name: 'back', transports });
const front = createDomain({ name: 'front', transports });
back.listen('memory://disk/0', () => ({
  transaction: async (request) => {
    const reference = RemoteBufferReference.decode(request.parameters, request.endpoint);
    await back.sendToRemoteBuffer(reference, Buffer.from('sector 0'));
    request.complete();
  },
}));
const sector = front.allocateBuffer(8, { shared: true });
const registered = front.registerBuffer(sector, { access: 'write', mode: 'map' });
front.createEndpoint('memory://disk/0', {
  connect: async (disk) => {
    await disk.submitTransaction(registered.reference.encode());
    await registered.unregister(); // from here on nobody can change a byte of it
    console.log(Buffer.from(sector).toString()); // sector 0
    await Promise.all([front.close(), back.close()]);
  },
});
