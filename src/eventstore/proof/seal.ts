import { Binary } from 'mongodb';
import { isDuplicateKey, isWriteConflict } from '../faults.ts';
import { timelinesOf } from '../timeline.ts';
import { transact } from '../transact.ts';
import { type Checkpoint, checkpointIn, checkpointText, type SegmentKind } from './checkpoint.ts';
import { openImported } from './imported.ts';
import type { Signer } from './keys.ts';
import { leafHash, rootOf } from './merkle.ts';
import { lastSegment, type Segment, segmentId, segmentsOf } from './segment.ts';
import { type Leaves, readSettled, type SealStore } from './settled-events.ts';

/** The most events of a segment. */
export const SEGMENT_EVENTS = 10_000;

/**
 * Seals what a tenant has recorded since, as one segment; what was imported behind what is sealed, as one more. Two processes
 * may do it at once: one of them is faster.
 * @returns the events sealed
 */
export async function sealNext(
  store: SealStore,
  signer: Signer,
  tenantId: string,
  limit = SEGMENT_EVENTS,
): Promise<number> {
  const { db } = store;
  const before = await lastSegment(db, tenantId);
  const recorded = await readSettled(store, tenantId, before?.upTo ?? {}, limit);
  if (recorded !== undefined) await put(store, segmentOf(store, signer, tenantId, before, 'log', recorded));
  const imported = await openImported(store, tenantId, limit);
  if (imported === undefined) return recorded?.ids.length ?? 0;
  const last = await lastSegment(db, tenantId);
  if (last === null) return 0;
  const { leaves, done } = imported;
  const segment =
    leaves && segmentOf(store, signer, tenantId, last, 'import', { ...leaves, upTo: last.upTo });
  await put(store, segment, done);
  return (recorded?.ids.length ?? 0) + (leaves?.ids.length ?? 0);
}

function segmentOf(
  { clock, timeline }: SealStore,
  signer: Signer,
  tenantId: string,
  before: Segment | null,
  kind: SegmentKind,
  { ids, hashes, low, high, upTo }: Leaves,
): Segment {
  const segment = (before?.segment ?? 0) + 1;
  const previous = leafHash(Buffer.from(before?.checkpoint ?? ''));
  const earlier = before === null ? undefined : checkpointIn(before.checkpoint)?.timeline;
  const checkpoint: Checkpoint = {
    tenantId,
    size: hashes.length + 1,
    root: rootOf([previous, ...hashes]),
    segment,
    kind,
    previous,
    timeline: timeline.id,
    ...(earlier === undefined || earlier === timeline.id ? {} : { restoredFrom: earlier }),
    sealedAt: new Date(clock.now()),
  };
  return {
    _id: segmentId(tenantId, segment),
    tenantId,
    segment,
    kind,
    upTo,
    low,
    high,
    ids: new Binary(Buffer.concat(ids)),
    hashes: new Binary(Buffer.concat(hashes)),
    checkpoint: signer.sign(checkpointText(checkpoint)),
  };
}

/** The log is no longer the one that this process opened: what it would sign is of another course. */
export class OtherTimeline extends Error {
  override readonly name = 'OtherTimeline';
}

/** @param done what was announced and is sealed with it, or was sealed before */
async function put(
  { client, db, timeline }: SealStore,
  segment: Segment | undefined,
  done?: (session: Parameters<Parameters<typeof transact>[1]>[0]) => Promise<void>,
): Promise<void> {
  try {
    await transact(client, async (session) => {
      const known = await timelinesOf(db).findOne({ _id: 'log', id: timeline.id }, { session });
      if (known === null) throw new OtherTimeline('The log was restored while it was being sealed.');
      if (segment !== undefined) await segmentsOf(db).insertOne(segment, { session });
      await done?.(session);
    });
  } catch (error) {
    // Another process seals them at this moment or has done so, or this one has, and lost the answer: the next look tells.
    if (!isDuplicateKey(error) && !isWriteConflict(error)) throw error;
  }
}
