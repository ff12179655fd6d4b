/** S3: memory that was lent is taken back, whatever its holders do. */
import assert from 'node:assert/strict';
import type { MappedRegion } from '../../core/contract.js';
import {
  accesses,
  assertBytes,
  lengths,
  within,
  writable,
  type Check,
} from './shared-memory-stage.js';

export function checkRevoking(check: Check): void {
  for (const access of accesses) {
    check(
      `S3 revoke of ${access}: the bytes hold what they held, and nobody sees more`,
      (stage) => {
        for (const byteLength of lengths) {
          const { region, held } = stage.share(byteLength, access);
          const mapped = stage.map(region, access);
          region.revoke();
          assertBytes(region.bytes, held, 'whole');
          region.bytes.fill(0xee);
          assert.ok(!mapped.bytes.includes(0xee), 'nothing stored later is seen');
          assert.ok(!mapped.enter());
        }
      },
    );
  }

  for (const access of writable) {
    check(`S3 revoke of ${access}: a holder that goes on storing changes nothing`, (stage) => {
      const { region } = stage.share(10_000, access);
      const holders = [1, 2].map(() => stage.map(region, access));
      for (const { bytes } of holders) bytes.fill(1);
      region.revoke();
      const held = region.bytes.slice();
      assert.ok(held.every((byte) => byte === 1));
      for (const { bytes } of holders) bytes.fill(2);
      assertBytes(region.bytes, held, 'nothing changed');
    });
  }

  check('S3 revoke: a description of before maps nothing', (stage) => {
    for (const access of accesses) {
      const { region } = stage.share(5000, access);
      const description = region.describe();
      region.revoke();
      assert.equal(typeof stage.tryToMap(description, 5000, access), 'string');
      assert.throws(() => region.describe(), { code: 'BAD_ARGUMENT' });
    }
  });

  check('S3 revoke: of what is not shared does nothing', (stage) => {
    const region = stage.allocate(100);
    region.bytes.fill(3);
    region.revoke();
    assert.equal(region.share('read'), undefined);
    region.revoke();
    region.revoke();
    assert.ok(region.bytes.every((byte) => byte === 3));
  });
}

export function checkTakingBack(check: Check): void {
  check('S3 revoke: a holder in the middle of an access does not hold it up', (stage) => {
    const { region, held } = stage.share(5000, 'readWrite');
    const mapped = stage.map(region, 'readWrite');
    assert.ok(mapped.enter());
    region.revoke();
    mapped.bytes.fill(1);
    assert.ok(!mapped.leave(), 'what it did may be lost, and is');
    assertBytes(region.bytes, held, 'nothing of it landed');
  });

  check('S3 share again: new holders see the bytes, those of before do not', (stage) => {
    const region = stage.allocate(10_000);
    const former: MappedRegion[] = [];
    const formerDescriptions: Uint8Array[] = [];
    for (let round = 1; round <= 12; round++) {
      const access = accesses[round % 3] ?? 'read';
      assert.equal(region.share(access), undefined);
      const mapped = stage.map(region, access);
      region.bytes.fill(round);
      within(mapped, () => {
        assert.ok(mapped.bytes.every((byte) => byte === round));
      });
      for (const [index, each] of former.entries()) {
        assert.ok(!each.enter());
        assert.ok(!each.bytes.includes(round), `holder ${index} is out since long`);
      }
      for (const description of formerDescriptions) {
        assert.equal(typeof stage.tryToMap(description, 10_000, access), 'string');
      }
      former.push(mapped);
      formerDescriptions.push(region.describe());
      region.revoke();
    }
  });

  check('S3 revoke: another region goes on being shared', (stage) => {
    const { region } = stage.share(5000, 'readWrite');
    const { region: other } = stage.share(5000, 'readWrite');
    const mapped = stage.map(other, 'readWrite');
    region.revoke();
    within(mapped, () => {
      mapped.bytes.fill(5);
    });
    assert.ok(other.bytes.every((byte) => byte === 5));
  });
}
