import { UUID } from 'mongodb';
import type { StreamPlace } from '../log/ranges.ts';
import type { ReplayedStream } from '../log/stream-fold.ts';

/** A row that did not match its stream when they were read one after the other: one of the two may just be newer. */
export interface Suspect {
  /** The row's `_id`, whatever it is. */
  readonly id: unknown;
  /** Its stream; undefined where the `_id` can be that of no stream. */
  readonly place: StreamPlace | undefined;
  /** The stream as it was folded; undefined where none was seen. */
  readonly stream: ReplayedStream | undefined;
}

/** The log's filter for a stream. */
export function streamFilter(aggregateType: string, { tenantId, aggregateId }: StreamPlace) {
  return { tenantId, aggregateType, aggregateId: new UUID(aggregateId) };
}

/** The stream that a row's `_id` names, if it is one as `rowId` makes it. */
export function placeOfRow(id: unknown): StreamPlace | undefined {
  if (typeof id !== 'string') return undefined;
  const slash = id.lastIndexOf('/');
  const aggregateId = id.slice(slash + 1);
  if (slash === -1 || !/^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/.test(aggregateId)) return undefined;
  return { tenantId: id.slice(0, slash), aggregateId };
}
