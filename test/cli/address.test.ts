/** What a command takes for an address before it looks for anybody there. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { requireAddress } from '../../cli/address.js';

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
]) {
  it(`${JSON.stringify(address)} is none, and is refused as wrong use`, () => {
    assert.throws(() => {
      requireAddress(address);
    }, /not an address; expected tcp:\/\/HOST:PORT\/SERVICE or ring:\/\/NAME\/SERVICE/u);
  });
}
