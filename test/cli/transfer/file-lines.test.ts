import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { LINE_MAX_BYTES, type Line, readLines } from '../../../src/cli/transfer/file-lines.ts';

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'waybill-lines-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function read(content: string | Buffer, name = 'lines.ndjson'): Promise<Line[]> {
  const path = join(folder, name);
  await writeFile(path, content);
  const lines: Line[] = [];
  for await (const some of readLines(path)) lines.push(...some);
  return lines;
}

const texts = (lines: readonly Line[]) => lines.map(({ bytes }) => bytes?.toString());

describe('A file read line by line', () => {
  it('gives each line as it is, however they fall on the chunks it is read in', async () => {
    const line = fc.tuple(fc.nat(40_000), fc.string({ unit: 'grapheme' })).map(([length, text]) => {
      return text.replace(/[\r\n]/g, '') + 'é'.repeat(length);
    });
    await fc.assert(
      fc.asyncProperty(
        fc.array(line, { maxLength: 12 }),
        fc.constantFrom('\n', '\r\n'),
        async (lines, end) => {
          const text = lines.map((each) => each + end).join('');
          const [plain, packed] = [await read(text), await read(gzipSync(text), 'lines.ndjson.gz')];
          expect(texts(plain)).toEqual(lines);
          expect(texts(packed)).toEqual(lines);
          expect(plain.map(({ number }) => number)).toEqual(lines.map((_, index) => index + 1));
        },
      ),
      { numRuns: 30 },
    );
  });

  it('may lack its last line end, and begin with a byte order mark', async () => {
    expect(texts(await read('\ufeffa\n\nb'))).toEqual(['a', '', 'b']);
  });

  it('gives nothing of a line that is longer than any event, and goes on behind it', async () => {
    const lines = await read(`a\n${'x'.repeat(3 * LINE_MAX_BYTES)}\nb\n${'y'.repeat(LINE_MAX_BYTES + 1)}`);
    expect(texts(lines)).toEqual(['a', undefined, 'b', undefined]);
  });

  it('is empty', async () => {
    expect(await read('')).toEqual([]);
  });
});
