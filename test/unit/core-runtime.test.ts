/** The real runtime: order of its queues, its clock, its random source, and its call tracker. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { describe, it } from 'node:test';
import { createRuntime, type CallTracker, type Runtime } from '../../core/runtime.js';

async function later(runtime: Runtime): Promise<void> {
  await new Promise<void>((resolve) => {
    runtime.scheduler.soon(resolve);
  });
}

describe('clock', () => {
  it('never goes back', () => {
    const { clock } = createRuntime();
    let last = clock.now();
    for (let count = 0; count < 10_000; count++) {
      const now = clock.now();
      assert(now >= last);
      last = now;
    }
  });
});

describe('wall clock', () => {
  it('tells Unix time in milliseconds', () => {
    const { clock } = createRuntime();
    const beforeMs = Date.now();
    const unixMs = clock.unixMs();
    assert(unixMs >= beforeMs && unixMs <= Date.now());
  });
});

describe('scheduler', () => {
  it('next runs after the caller and before soon; soon runs in order', async () => {
    const { scheduler } = createRuntime();
    const order: string[] = [];
    await new Promise<void>((resolve) => {
      scheduler.soon(() => order.push('soon 1'));
      scheduler.soon(() => {
        order.push('soon 2');
        resolve();
      });
      scheduler.next(() => order.push('next'));
      order.push('caller');
    });
    assert.deepEqual(order, ['caller', 'next', 'soon 1', 'soon 2']);
  });

  it('after: once, not before its delay', async () => {
    const { scheduler, clock } = createRuntime();
    for (const delayMs of [0, 1, 2.5, 10]) {
      const startMs = clock.now();
      await new Promise<void>((resolve) => {
        scheduler.after(delayMs, resolve);
      });
      // Node counts whole milliseconds from its loop's time, which may be a fraction old.
      assert(clock.now() - startMs >= delayMs - 1, `${clock.now() - startMs} < ${delayMs}`);
    }
  });

  it('cancel: the task is not run, and cancelling twice or late does no harm', async () => {
    const { scheduler } = createRuntime();
    const timer = scheduler.after(1, () => assert.fail('cancelled'));
    timer.cancel();
    timer.cancel();
    await new Promise<void>((resolve) => {
      const last = scheduler.after(5, () => {
        last.cancel();
        resolve();
      });
    });
  });
});

describe('random source', () => {
  it('fills every byte and only the given bytes', () => {
    const { prng } = createRuntime();
    const seen = new Set<string>();
    const bytes = new Uint8Array(64);
    const ored = new Uint8Array(48);
    for (let count = 0; count < 64; count++) {
      prng.fill(bytes.subarray(8, 56));
      ored.forEach((value, index) => (ored[index] = value | (bytes[8 + index] ?? 0)));
      seen.add(Buffer.from(bytes).toString('hex'));
    }
    assert.equal(seen.size, 64);
    assert(ored.every((value) => value !== 0));
    assert(bytes.subarray(0, 8).every((value) => value === 0));
    assert(bytes.subarray(56).every((value) => value === 0));
  });

  it('fractions lie in [0, 1) and spread', () => {
    const { prng } = createRuntime();
    const fractions = Array.from({ length: 2000 }, () => prng.fraction());
    assert(fractions.every((value) => value >= 0 && value < 1));
    assert(Math.min(...fractions) < 0.05 && Math.max(...fractions) > 0.95);
  });
});

describe('call tracker', () => {
  it('follows a call through what it awaits, and nothing else', async () => {
    const runtime = createRuntime();
    const tracker: CallTracker<string> = runtime.trackCalls<string>();
    const seen: (string | undefined)[] = [];
    const outside = later(runtime).then(() => seen.push(tracker.current()));
    await tracker.run('mark', async () => {
      seen.push(tracker.current());
      await later(runtime);
      seen.push(tracker.current());
    });
    await outside;
    assert.equal(tracker.current(), undefined);
    assert.deepEqual(seen.sort(), ['mark', 'mark', undefined]);
    tracker.stop();
  });

  it('does not follow a call into what it has scheduled', async () => {
    const runtime = createRuntime();
    const tracker = runtime.trackCalls<string>();
    const { scheduler } = runtime;
    const seen: (string | undefined)[] = [];
    await tracker.run('mark', () => {
      const note = (resolve: () => void) => () => {
        seen.push(tracker.current());
        resolve();
      };
      return Promise.all([
        new Promise<void>((resolve) => void scheduler.after(0, note(resolve))),
        new Promise<void>((resolve) => {
          scheduler.soon(note(resolve));
        }),
        new Promise<void>((resolve) => {
          scheduler.next(note(resolve));
        }),
      ]);
    });
    tracker.stop();
    assert.deepEqual(seen, [undefined, undefined, undefined]);
  });

  it('two trackers know nothing of each other; a stopped one answers nothing', () => {
    const runtime = createRuntime();
    const one = runtime.trackCalls<number>();
    const two = runtime.trackCalls<number>();
    one.run(1, () => {
      assert.deepEqual([one.current(), two.current()], [1, undefined]);
      one.stop();
      assert.equal(one.current(), undefined);
    });
  });
});

describe('crash', () => {
  it('ends the process with the error, from outside the caller’s try', () => {
    const module = new URL('../../core/runtime.js', import.meta.url).href;
    const program = `
      import { createRuntime } from ${JSON.stringify(module)};
      try { createRuntime().crash(new Error('the end')); } catch { console.log('caught'); }
      console.log('returned');
      setImmediate(() => console.log('lived on'));
    `;
    const child = spawnSync(process.execPath, ['--input-type=module', '--eval', program], {
      encoding: 'utf8',
    });
    assert.notEqual(child.status, 0);
    assert.equal(child.stdout, 'returned\n');
    assert.match(child.stderr, /Error: the end/);
  });
});
