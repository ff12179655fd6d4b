/** S4, S5 and S6: what a holder believes, its accesses, and the end. */
import assert from 'node:assert/strict';
import { descriptionBytesMax, Fault, type BufferAccess } from '../../core/contract.js';
import { between, randomBytes } from './random.js';
import { accesses, assertBytes, within, type Check, type Stage } from './shared-memory-stage.js';

export function checkDescriptions(check: Check): void {
  /** Whatever was made of the description, touching it kills nobody. */
  const judge = (stage: Stage, description: Uint8Array, access: BufferAccess): void => {
    const mapped = stage.tryToMap(description, 5000, access);
    if (typeof mapped === 'string') {
      const legal: readonly Fault[] = [Fault.Corrupt, Fault.Unreachable, Fault.Exhausted];
      assert.ok(legal.includes(mapped), mapped);
      return;
    }
    mapped.enter();
    assert.equal(mapped.bytes.byteLength, 5000);
    mapped.bytes.forEach((byte) => assert.ok(byte <= 0xff));
    mapped.leave();
    mapped.release();
  };

  check('S4 map: a description that is cut off, or goes on, maps nothing', (stage) => {
    const { region } = stage.share(5000, 'read');
    const description = region.describe();
    for (let length = 0; length < description.byteLength; length++) {
      assert.equal(stage.tryToMap(description.subarray(0, length), 5000, 'read'), Fault.Corrupt);
    }
    const longer = new Uint8Array(description.byteLength + 1);
    longer.set(description);
    assert.equal(stage.tryToMap(longer, 5000, 'read'), Fault.Corrupt);
  });

  check('S4 map: a description with a bit turned does no harm', (stage) => {
    for (const access of accesses) {
      const { region } = stage.share(5000, access);
      const description = region.describe();
      for (let bit = 0; bit < 8 * description.byteLength; bit++) {
        const turned = description.slice();
        turned[bit >> 3] = (turned[bit >> 3] ?? 0) ^ (1 << (bit & 7));
        judge(stage, turned, access);
      }
    }
  });

  check('S4 map: a random description does no harm', (stage) => {
    const { region } = stage.share(5000, 'readWrite');
    const description = region.describe();
    for (let round = 0; round < 500; round++) {
      const from = between(stage.random, 0, description.byteLength - 1);
      const wild = description.slice();
      const room = description.byteLength - from;
      wild.set(randomBytes(stage.random, between(stage.random, 1, Math.min(8, room))), from);
      judge(stage, wild, 'readWrite');
      const none = randomBytes(stage.random, between(stage.random, 0, descriptionBytesMax));
      judge(stage, none, 'readWrite');
    }
  });

  check('S4 map: of another length, or from another party, maps nothing', (stage) => {
    const { region } = stage.share(5000, 'read');
    const description = region.describe();
    for (const byteLength of [0, 1, 4096, 4999, 5001, 8192, 2 ** 33, 2 ** 53, NaN, -5000]) {
      assert.equal(stage.tryToMap(description, byteLength, 'read'), Fault.Corrupt);
    }
    const { strangerIdentity } = stage.harness;
    const mapped = stage.tryToMap(description, 5000, 'read', strangerIdentity);
    assert.ok(mapped === Fault.Corrupt || mapped === Fault.Unreachable);
  });
}

export function checkAccesses(check: Check): void {
  check('S5 enter and leave: a thousand accesses, and what they stored is there', (stage) => {
    const { region } = stage.share(4096, 'readWrite');
    const mapped = stage.map(region, 'readWrite');
    for (let round = 1; round <= 1000; round++) {
      within(mapped, () => {
        mapped.bytes[round] = round & 0xff;
      });
    }
    region.revoke();
    for (let round = 1; round <= 1000; round++) assert.equal(region.bytes[round], round & 0xff);
  });

  check('S5 enter: after a revocation it is refused for ever', (stage) => {
    const { region } = stage.share(4096, 'readWrite');
    const mapped = stage.map(region, 'readWrite');
    region.revoke();
    for (let round = 0; round < 10; round++) assert.ok(!mapped.enter());
    assert.equal(region.share('readWrite'), undefined);
    assert.ok(!mapped.enter());
    within(stage.map(region, 'readWrite'), () => undefined);
  });
}

export function checkReleasing(check: Check): void {
  check('S6 release: by the owner takes everything back first, twice is once', (stage) => {
    const { region } = stage.share(5000, 'readWrite');
    const mapped = stage.map(region, 'readWrite');
    const description = region.describe();
    region.release();
    region.release();
    assert.ok(!mapped.enter());
    assert.equal(typeof stage.tryToMap(description, 5000, 'readWrite'), 'string');
  });

  check('S6 release: of a region is not taken back by sharing it', (stage) => {
    const region = stage.allocate(5000);
    region.release();
    assert.throws(() => region.share('read'), { code: 'BAD_ARGUMENT' });
  });

  check('S6 release: by a holder leaves owner and other holders alone, twice is once', (stage) => {
    const { region, held } = stage.share(5000, 'readWrite');
    const [one, other] = [stage.map(region, 'readWrite'), stage.map(region, 'readWrite')];
    one.release();
    one.release();
    within(other, () => {
      assertBytes(other.bytes, held, 'the other holder still sees it');
    });
    const third = stage.map(region, 'readWrite');
    within(third, () => {
      third.bytes.fill(9);
    });
    assert.ok(region.bytes.every((byte) => byte === 9));
  });

  check('S6 release: a holder that keeps its memory while the owner goes reads on', (stage) => {
    const { region } = stage.share(100_000, 'read');
    const mapped = stage.map(region, 'read');
    region.release();
    mapped.bytes.forEach((byte) => assert.ok(byte <= 0xff));
    mapped.release();
  });
}
