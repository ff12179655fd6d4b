// Whether a ring in mapped memory can be had, and what its absence says.
import { IdcError } from 'idc';
import { ring } from 'idc/ring';

try {
  ring({ memory: 'mapped' });
  console.log('mapped');
} catch (error) {
  if (!(error instanceof IdcError)) throw error;
  console.log(error.message);
}
