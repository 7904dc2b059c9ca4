import { Timestamp, UUID } from 'mongodb';
import {
  type LogPosition,
  MAX_AHEAD,
  type ShownAhead,
  type StampedPlace,
  type UnstampedPlace,
} from './position.ts';

// A position as a client keeps it, in bytes: what it says, the last event without a stamp, the last settled place, and
// 24 bytes of each event that was shown ahead of it.

const VERSION = 1;
const HAS_UNSTAMPED = 1;
const HAS_SETTLED = 2;
const HEAD_BYTES = 2;
const UNSTAMPED_BYTES = 24;
const SETTLED_BYTES = 32;
const AHEAD_BYTES = 24;

/** A position in the log as opaque text. */
export function positionText({ unstamped, settled, ahead }: LogPosition): string {
  const parts: Uint8Array[] = [
    Uint8Array.of(VERSION, (unstamped ? HAS_UNSTAMPED : 0) | (settled ? HAS_SETTLED : 0)),
  ];
  const number = (value: bigint): void => void parts.push(Buffer.from(BigInt64Array.of(value).buffer));
  if (unstamped !== undefined) {
    number(BigInt(unstamped.recordedAt.getTime()));
    parts.push(unstamped.id.buffer);
  }
  if (settled !== undefined) {
    number(settled.loggedAt.toBigInt());
    number(BigInt(settled.recordedAt.getTime()));
    parts.push(settled.id.buffer);
  }
  for (const { loggedAt, id } of ahead) {
    number(loggedAt.toBigInt());
    parts.push(id.buffer);
  }
  return Buffer.concat(parts).toString('base64url');
}

/** The position that a client has kept. @returns undefined for a text that is none */
export function positionOf(text: string): LogPosition | undefined {
  const bytes = Buffer.from(text, 'base64url');
  return bytes[0] === VERSION ? positionIn(bytes) : undefined;
}

function positionIn(bytes: Buffer): LogPosition | undefined {
  const parts = bytes[1] ?? 0;
  const headBytes =
    HEAD_BYTES +
    ((parts & HAS_UNSTAMPED) === 0 ? 0 : UNSTAMPED_BYTES) +
    ((parts & HAS_SETTLED) === 0 ? 0 : SETTLED_BYTES);
  const shown = (bytes.length - headBytes) / AHEAD_BYTES;
  if (parts > (HAS_UNSTAMPED | HAS_SETTLED) || !Number.isInteger(shown) || shown < 0 || shown > MAX_AHEAD)
    return undefined;
  let at = HEAD_BYTES;
  const take = (length: number): Buffer => {
    at += length;
    return bytes.subarray(at - length, at);
  };
  const date = (): Date => new Date(Number(take(8).readBigInt64LE()));
  const stamp = (): Timestamp => new Timestamp(take(8).readBigUInt64LE());
  // A copy: the driver would write all of the cursor where it is given a view.
  const id = (): UUID => new UUID(Uint8Array.from(take(16)));
  let [unstamped, settled]: [UnstampedPlace | undefined, StampedPlace | undefined] = [undefined, undefined];
  if ((parts & HAS_UNSTAMPED) !== 0) unstamped = { recordedAt: date(), id: id() };
  if ((parts & HAS_SETTLED) !== 0) settled = { loggedAt: stamp(), recordedAt: date(), id: id() };
  const ahead: ShownAhead[] = Array.from({ length: shown }, () => ({ loggedAt: stamp(), id: id() }));
  const dates = [unstamped?.recordedAt, settled?.recordedAt];
  if (dates.some((each) => each !== undefined && Number.isNaN(each.getTime()))) return undefined;
  return { unstamped, settled, ahead };
}
