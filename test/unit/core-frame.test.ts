/** The first word, tickets, and comparison of sequences at the wrap. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  epochMax,
  epochTagOf,
  flagsOf,
  FrameType,
  generationMask,
  headWord,
  isBefore,
  makeEpochTag,
  makeTicket,
  sequenceMask,
  slotMask,
  slotOf,
  typeOf,
} from '../../core/frame.js';

describe('head word', () => {
  it('type, flags and epoch tag come back for every value', () => {
    for (let value = 0; value < 256; value++) {
      for (const tag of [0, 1, 0x7fff, 0x8000, 0xffff]) {
        const head = headWord(value, 255 - value, tag);
        assert.deepEqual(
          [typeOf(head), flagsOf(head), epochTagOf(head)],
          [value, 255 - value, tag],
        );
        // It is a 32-bit integer, as `getWord` answers it.
        assert.equal(head, head | 0);
      }
    }
  });

  it('the tag is the low 16 bits of the epoch', () => {
    assert.deepEqual([1, 0xffff, 0x1_0000, epochMax].map(makeEpochTag), [1, 0xffff, 0, 0xffff]);
  });

  it('numbers of frame types are unique, fit a byte and are those of the wire', () => {
    assert.deepEqual(FrameType, {
      Hello: 1,
      Welcome: 2,
      Ready: 3,
      Accept: 4,
      Confirm: 5,
      Refuse: 6,
      Goodbye: 7,
      Ping: 8,
      Pong: 9,
      Summon: 10,
      Message: 16,
      Request: 17,
      Reply: 18,
      Credit: 19,
      Flush: 20,
      Flushed: 21,
      Released: 22,
      Fragment: 23,
    });
  });
});

describe('ticket', () => {
  it('slot and generation are apart, and no ticket is negative', () => {
    for (const slot of [0, 1, 255, slotMask]) {
      for (const generation of [0, 1, 0x4000, generationMask]) {
        const ticket = makeTicket(slot, generation);
        assert.equal(slotOf(ticket), slot);
        assert.equal(ticket >>> 16, generation);
        assert(ticket >= 0);
      }
    }
  });
});

describe('sequence', () => {
  const at = (value: number): number => value & sequenceMask;

  it('before: the smaller of two that are close, at zero, in the middle and at the wrap', () => {
    for (const start of [0, 1, 0x3fff_ffff, 0x4000_0000, sequenceMask - 2, sequenceMask]) {
      for (const distance of [1, 2, 65_536, 0x3fff_ffff]) {
        assert(isBefore(at(start), at(start + distance)), `${start} + ${distance}`);
        assert(!isBefore(at(start + distance), at(start)), `${start} + ${distance}`);
      }
      assert(!isBefore(start, start), 'not before itself');
    }
  });

  it('stays a small integer on either side of the wrap', () => {
    assert.equal(at(sequenceMask + 1), 0);
    assert.equal(at(0 - 1), sequenceMask);
  });
});
