import { Buffer } from 'node:buffer';

/** A final frame of text: what a server sends is not masked (RFC 6455, section 5.2). */
const FINAL_TEXT = 0x81;
/** Frames up to this size are made in a buffer that is used again. */
const SCRATCH_BYTES = 16_384;

/** Nearly all frames leave at once, so that the next may be made over them. A buffer for each would keep the collector busy. */
let scratch = Buffer.allocUnsafeSlow(SCRATCH_BYTES);

/**
 * Makes a frame of each text, one behind another.
 * @param begin what every text begins with
 * @param waits true where frames of before still wait, so that these will, too: they get a buffer of their own
 * @returns the frames; unless they wait, they hold only until the next are made, or for good once `keepFrames` is called
 */
export function framesOf(begin: Buffer, rests: readonly Buffer[], waits: boolean): Buffer {
  let size = 0;
  for (const rest of rests) size += headBytes(begin.length + rest.length) + begin.length + rest.length;
  const frames = waits || size > SCRATCH_BYTES ? Buffer.allocUnsafe(size) : scratch.subarray(0, size);
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

/**
 * To be called where the frames made last have not left at once: a stream holds them, so that the next frames must be made in
 * another buffer.
 */
export function keepFrames(): void {
  scratch = Buffer.allocUnsafeSlow(SCRATCH_BYTES);
}
