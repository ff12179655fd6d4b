/**
 * A back end that may be killed at any moment: `node kill-child.js ADDRESS FOLDER`. Its registers
 * and its table are files of FOLDER. A change takes some turns, with the write in the middle.
 */
import { closeSync, openSync, readSync, writeSync } from 'node:fs';
import path from 'node:path';
import { createDomain } from 'idc';
import { createBackEnd, openFileJournal } from 'idc/drivers/kit';
import { tcp } from 'idc/tcp';
import { registers } from './test-drivers.js';

const [address = '', folder = ''] = process.argv.slice(2);
const place = path.join(folder, 'registers');
closeSync(openSync(place, 'a'));
const file = openSync(place, 'r+');
const word = Buffer.alloc(4);

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

const domain = createDomain({ name: 'back', transports: [tcp()] });
const server = createBackEnd(
  domain,
  address,
  registers,
  {
    write: async (parameters) => {
      await turn();
      word.writeUInt32LE(parameters.value);
      writeSync(file, word, 0, 4, 4 * parameters.place);
      await turn();
    },
    read: (parameters) => {
      word.fill(0);
      readSync(file, word, 0, 4, 4 * parameters.place);
      return { value: word.readUInt32LE() };
    },
  },
  { recovery: { kind: 'table', journal: openFileJournal(path.join(folder, 'journal')) } },
);
console.log(`listening at ${await server.ready}`);
