/** S1 and S2: memory that is nobody else's, and memory that is lent. */
import assert from 'node:assert/strict';
import { descriptionBytesMax, Fault } from '../../core/contract.js';
import {
  accesses,
  assertBytes,
  lengths,
  within,
  writable,
  type Check,
} from './shared-memory-stage.js';

export function checkAllocating(check: Check): void {
  check('S1 allocate: zeros of every length, each at a place of its own', (stage) => {
    const regions = lengths.map((byteLength) => stage.allocate(byteLength));
    regions.forEach((region, index) => {
      assert.equal(region.bytes.byteLength, lengths[index]);
      assert.ok(region.bytes.every((byte) => byte === 0));
      region.bytes.fill(index + 1);
    });
    regions.forEach(({ bytes }, index) => {
      assert.ok(bytes.every((byte) => byte === index + 1));
    });
  });

  check('S1 allocate: more than there is, is a fault', (stage) => {
    const result = stage.harness.owner.allocate(2 ** 52);
    assert.ok(result === Fault.Exhausted || result === Fault.Unsupported);
  });

  check('S1 allocate: a length that is none is a programmer error', (stage) => {
    for (const byteLength of [0, -1, 1.5, NaN, Infinity]) {
      assert.throws(() => stage.harness.owner.allocate(byteLength), { code: 'BAD_ARGUMENT' });
    }
  });

  check('S1 describe: before it is shared there is nothing to describe', (stage) => {
    const region = stage.allocate(100);
    assert.throws(() => region.describe(), { code: 'BAD_ARGUMENT' });
  });
}

export function checkSharing(check: Check): void {
  for (const access of accesses) {
    check(`S2 share for ${access}: the bytes stay, and holders see what is stored`, (stage) => {
      for (const byteLength of lengths) {
        const { region, held } = stage.share(byteLength, access);
        assertBytes(region.bytes, held, 'the bytes are what they were');
        const mapped = stage.map(region, access);
        within(mapped, () => {
          assertBytes(mapped.bytes, held, 'the holder sees them');
          region.bytes.fill(7);
          assert.ok(mapped.bytes.every((byte) => byte === 7));
        });
      }
    });
  }

  for (const access of writable) {
    check(`S2 share for ${access}: the owner sees what any of its holders stores`, (stage) => {
      const { region } = stage.share(10_000, access);
      const holders = [1, 2, 3].map(() => stage.map(region, access));
      holders.forEach((mapped, index) => {
        within(mapped, () => {
          mapped.bytes.fill(index + 1, 100 * index, 100 * (index + 1));
        });
      });
      for (let index = 0; index < holders.length; index++) {
        const part = region.bytes.subarray(100 * index, 100 * (index + 1));
        assert.ok(part.every((byte) => byte === index + 1));
      }
    });
  }
}

export function checkDescribing(check: Check): void {
  check('S2 share: `bytes` is the same array, shared or not', (stage) => {
    const region = stage.allocate(5000);
    const { bytes } = region;
    bytes[4999] = 9;
    for (const access of accesses) {
      assert.equal(region.share(access), undefined);
      assert.equal(region.bytes, bytes);
      region.revoke();
      assert.equal(region.bytes, bytes);
      assert.equal(bytes[4999], 9);
    }
  });

  check('S2 share: twice at a time is a programmer error', (stage) => {
    const { region } = stage.share(100, 'read');
    assert.throws(() => region.share('read'), { code: 'BAD_ARGUMENT' });
  });

  check('S2 map: more access than was shared is refused', (stage) => {
    for (const [shared, asked] of [
      ['read', 'write'],
      ['read', 'readWrite'],
      ['write', 'read'],
      ['write', 'readWrite'],
    ] as const) {
      const { region } = stage.share(100, shared);
      assert.equal(stage.tryToMap(region.describe(), 100, asked), Fault.Corrupt);
    }
  });

  check('S2 describe: short, and a copy each time', (stage) => {
    const { region } = stage.share(100, 'read');
    const [one, other] = [region.describe(), region.describe()];
    assert.ok(one.byteLength <= descriptionBytesMax);
    assertBytes(one, other, 'it says the same');
    one.fill(0);
    stage.tryToMap(other, 100, 'read');
    assertBytes(region.describe(), other, 'nobody writes into it');
  });
}
