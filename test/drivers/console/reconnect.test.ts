/** A connection that is cut in the middle of the output, again and again. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { Proxy } from './proxy.js';
import { ScriptedProgram } from './scripted-program.js';
import { eventually, listMedia, Onlooker, Stage } from './stage.js';

const cuts = 10;

describe('a console behind a connection that is cut', () => {
  const medium = listMedia('cut').find(({ name }) => name === 'tcp');
  assert(medium !== undefined);
  const stage = new Stage(medium);
  const program = new ScriptedProgram();
  let proxy: Proxy;

  before(async () => {
    await stage.serve({ start: program.start });
    proxy = await Proxy.before(stage.address);
  });

  after(async () => {
    await stage.close();
    await proxy.close();
  });

  function attach(): Onlooker {
    return new Onlooker(stage.makeDomain('front'), proxy.addressOf('console'));
  }

  it('goes on where it was: nothing is missed, nothing is shown twice', async () => {
    const front = attach();
    await front.until(({ views }) => views.length > 0);
    let printed = '';
    const print = (text: string): void => {
      printed += text;
      program.print(text);
    };
    for (let round = 1; round <= cuts; round++) {
      for (let count = 0; count < 200; count++) print(`${round}.${count} `);
      proxy.cut();
      for (let count = 200; count < 400; count++) print(`${round}.${count} `);
      await front.until(({ views }) => views.length > round);
    }
    print('over');
    await front.sees('over');
    assert.equal(front.shown, printed);
    assert.equal(front.lostCount, cuts);
    assert(front.views.slice(1).every(({ continues, mode }) => continues && mode === 'write'));
    await front.attachment.write(Buffer.from('typed'));
    assert.equal(program.typed, 'typed');
    await front.attachment.close();
  });

  it('shows the screen instead if too much has happened meanwhile', async () => {
    const front = attach();
    await front.sees('over');
    program.print('\r\nearlier');
    await front.sees('earlier');
    const isLost = front.until(({ lostCount }) => lostCount > 0);
    proxy.cut();
    await isLost;
    program.print('\r\nmuch'.repeat(256 * 1024));
    program.print('\r\nlater');
    await front.sees('later');
    assert.equal(front.views.at(-1)?.isNewSession, false);
    assert.equal(front.attachment.mode, 'write');
    await front.attachment.close();
  });

  it('who comes back and finds another writer views from there on', async () => {
    const front = attach();
    await front.until(({ views }) => views.length > 0);
    const isLost = front.until(({ lostCount }) => lostCount > 0);
    // Without the proxy, so that it is there while the other is not.
    const heir = stage.attach({ takeOver: true });
    await front.until(({ takenOverCount }) => takenOverCount > 0);
    proxy.cut();
    await isLost;
    await front.until(({ views }) => views.length > 1);
    assert.equal(front.attachment.mode, 'view');
    await heir.attachment.close();
    await front.attachment.close();
    await eventually(() => !program.isPaused);
  });
});
