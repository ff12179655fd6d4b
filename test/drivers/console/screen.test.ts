/** The parts that decide what somebody sees who comes late: tail, scanner, and model. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { findModels, ModelScreen } from '../../../drivers/console/model-screen.js';
import { OutputTail } from '../../../drivers/console/output-tail.js';
import { SequenceScanner } from '../../../drivers/console/sequence-scanner.js';

const size = { columns: 40, rows: 10 };
const models = findModels();

function makeModel(): ModelScreen {
  if (typeof models === 'string') throw new Error(models);
  const nothing = (): void => undefined;
  const tail = new OutputTail(1);
  return new ModelScreen(models, { size, tail, progressed: nothing, answered: nothing });
}

async function draw(...parts: readonly (string | Uint8Array)[]): Promise<string> {
  const model = makeModel();
  for (const part of parts) model.show(typeof part === 'string' ? Buffer.from(part) : part);
  const { bytes } = await model.draw();
  model.close();
  return Buffer.from(bytes).toString();
}

describe('OutputTail', () => {
  it('is the end of everything that was appended, by position', () => {
    const pieces = fc.array(fc.uint8Array({ maxLength: 40 }), { maxLength: 20 });
    fc.assert(
      fc.property(pieces, fc.nat(400), fc.nat(40), (parts, position, byteLength) => {
        const tail = new OutputTail(32);
        for (const part of parts) tail.append(part);
        const all = Buffer.concat(parts);
        assert.equal(tail.end, all.length);
        assert.equal(tail.start, Math.max(0, all.length - 32));
        const read = tail.read(position, byteLength);
        if (position < tail.start || position > tail.end) assert.equal(read, undefined);
        else
          assert.deepEqual(Buffer.from(read ?? []), all.subarray(position, position + byteLength));
      }),
    );
  });
});

describe('SequenceScanner', () => {
  /** The lengths after which the text may be cut. */
  function cuts(text: string): number[] {
    const scanner = new SequenceScanner();
    const bytes = Buffer.from(text);
    return [...bytes.keys()].filter((at) => scanner.scan(bytes.subarray(at, at + 1)) === 1);
  }

  for (const [label, text] of [
    ['a character of UTF-8', '€'],
    ['one outside the first plane', '𝄞'],
    ['colours', '\u001B[38;5;196m'],
    ['a private mode', '\u001B[?1049h'],
    ['a character set', '\u001B(B'],
    ['a title that ends with BEL', '\u001B]0;title\u0007'],
    ['a title that ends with ST', '\u001B]0;a [ b\u001B\\'],
    ['a device string', '\u001BP1$tx\u001B\\'],
    ['a sequence in a text that was never ended', '\u001B]0;x\u001B[1m'],
  ] as const) {
    it(`does not cut ${label}`, () => {
      const byteLength = Buffer.byteLength(text);
      assert.deepEqual(cuts(`a${text}b`), [0, byteLength, byteLength + 1]);
    });
  }

  it('what ends a sequence early ends it', () => {
    assert.deepEqual(cuts('\u001B[3\u0018a'), [3, 4]);
    assert.deepEqual(cuts('\u001B]0;t\u001Aa'), [5, 6]);
  });
});

