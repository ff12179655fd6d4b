/** The documentation that a definition gives. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { defineProtocol, documentProtocol } from 'idc/drivers/kit';

const disk = defineProtocol({
  name: 'disk',
  version: 2,
  note: 'Sectors that can be read and written.',
  features: { discard: 'Sectors can be given back.' },
  errors: { OUT_OF_RANGE: 1 },
  transactions: {
    write: {
      note: 'Writes whole sectors.',
      effect: 'idempotent',
      range: { from: 'sector', length: 'data' },
      parameters: {
        sector: { is: 'uint53', note: 'The first | of\n them.' },
        data: { bytes: 4096, lent: true },
        urgency: { choice: ['low', 'high'], since: 2, otherwise: 'low' },
      },
    },
    discard: { since: 2, feature: 'discard', parameters: { sectors: { list: 'uint53', max: 8 } } },
    geometry: {
      effect: 'none',
      status: { size: { record: { sectors: 'uint53', name: { optional: { text: 9 } } } } },
    },
  },
  messages: { resized: { to: 'front', fields: { sectors: 'uint53' } }, hint: { to: 'back' } },
});

it('tells every item, field, failure and rule, in Markdown', () => {
  const text = documentProtocol(disk);
  for (const line of [
    '# disk',
    'Sectors that can be read and written.',
    '| `discard` | Sectors can be given back. |',
    '## write',
    'Transaction 1; idempotent; changes `data` from `sector` on.',
    '| `sector` | uint53 | 1 | The first \\| of them. |',
    '| `data` | at most 4096 bytes | 1 |  |',
    '| `urgency` | `low`, `high` | 2, before: `"low"` |  |',
    'Status: none.',
    'Transaction 3; must not be executed twice; since version 2; needs the feature `discard`; ' +
      'changes the whole device.',
    '| `sectors` | list of at most 8: uint53 | 1 |  |',
    'Transaction 2; changes nothing; it may be submitted again in any case.',
    '| `size` | record | 1 |  |',
    '| `size.name` | optional: text of at most 9 bytes | 1 |  |',
    'Event 1, to the front end.',
    'Message 1.',
    '| `OUT_OF_RANGE` | 1 |  |',
  ]) {
    assert.ok(text.split('\n').includes(line), `${line}\nis not in\n${text}`);
  }
  assert.match(text, /\| `UNKNOWN_ITEM` \| -2 \| The other end does not have this item/);
  assert.match(text, /Version 2; versions from 1 on are spoken\. Digest [0-9a-f]{8}\./);
  assert.match(text, /At most \d+ bytes of parameters, \d+ of status and \d+ of a message\./);
});

it('of an empty protocol is whole, too', () => {
  const text = documentProtocol(defineProtocol({ name: 'nothing', version: 1 }));
  assert.match(text, /^# nothing\n\nVersion 1/);
  assert.doesNotMatch(text, /\n\n\n|undefined/);
});
