/** Every handler that throws, and every asynchronous one that rejects. */
import { clientWith, leaverWith, rejectMeant, throwMeant, type Mistakes } from './mistake.js';

export const handlerMistakes: Mistakes = {
  'offer throws': throwMeant,
  'appear throws': clientWith({ appear: throwMeant }),
  'appear rejects': clientWith({ appear: rejectMeant }),
  'connect throws': clientWith({ connect: throwMeant }),
  'connect rejects': clientWith({ connect: rejectMeant }),
  'message throws': clientWith({ message: throwMeant }),
  'message rejects': clientWith({ message: rejectMeant }),
  'transaction throws': clientWith({ transaction: throwMeant }),
  'transaction rejects': clientWith({ transaction: rejectMeant }),
  'disconnect throws': leaverWith({ disconnect: throwMeant }),
  'disconnect rejects': leaverWith({ disconnect: rejectMeant }),
  'disappear throws': leaverWith({ disappear: throwMeant }),
  'disappear rejects': leaverWith({ disappear: rejectMeant }),
  'completion throws': clientWith({
    connect: (endpoint) => {
      endpoint.transact(new Uint8Array(4), throwMeant, undefined);
    },
  }),
  'held work rejects': leaverWith({
    disconnect: (_endpoint, event) => {
      event.waitUntil(rejectMeant());
    },
  }),
};