describe('ModelScreen', () => {
  const words = ['word ', '\r\n', '€', '\u001B[31m', '\u001B[0m', '\u001B[3;7H', '\u001B[K', '𝄞x'];
  const [enter, leave] = ['\u001B[?1049h', '\u001B[?1049l'];
  const rare = [enter, leave, '\u001B[?25l', '\u001B[2;5r', '\u001B[L', '\t'];

  /** Without what leaves the other screen on the first: it restores a cursor, which may be lost. */
  function leavingOnce(list: readonly string[]): string[] {
    let isOther = false;
    return list.filter((word) => {
      const isKept = word !== leave || isOther;
      isOther = word === enter || (isOther && word !== leave);
      return isKept;
    });
  }

  /** What the property has failed with. */
  const found: [string[], number][] = [
    [[enter, '\u001B[31m', leave], 0.62],
    [['x'.repeat(size.columns), '\u001B[3;7H', '\u001B[J'], 0.94],
    [['x'.repeat(size.columns), enter, 'word '], 0.925],
    [['\r\n'.repeat(3), '\u001B[2;5r', '\u001B[?6h', '\r\n', '€', 'word '], 0.9],
  ];

  it('a drawing, and what came after it, is as if one had seen everything', async () => {
    const texts = fc
      .array(fc.constantFrom(...words, ...words, ...rare), { maxLength: 60 })
      .map(leavingOnce);
    await fc.assert(
      fc.asyncProperty(texts, fc.double({ min: 0, max: 1, noNaN: true }), async (list, share) => {
        const all = Buffer.from(list.join(''));
        const at = Math.floor(share * all.length);
        const model = makeModel();
        model.show(all.subarray(0, at));
        const { bytes, position } = await model.draw();
        model.close();
        assert(position <= at);
        const seen = await draw(all);
        assert.equal(await draw(bytes, all.subarray(position)), seen);
      }),
      { numRuns: 200, examples: found },
    );
  });

  it('colours of the screen behind another one do not shine through', async () => {
    const text = '\u001B[31mbehind\u001B[?1049h\u001B[0mword \u001B[31mword ';
    const seen = await draw(text);
    assert.equal(await draw(seen), seen);
    assert.equal(await draw(seen, 'more'), await draw(text, 'more'));
  });

  it('a cursor that waits behind the last column waits there in a drawing', async () => {
    const [row, region] = ['x'.repeat(size.columns), '\u001B[2;5r'];
    for (const text of [
      `${region}${row}`,
      `${enter}${region}\u001B[1;2;3;4;5;7;8;9;53;95;48;5;77m${row}\u001B[38;2;1;2;3m`,
      `${region}${row.slice(1)}\u001B[D\u001B[31m\u3042`,
      `\r\n\r\nbelow\u001B[H\u001B[31m${row}\u001B[0m`,
      `${row}${enter}`,
      `${row}\u001B[44m\u001B[2K`,
    ]) {
      const seen = await draw(text);
      for (const after of ['', 'more'])
        assert.equal(await draw(seen, after), await draw(text, after), JSON.stringify(text));
    }
  });

  it('the background of empty rows is drawn', async () => {
    const rows = '\r\n'.repeat(size.rows);
    for (const sets of ['44', '103', '48;5;200', '48;2;1;2;3'])
      for (const before of ['', '\u001B[?1049h', rows]) {
        const seen = await draw(`${before}\u001B[${sets}m\u001B[2J\u001B[Hword `);
        // Another word at the end of the screen has the package draw all rows above it.
        const end = `\u001B[0m\u001B[${size.rows};3Hend`;
        const all = await draw(`${before}\u001B[${sets}m\u001B[2J\u001B[Hword ${end}`);
        assert.equal(await draw(seen), seen);
        assert.equal(await draw(seen, end), all);
      }
  });

  it('the screen behind another one has its own colours when it comes back', async () => {
    const text = '\u001B[1;34mbehind\u001B[?1049h\u001B[0;31mword ';
    const seen = await draw(text);
    for (const after of ['', 'more', '\u001B[?1049l', '\u001B[?1049lmore', '\u001B[?1047lmore'])
      assert.equal(await draw(seen, after), await draw(text, after));
  });

  it('its colours may have been saved before it was left', async () => {
    for (const [saves, enters, leaves, restores] of [
      ['\u001B7', '\u001B[?47h', '\u001B[?47l', '\u001B8'],
      ['\u001B[s', '\u001B[?1047h', '\u001B[?1047l', '\u001B[u'],
      ['\u001B[?1048h', '\u001B[?1047h', '\u001B[?1047l', '\u001B[?1048l'],
    ] as const) {
      const text = `\u001B[1;34mbehind${saves}\u001B[0m${enters}word `;
      const after = `${leaves}${restores}more`;
      assert.equal(await draw(await draw(text), after), await draw(text, after));
    }
  });

  it('each screen keeps a region of its own', async () => {
    const text = '\u001B[2;5r\u001B[?1049hword ';
    const seen = await draw(text);
    assert.equal(await draw(seen, '\u001B[L'), await draw(text, '\u001B[L'));
    const [back, down] = ['\u001B[3;4r\u001B[?1049l', '\r\n'.repeat(7)];
    assert.equal(await draw(seen, back, down), await draw(text, back, down));
  });

  it('a soft reset leaves the other screen and the mouse as they are', async () => {
    const text = `\u001B[31m\u001B[2;5r${enter}\u001B[3;4r\u001B[?1000;1006h\u001B[?25l\u001B[!p`;
    const seen = await draw(text);
    assert.match(seen, /\u001B\[\?1006h$/u);
    const [out, down] = [`${leave}more`, `\u001B[L${'\r\n'.repeat(7)}`];
    for (const after of [down, `${out}${down}`])
      assert.equal(await draw(seen, after), await draw(text, after));
  });

  it('a sequence without an end is not held for ever', async () => {
    const model = makeModel();
    model.show(Buffer.from(`\u001B]0;${'x'.repeat(100_000)}`));
    const { position } = await model.draw();
    assert.equal(position, 100_004);
    model.close();
  });

  it('a hidden cursor, a region and mouse reports are drawn, too', async () => {
    assert.match(await draw('\u001B[?25l'), /\u001B\[\?25l$/u);
    assert.doesNotMatch(await draw('\u001B[?25l\u001B[?25h'), /\u001B\[\?25/u);
    assert.match(await draw('\u001B[2;5r'), /\u001B\[2;5r\u001B\[1;1H$/u);
    assert.match(await draw('\u001B[?1000h\u001B[?1006h'), /\u001B\[\?1006h$/u);
    assert.doesNotMatch(await draw('\u001B[2;5r\u001B[?25l\u001Bc'), /\u001B\[(\?25l|2;5r)/u);
  });
});
