/** `idc block`: the commands for block devices. */
import type { Command } from 'commander';
import { addBlockCopy } from './block-copy.js';
import { addBlockInfo } from './block-info.js';
import { addBlockNbd } from './block-nbd.js';
import { addBlockServe } from './block-serve.js';

export function addBlock(program: Command): void {
  const block = program
    .command('block')
    .description('serve, copy and look at block devices')
    .addHelpText('after', '\nExample:\n  idc block copy disk.img tcp://127.0.0.1:7000/disk');
  addBlockServe(block);
  addBlockCopy(block);
  addBlockInfo(block);
  addBlockNbd(block);
}
