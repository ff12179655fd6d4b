/** A counter: what its two ends say to each other. Types, codecs and methods follow from it. */
import { defineProtocol, type Protocol } from 'idc/drivers/kit';

const definition = {
  name: 'counter',
  version: 1,
  note: 'One number that any front end may read and add to.',
  errors: { OVERFLOW: 1 },
  transactions: {
    add: {
      parameters: { amount: 'uint32' },
      status: { total: 'uint53' },
      note: 'Adds `amount`; OVERFLOW if the counter cannot hold the sum.',
    },
    read: { status: { total: 'uint53' }, effect: 'none' },
  },
  messages: { changed: { to: 'front', fields: { total: 'uint53' } } },
} as const;

export const counter: Protocol<typeof definition> = defineProtocol(definition);
