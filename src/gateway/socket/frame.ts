import { Buffer } from 'node:buffer';

/** A final frame of text: what a server sends is not masked (RFC 6455, section 5.2). */
const FINAL_TEXT = 0x81;
/** Frames up to this size are made in one place. */
const DESK_BYTES = 16_384;

/** Where frames are made that leave at once: a buffer for each would be most of what the collector has to do. */
let desk = Buffer.allocUnsafeSlow(DESK_BYTES);

/**
 * Makes a frame of each text, one behind another.
 * @param begin what every text begins with
 * @param keeps true where the frames have to wait; else they hold until the next are made, unless `areTaken`
 */
export function framesOf(begin: Buffer, rests: readonly Buffer[], keeps: boolean): Buffer {
  let size = 0;
  for (const rest of rests) size += headBytes(begin.length + rest.length) + begin.length + rest.length;
  const frames = keeps || size > DESK_BYTES ? Buffer.allocUnsafe(size) : desk.subarray(0, size);
  let at = 0;
  for (const rest of rests) {
    at = writeHead(frames, at, begin.length + rest.length);
    frames.set(begin, at);
    frames.set(rest, at + begin.length);
    at += begin.length + rest.length;
  }
  return frames;
}

function headBytes(length: number): number {
  if (length < 126) return 2;
  return length < 65_536 ? 4 : 10;
}

/** @returns where the text begins */
function writeHead(frames: Buffer, at: number, length: number): number {
  const head = headBytes(length);
  frames[at] = FINAL_TEXT;
  if (head === 2) frames[at + 1] = length;
  else if (head === 4) {
    frames[at + 1] = 126;
    frames.writeUInt16BE(length, at + 2);
  } else {
    frames[at + 1] = 127;
    frames.writeBigUInt64BE(BigInt(length), at + 2);
  }
  return at + head;
}

/** The last frames have not left at once, and need their bytes for longer. */
export function areTaken(): void {
  desk = Buffer.allocUnsafeSlow(DESK_BYTES);
}
