import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { FileRow } from '../../../../src/cli/transfer/positions/fix.ts';
import {
  openPositionFile,
  type PositionFileOptions,
} from '../../../../src/cli/transfer/positions/position-file.ts';

/** The rows of a file with this content. */
export async function read(
  content: string | Buffer,
  options: Partial<PositionFileOptions> = {},
  name = 'positions',
): Promise<FileRow[]> {
  const folder = await mkdtemp(join(tmpdir(), 'waybill-positions-'));
  try {
    await writeFile(join(folder, name), content);
    return await readAll(join(folder, name), options);
  } finally {
    await rm(folder, { recursive: true });
  }
}

export async function readAll(path: string, options: Partial<PositionFileOptions> = {}): Promise<FileRow[]> {
  const rows: FileRow[] = [];
  for await (const row of openPositionFile(path, { columns: {}, ...options })) rows.push(row);
  return rows;
}

export const fixOf = (row: FileRow | undefined) => (row !== undefined && 'fix' in row ? row.fix : row);
export const faultOf = (row: FileRow | undefined) =>
  row !== undefined && 'fault' in row ? row.fault : undefined;
export const leftOutOf = (row: FileRow | undefined) =>
  row !== undefined && 'fix' in row ? row.leftOut : undefined;
/** The lines of faults, with what is wrong there. */
export const faultsIn = (rows: readonly FileRow[]) =>
  rows.filter((row) => 'fault' in row).map((row) => [row.line, faultOf(row)]);
