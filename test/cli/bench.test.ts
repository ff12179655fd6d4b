/** `idc bench`: not what it measures, but that it does, and that it ends. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { run } from './idc.js';

interface Row {
  readonly medium: string;
  readonly what: string;
  readonly figure: string;
  readonly value: number;
  readonly unit: string;
}

describe('idc bench', () => {
  it('measures everything over every transport, for a program to read', async () => {
    const bench = run('bench', '--run-ms', '20', '--json');
    assert.equal(await bench.end(), 0, bench.errors);
    assert.match(bench.output, /^\{.*\}\n$/u);
    // What it holds is checked below.
    const { rows, runMs } = JSON.parse(bench.output) as { rows: Row[]; runMs: number };
    assert.equal(runMs, 20);
    for (const medium of ['memory', 'ring', 'tcp']) {
      const own = rows.filter((row) => row.medium === medium);
      assert.deepEqual(
        own.map(({ figure, unit }) => `${figure} ${unit}`),
        ['p50 us', 'p99 us', 'rate transactions/s', 'rate messages/s', 'rate GB/s', 'rate GB/s'],
      );
      for (const { value, what } of own) assert(Number.isFinite(value) && value > 0, what);
      assert((own[0]?.value ?? 0) <= (own[1]?.value ?? 0));
    }
  });

  it('prints a line for each figure, as they come', async () => {
    const bench = run('bench', '--run-ms', '20', '--only', 'tcp');
    assert.equal(await bench.end(), 0, bench.errors);
    assert.match(bench.output, /^tcp: loopback, with a child process\n( {2}\S.* \S+\/?s\n){6}$/u);
  });

  it('ends when it is interrupted, and leaves no child behind', async () => {
    const bench = run('bench', '--run-ms', '60000', '--only', 'ring');
    await bench.prints(/^(ring): shared memory/u);
    bench.child.kill('SIGINT');
    // Which waits for the child, too: it has the same standard error.
    assert.equal(await bench.end(), 1);
  });

  it('takes no transport that there is not, and no time that never ends', async () => {
    const none = run('bench', '--only', 'pigeon');
    assert.notEqual(await none.end(), 0);
    assert.match(none.errors, /Allowed choices are memory, ring, tcp/u);
    const endless = run('bench', '--run-ms', 'forever');
    assert.notEqual(await endless.end(), 0);
    assert.match(endless.errors, /from 1 to 60000/u);
  });

  it('says in one line where its peer cannot listen', async () => {
    const first = run('bench-peer', 'tcp://127.0.0.1:0/bench');
    const taken = await first.prints(/^(tcp:.*)$/mu);
    const second = run('bench-peer', taken);
    assert.equal(await second.end(), 1);
    assert.equal(second.errors, `idc: cannot listen at ${taken}: addressInUse\n`);
    first.child.stdin?.end();
    assert.equal(await first.end(), 0, first.errors);
    const nowhere = run('bench-peer', 'nowhere');
    assert.equal(await nowhere.end(), 2);
    assert.match(nowhere.errors, /^idc: nowhere: not an address; .*\n$/u);
  });
});
