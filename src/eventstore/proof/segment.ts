import type { Binary, Collection, Db, Timestamp } from 'mongodb';
import type { StampedPlace, UnstampedPlace } from '../log/position.ts';
import type { IndexSpec } from '../projection.ts';
import type { SegmentKind } from './checkpoint.ts';
import { HASH_BYTES } from './merkle.ts';

/** How far the log of a tenant is sealed: everything up to here is in a segment, or slipped in. */
export interface SealedPlace {
  /** The last event without a stamp, where there were any: they come first. */
  readonly unstamped?: UnstampedPlace;
  readonly stamped?: StampedPlace;
}

/** Some events of a tenant, sealed together. Never changed, only added. */
export interface Segment {
  /** `tenantId/segment`. */
  readonly _id: string;
  readonly tenantId: string;
  readonly segment: number;
  readonly kind: SegmentKind;
  /** How far the log is sealed with it. */
  readonly upTo: SealedPlace;
  /** The stamps between which those of its events lie; (0, 1) stands for none. */
  readonly low: Timestamp;
  readonly high: Timestamp;
  /** The ids of its events in the order of the leaves, 16 bytes each. */
  readonly ids: Binary;
  /** Their leaves' hashes, 32 bytes each. */
  readonly hashes: Binary;
  /** The signed checkpoint. */
  readonly checkpoint: string;
}

export const SEGMENTS = 'proof_segments';
export const ID_BYTES = 16;

export const SEGMENT_INDEXES: readonly IndexSpec[] = [
  {
    keys: { tenantId: 1, segment: 1 },
    unique: true,
    serves: "a tenant's segments in order; one of each number, also where two processes seal",
  },
  { keys: { tenantId: 1, high: 1 }, serves: 'in which segment an event is' },
];

export function segmentsOf(db: Db): Collection<Segment> {
  return db.collection<Segment>(SEGMENTS, {
    readConcern: { level: 'majority' },
    writeConcern: { w: 'majority', journal: true },
  });
}

export function segmentId(tenantId: string, segment: number): string {
  return `${tenantId}/${segment}`;
}

/** The newest segment of a tenant. */
export function lastSegment(db: Db, tenantId: string): Promise<Segment | null> {
  return segmentsOf(db).findOne({ tenantId }, { sort: { segment: -1 } });
}

/** Parts of equal length. */
export function partsOf(bytes: Uint8Array, length: number): Uint8Array[] {
  return Array.from({ length: bytes.length / length }, (_, index) =>
    bytes.subarray(index * length, (index + 1) * length),
  );
}

/** The ids of a segment's events, in hex. */
export function idsIn({ ids }: Pick<Segment, 'ids'>): string[] {
  return partsOf(ids.buffer, ID_BYTES).map((id) => Buffer.from(id).toString('hex'));
}

export function hashesIn({ hashes }: Pick<Segment, 'hashes'>): Uint8Array[] {
  return partsOf(hashes.buffer, HASH_BYTES);
}

/** The segment that has an event, and the event's place in it from 0; by its stamp, since ids are not in an index. */
export async function segmentWith(
  db: Db,
  tenantId: string,
  stamp: Timestamp,
  idHex: string,
): Promise<{ readonly segment: Segment; readonly at: number } | undefined> {
  const around = { tenantId, high: { $gte: stamp }, low: { $lte: stamp } };
  for await (const segment of segmentsOf(db).find(around).sort({ high: 1 })) {
    const at = idsIn(segment).indexOf(idHex);
    if (at >= 0) return { segment, at };
  }
  return undefined;
}
