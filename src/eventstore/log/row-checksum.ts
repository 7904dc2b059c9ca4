import { hash } from 'node:crypto';

/** 32-bit words of a digest that are summed, each by itself. */
const WORDS = 4;

/** A checksum of rows, whatever their order: two runs that saw the same rows give the same text. */
export interface RowChecksum {
  /** The sum of the rows' digests, word by word. */
  readonly sums: Uint32Array;
  add(row: Uint8Array): void;
}

export function openRowChecksum(): RowChecksum {
  const sums = new Uint32Array(WORDS);
  return {
    sums,
    add(row) {
      const digest = hash('sha256', row, 'buffer');
      for (let word = 0; word < WORDS; word++) sums[word] = (sums[word] ?? 0) + digest.readUInt32LE(4 * word);
    },
  };
}

/** The checksum of the rows of both, in 32 hexadecimal digits. */
export function checksumOf(one: RowChecksum, other: RowChecksum): string {
  const both = one.sums.map((sum, word) => sum + (other.sums[word] ?? 0));
  return [...both].map((sum) => sum.toString(16).padStart(8, '0')).join('');
}
