import { type Db, type Filter, UUID } from 'mongodb';
import type { StoredEvent } from '../event.ts';
import type { Log } from '../log/log.ts';
import { checkpointIn, type SegmentKind } from './checkpoint.ts';
import { pathOf } from './merkle.ts';
import { bytesOf, placeOfRaw } from './raw-leaf.ts';
import { hashesIn, segmentWith } from './segment.ts';

/** That an event is in the log, for whoever has the public key. */
export interface EventProof {
  readonly eventId: string;
  /** The event as the database stores it, in BSON. */
  readonly leaf: Uint8Array;
  /** Absent while it is not sealed. */
  readonly inclusion?: Inclusion;
}

export interface Inclusion {
  readonly segment: number;
  readonly kind: SegmentKind;
  readonly sealedAt: Date;
  /** The leaf's place in the tree, from 0; before the events stands the checkpoint before. */
  readonly index: number;
  /** How many leaves there are. */
  readonly size: number;
  /** The hashes beside the leaf's way to the root, from the bottom up. */
  readonly path: readonly Uint8Array[];
  /** The signed checkpoint, with the root. */
  readonly checkpoint: string;
}

/** @returns undefined where the tenant has no such event @throws what MongoDB throws */
export async function proveEvent(
  { db, events }: Pick<Log, 'db' | 'events'>,
  tenantId: string,
  eventId: string,
): Promise<EventProof | undefined> {
  const found: unknown = await events.findOne({ _id: new UUID(eventId), tenantId } as Filter<StoredEvent>, {
    raw: true,
  });
  if (found === null) return undefined;
  const leaf = bytesOf(found);
  const inclusion = await inclusionOf(db, tenantId, eventId, leaf);
  return { eventId, leaf, ...(inclusion === undefined ? {} : { inclusion }) };
}

async function inclusionOf(
  db: Db,
  tenantId: string,
  eventId: string,
  leaf: Uint8Array,
): Promise<Inclusion | undefined> {
  const { stamp } = placeOfRaw(leaf);
  const found = await segmentWith(db, tenantId, stamp, eventId.replaceAll('-', ''));
  const checkpoint = found && checkpointIn(found.segment.checkpoint);
  if (found === undefined || checkpoint === undefined) return undefined;
  const { segment, at } = found;
  const leaves = [checkpoint.previous, ...hashesIn(segment)];
  const index = at + 1;
  return {
    segment: segment.segment,
    kind: segment.kind,
    sealedAt: checkpoint.sealedAt,
    index,
    size: leaves.length,
    path: pathOf(leaves, index),
    checkpoint: segment.checkpoint,
  };
}
