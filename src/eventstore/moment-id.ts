import { hash } from 'node:crypto';
import { UUID } from 'mongodb';

const LARGEST_48_BITS = 2 ** 48 - 1;

/**
 * The id of a fact that its name and moment identify: a UUIDv8 (RFC 9562) with the moment in the leading 48 bits, in
 * milliseconds, and 74 bits of the name's SHA-256 behind it. Ids sort by their moment, so the `_id` index grows at its
 * right edge however many such facts there are; the same fact has the same id in any process at any time.
 * @param name what tells the fact from all others, its moment included
 */
export function momentId(name: string, moment: Date): UUID {
  // By way of a text, into the pool of small buffers: one of its own costs more than its making when it is collected.
  const id = Buffer.from(hash('sha256', name, 'hex').slice(0, 32), 'hex');
  // Clocks before 1970 and after 10889 are off by more than an index cares about; the hash still tells them apart.
  id.writeUIntBE(Math.min(Math.max(moment.getTime(), 0), LARGEST_48_BITS), 0, 6);
  id[6] = 0x80 | (id.readUInt8(6) & 0x0f);
  id[8] = 0x80 | (id.readUInt8(8) & 0x3f);
  return new UUID(id);
}
