/** What a command takes for an address before it looks for anybody there. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { requireAddress } from '../../cli/address.js';
import { Failure } from '../../cli/failure.js';
import { parseAddress } from '../../core/address.js';
import { IdcError } from '../../core/errors.js';
import { nameOf } from '../../transports/ring/ring-name.js';
import { parseAuthority } from '../../transports/tcp/tcp-authority.js';
import { check } from '../property/check.js';

/** Addresses, and what is nearly one. */
const texts = fc
  .tuple(
    fc.constantFrom('tcp', 'TCP', 'ring', 'memory', ''),
    fc.constantFrom('127.0.0.1', '[::1]', 'host.example', 'a b', '%2Frun', '[', ''),
    fc.constantFrom(':7000', ':0', ':123456', ':', ''),
    fc.string({ unit: fc.constantFrom(...'/?#%:[]0a. é\n'.split('')), maxLength: 4 }),
  )
  .map(([scheme, host, port, rest]) => `${scheme}://${host}${port}${rest}`);

for (const address of [
  'tcp://127.0.0.1:7000/disk',
  'tcp://[::1]:7000/disk',
  'tcp://host.example:1',
  'TCP://host:7000/',
  'ring://disks/a',
  'ring://%2Frun%2Fdisk.sock/disk0',
  'ring://disks',
]) {
  it(`${address} is one`, () => {
    requireAddress(address);
  });
}

for (const address of [
  '',
  'disk.img',
  '/dev/sda',
  'tcp://',
  'tcp://host',
  'tcp://host/disk',
  'tcp://::1:7000/disk',
  'ring://',
  'ring:///disk',
  'ftp://host:21/disk',
  'memory://hub/disk',
  'tcp://ho st:7000/disk',
  'tcp://host:7000/a disk',
  'ring://disks?a/disk',
  `ring://disks/${'a'.repeat(600)}`,
]) {
  it(`${JSON.stringify(address.slice(0, 40))} is none, and is refused as wrong use`, () => {
    assert.throws(() => {
      requireAddress(address);
    }, /not an address; expected tcp:\/\/HOST:PORT\/SERVICE or ring:\/\/NAME\/SERVICE/u);
  });
}

describe('what a command takes, and what the library takes', () => {
  it('an address of a command is one of the library', () => {
    check(
      texts,
      (text) => {
        if (isForCommands(text)) assert.match(parseAddress(text).scheme, /^(?:tcp|ring)$/u);
      },
      2000,
    );
  });

  it('an address whose transport finds a place in it is one for commands', () => {
    check(
      texts,
      (text) => {
        if (hasPlace(text)) assert.ok(isForCommands(text), text);
      },
      2000,
    );
  });
});

function isForCommands(text: string): boolean {
  try {
    requireAddress(text);
    return true;
  } catch (error) {
    assert.ok(error instanceof Failure);
    return false;
  }
}

/** True if the library takes the text for an address and so does TCP, or the ring. */
function hasPlace(text: string): boolean {
  try {
    const address = parseAddress(text);
    if (address.scheme === 'tcp') return parseAuthority(address.authority) !== undefined;
    return address.scheme === 'ring' && nameOf(address) !== undefined;
  } catch (error) {
    assert.ok(error instanceof IdcError);
    return false;
  }
}
