import { hash } from 'node:crypto';

const LANES = 4;

/** A checksum of rows, whatever their order: two runs that saw the same rows give the same text. */
export interface RowChecksum {
  /** The sum of the rows' digests, lane by lane. */
  readonly lanes: Uint32Array;
  add(row: Uint8Array): void;
}

export function openRowChecksum(): RowChecksum {
  const lanes = new Uint32Array(LANES);
  return {
    lanes,
    add(row) {
      const digest = hash('sha256', row, 'buffer');
      for (let lane = 0; lane < LANES; lane++)
        lanes[lane] = (lanes[lane] ?? 0) + digest.readUInt32LE(4 * lane);
    },
  };
}

/** The checksum of the rows of both, in 32 hexadecimal digits. */
export function checksumOf(one: RowChecksum, other: RowChecksum): string {
  const sums = one.lanes.map((sum, lane) => sum + (other.lanes[lane] ?? 0));
  return [...sums].map((sum) => sum.toString(16).padStart(8, '0')).join('');
}
