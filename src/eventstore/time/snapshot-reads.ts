import DataLoader from 'dataloader';
import type { Collection, Db, Filter } from 'mongodb';
import { type Aggregate, type Command, type StreamRef, streamKey } from '../aggregate.ts';
import { nameOf, type Registry } from '../registry.ts';
import { SNAPSHOT_READ, SNAPSHOTS, type Snapshot, shapeOf, snapshotsOf } from './snapshots.ts';
import { inStream, type Until } from './until.ts';

type Kind = Aggregate<unknown, Command>;

/** Finds snapshots. */
export interface SnapshotReads {
  /** The newest of a stream that this code can go on from; those wanted in one tick travel as one query. */
  newest(stream: StreamRef, aggregate: Kind): Promise<Snapshot | undefined>;
  /** True where the stream of this kind that was looked for last had one: then it pays to look there first. */
  isExpected(aggregate: Kind): boolean;
  /** The newest that holds nothing beyond `until`. */
  until(stream: StreamRef, aggregate: Kind, until: Until): Promise<Snapshot | undefined>;
  /** The oldest that holds something recorded later: what it lacks was recorded later still, if nothing else is noted. */
  beyond(stream: StreamRef, aggregate: Kind, recordedAt: Date): Promise<SnapshotPlace | undefined>;
}

/** Where a snapshot stands in its stream. */
export type SnapshotPlace = Pick<Snapshot, 'sequence' | 'eventId' | 'at'>;

/** How many streams go into one query. */
const READ_BATCH = 200;

interface Wanted {
  readonly stream: StreamRef;
  readonly shape: string;
}

export function openSnapshotReads(db: Db, registry: Pick<Registry, 'all'>): SnapshotReads {
  const snapshots = snapshotsOf(db);
  const known = knownTo(registry);
  const found = new Set<string>();
  const loader = new DataLoader<Wanted, Snapshot | undefined>(
    (wanted) => newestOf(db, snapshots, wanted, known),
    {
      // Never cached: there will be newer ones.
      cache: false,
      maxBatchSize: READ_BATCH,
    },
  );
  return {
    async newest(stream, aggregate) {
      const snapshot = await loader.load({ stream, shape: shapeOf(aggregate) });
      if (snapshot === undefined) found.delete(aggregate.type);
      else found.add(aggregate.type);
      return snapshot;
    },
    isExpected: ({ type }) => found.has(type),
    async until(stream, aggregate, until) {
      const { filter, sort } = queryUntil(stream, aggregate, until);
      const found = snapshots
        .find({ ...filter, ...known })
        .sort(sort)
        .limit(1);
      return (await found.next()) ?? undefined;
    },
    async beyond(stream, aggregate, recordedAt) {
      const { filter, sort } = queryBeyond(stream, aggregate, recordedAt);
      const found = snapshots.find(filter).sort(sort).limit(1);
      return (
        (await found.project<SnapshotPlace>({ _id: 0, sequence: 1, eventId: 1, at: 1 }).next()) ?? undefined
      );
    },
  };
}

/** The query for snapshots of a stream up to a moment; served by the index on the time that bounds it more. */
export function queryUntil(
  stream: StreamRef,
  aggregate: Kind,
  { effectiveAt, recordedAt }: Until,
): { readonly filter: Filter<Snapshot>; readonly sort: Record<string, -1> } {
  const filter: Filter<Snapshot> = {
    ...inShape({ stream, shape: shapeOf(aggregate) }),
    ...(effectiveAt === undefined ? {} : { at: { $lte: effectiveAt } }),
    ...(recordedAt === undefined ? {} : { newestRecordedAt: { $lte: recordedAt } }),
  };
  // Both grow along a stream. What took effect was mostly recorded soon after.
  if (recordedAt !== undefined && (effectiveAt === undefined || recordedAt <= effectiveAt))
    return { filter, sort: { newestRecordedAt: -1, sequence: -1 } };
  if (effectiveAt !== undefined) return { filter, sort: { at: -1, sequence: -1 } };
  return { filter, sort: { sequence: -1 } };
}

/** The query for snapshots of a stream that hold something recorded after a moment. */
export function queryBeyond(
  stream: StreamRef,
  aggregate: Kind,
  recordedAt: Date,
): { readonly filter: Filter<Snapshot>; readonly sort: Record<string, 1> } {
  const filter = { ...inShape({ stream, shape: shapeOf(aggregate) }), newestRecordedAt: { $gt: recordedAt } };
  return { filter, sort: { newestRecordedAt: 1, sequence: 1 } };
}

/** A stream's snapshots of one shape, in a query. */
function inShape({ stream, shape }: Wanted) {
  return { ...inStream(stream), shape };
}

/** Those that were folded by code which knew no more events than this, in a query. */
function knownTo({ all }: Pick<Registry, 'all'>): Filter<Snapshot> {
  return { knows: { $not: { $elemMatch: { $nin: all.map(nameOf) } } } };
}

async function newestOf(
  db: Db,
  snapshots: Collection<Snapshot>,
  wanted: readonly Wanted[],
  known: Filter<Snapshot>,
): Promise<(Snapshot | undefined)[]> {
  const [only] = wanted;
  if (wanted.length === 1 && only !== undefined)
    return [
      (await snapshots
        .find({ ...inShape(only), ...known })
        .sort({ sequence: -1 })
        .limit(1)
        .next()) ?? undefined,
    ];
  // One look into the index for each: a sort over all of their snapshots would read them all.
  const found = db.aggregate<{ newest: [Snapshot?] }>(
    [
      // Literally: a name that begins with a dollar is a name.
      { $documents: { $literal: wanted.map(inShape) } },
      {
        $lookup: {
          from: SNAPSHOTS,
          as: 'newest',
          let: { tenantId: '$tenantId', type: '$aggregateType', id: '$aggregateId', shape: '$shape' },
          pipeline: [
            {
              $match: {
                $expr: {
                  $and: [
                    { $eq: ['$tenantId', '$$tenantId'] },
                    { $eq: ['$aggregateType', '$$type'] },
                    { $eq: ['$aggregateId', '$$id'] },
                    { $eq: ['$shape', '$$shape'] },
                  ],
                },
              },
            },
            { $match: known },
            { $sort: { sequence: -1 } },
            { $limit: 1 },
          ],
        },
      },
      { $project: { newest: 1 } },
    ],
    SNAPSHOT_READ,
  );
  const byStream = new Map<string, Snapshot>();
  for await (const { newest } of found) {
    const [snapshot] = newest;
    if (snapshot === undefined) continue;
    const { tenantId, aggregateType, aggregateId, shape } = snapshot;
    const key = streamKey({ tenantId, aggregateType, aggregateId: aggregateId.toString() });
    byStream.set(`${key}/${shape}`, snapshot);
  }
  return wanted.map(({ stream, shape }) => byStream.get(`${streamKey(stream)}/${shape}`));
}
