import { createReadStream, type ReadStream } from 'node:fs';
import { pipeline, Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { unreadable } from './file-error.ts';

/** The bytes of a file, unpacked, as they come. */
export interface FileBytes extends AsyncIterable<Buffer> {
  /** How far into the file, as it is stored, reading has come. */
  bytesRead(): number;
}

/** The compressed data of a file is cut off or damaged. The message is a sentence for the operator. */
export class Unpackable extends Error {}

/** What gzip begins with (RFC 1952). */
const GZIP = Buffer.from([0x1f, 0x8b]);

/**
 * Opens a file, or standard input for `-`. Unpacks it where its name ends in .gz or it begins as gzip does: what comes by
 * standard input has no name.
 * @throws StartupError, while reading, where the file cannot be read; Unpackable
 */
export function openBytes(path: string): FileBytes {
  const source: Readable & Partial<Pick<ReadStream, 'bytesRead'>> =
    path === '-' ? process.stdin : createReadStream(path);
  return { bytesRead: () => source.bytesRead ?? 0, [Symbol.asyncIterator]: () => bytesOf(source, path) };
}

async function* bytesOf(source: Readable, path: string): AsyncGenerator<Buffer> {
  try {
    if (path.endsWith('.gz')) yield* unpacked(source);
    else yield* unpackedIfPacked(source);
  } catch (error) {
    throw failureOf(error, path);
  } finally {
    source.destroy();
  }
}

async function* unpackedIfPacked(source: Readable): AsyncGenerator<Buffer> {
  const chunks = (source as AsyncIterable<Buffer>)[Symbol.asyncIterator]();
  const first = await chunks.next();
  if (first.done === true) return;
  const whole = chain(first.value, chunks);
  if (first.value.subarray(0, 2).equals(GZIP)) yield* unpacked(Readable.from(whole));
  else yield* whole;
}

async function* chain(first: Buffer, rest: AsyncIterator<Buffer>): AsyncGenerator<Buffer> {
  yield first;
  for (let next = await rest.next(); next.done !== true; next = await rest.next()) yield next.value;
}

function unpacked(source: Readable): AsyncIterable<Buffer> {
  // `pipeline` passes errors on, as `pipe` does not; they end the reading below.
  return pipeline(source, createGunzip(), () => undefined) as AsyncIterable<Buffer>;
}

function failureOf(error: unknown, path: string): unknown {
  if (!(error instanceof Error && 'code' in error)) return error;
  const code = String(error.code);
  // Z_BUF_ERROR: it ends too soon; Z_DATA_ERROR: it is no gzip, or damaged.
  if (code === 'Z_BUF_ERROR')
    return new Unpackable('The file is cut off: its compressed data ends too soon.');
  if (code.startsWith('Z_'))
    return new Unpackable('The file is damaged: its compressed data cannot be unpacked.');
  return unreadable(path, error);
}
