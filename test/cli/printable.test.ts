import { describe, expect, it } from 'vitest';
import { printable, printableLines } from '../../src/cli/printable.ts';

describe('text from elsewhere on a terminal', () => {
  it('is spelled out where a terminal would obey it', () => {
    expect(printable('plate\u001b[2J\u0007\r')).toBe('plate\\x1b[2J\\x07\\x0d');
    expect(printable('\u009b31m')).toBe('\\x9b31m');
    expect(printable('a\u202eb\u2028c\nd')).toBe('a\\u202eb\\u2028c\\x0ad');
    expect(printable('half \ud83d')).toBe('half \\ud83d');
  });

  it('is shown as it is otherwise, and cut where it is very long', () => {
    expect(printable('Ünïcode 車両 🚚')).toBe('Ünïcode 車両 🚚');
    expect(printable('x'.repeat(300))).toBe(`${'x'.repeat(200)}…`);
  });

  it('keeps its lines where it is to have some', () => {
    expect(printableLines('a\nb\u001b\nc')).toBe('a\nb\\x1b\nc');
  });
});
