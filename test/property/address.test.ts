/** Addresses: what is put together is parsed, what is parsed is normal, and nothing else throws. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { addressLengthMax, makeAddress, parseAddress } from '../../core/address.js';
import { IdcError } from '../../core/errors.js';
import { check } from './check.js';

const visible = Array.from({ length: 94 }, (_, index) => String.fromCharCode(0x21 + index));

const oneOf = (characters: string): fc.Arbitrary<string> =>
  fc.constantFrom(...characters.split(''));

const schemes = fc
  .tuple(
    oneOf('abcdefghijklmnopqrstuvwxyz'),
    fc.string({ unit: oneOf('abcxyz0189+.-'), maxLength: 9 }),
  )
  .map((parts) => parts.join(''));
const authorities = fc.string({
  unit: fc.constantFrom(...visible.filter((character) => !'/?#'.includes(character))),
  minLength: 1,
  maxLength: 60,
});
const services = fc.string({ unit: fc.constantFrom(...visible), maxLength: 100 });

describe('address', () => {
  it('what was put together is parsed', () => {
    check(fc.tuple(schemes, authorities, services), ([scheme, authority, service]) => {
      const address = makeAddress(scheme, authority, service);
      assert.deepEqual(parseAddress(address.href), address);
      assert.equal(parseAddress(address.href.replace(scheme, scheme.toUpperCase())).scheme, scheme);
    });
  });

  it('parsing its own href changes nothing', () => {
    const texts = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.string({ unit: oneOf('tcp:/[]?#%.0 é') }).map((rest) => `tcp://${rest}`),
    );
    check(
      texts,
      (text) => {
        const address = parseOrRefuse(text);
        if (address === undefined) return;
        assert.equal(address.href, `${address.scheme}://${address.authority}/${address.service}`);
        assert.deepEqual(parseAddress(address.href), address);
      },
      2000,
    );
  });
});

function parseOrRefuse(text: string): ReturnType<typeof parseAddress> | undefined {
  try {
    return parseAddress(text);
  } catch (error) {
    assert(error instanceof IdcError && error.code === 'BAD_ADDRESS');
    assert.equal(error.execution, 'never');
    return undefined;
  }
}

describe('addresses by example', () => {
  const good: readonly (readonly [string, string, string, string])[] = [
    ['memory://hub/disk0', 'memory', 'hub', 'disk0'],
    ['memory://hub', 'memory', 'hub', ''],
    ['TCP://Host:7000/', 'tcp', 'Host:7000', ''],
    ['tcp://[::1]:0/a/b//c', 'tcp', '[::1]:0', 'a/b//c'],
    ['a+b.c-1://x/%20?q#f', 'a+b.c-1', 'x', '%20?q#f'],
  ];
  for (const [text, scheme, authority, service] of good) {
    it(`${text} parses`, () => {
      const address = parseAddress(text);
      assert.deepEqual(
        [address.scheme, address.authority, address.service],
        [scheme, authority, service],
      );
      assert(Object.isFrozen(address));
    });
  }

  for (const text of [
    '',
    'tcp',
    'tcp:',
    'tcp://',
    'tcp:///disk0',
    '://host/disk0',
    '1tcp://host',
    't cp://host',
    'tcp://ho st/a',
    'tcp://host/a b',
    'tcp://höst/a',
    'tcp://host?query',
    'tcp://host#part',
    'tcp://host/a\n',
    `tcp://host/${'a'.repeat(addressLengthMax)}`,
  ]) {
    it(`${JSON.stringify(text.slice(0, 30))} is BAD_ADDRESS`, () => {
      assert.throws(() => parseAddress(text), { code: 'BAD_ADDRESS', execution: 'never' });
    });
  }
});
