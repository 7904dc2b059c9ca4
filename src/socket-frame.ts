import { Buffer } from 'node:buffer';

/** A final frame of text: what a server sends is not masked (RFC 6455, section 5.2). */
const FINAL_TEXT = 0x81;
/** Frames up to this size are made in one place. */
const DESK_BYTES = 16_384;

/** Where frames are made that leave at once: a buffer for each would be most of what the collector has to do. */
let desk = Buffer.allocUnsafeSlow(DESK_BYTES);

/**
 * Makes a frame of two parts of a text.
 * @param keeps true where the frame has to wait; else it holds until the next one is made, unless `isTaken`
 */
export function frameOf(begin: Buffer, rest: Buffer, keeps: boolean): Buffer {
  const length = begin.length + rest.length;
  const head = length < 126 ? 2 : length < 65_536 ? 4 : 10;
  const size = head + length;
  const frame = keeps || size > DESK_BYTES ? Buffer.allocUnsafe(size) : desk.subarray(0, size);
  frame[0] = FINAL_TEXT;
  if (head === 2) frame[1] = length;
  else if (head === 4) {
    frame[1] = 126;
    frame.writeUInt16BE(length, 2);
  } else {
    frame[1] = 127;
    frame.writeBigUInt64BE(BigInt(length), 2);
  }
  frame.set(begin, head);
  frame.set(rest, head + begin.length);
  return frame;
}

/** The last frame has not left at once, and needs its bytes for longer. */
export function isTaken(): void {
  desk = Buffer.allocUnsafeSlow(DESK_BYTES);
}
