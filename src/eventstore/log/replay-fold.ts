import type { StoredEvent } from '../event.ts';
import { type Body, fold, type Projection, type Row } from '../projection.ts';
import { asStored } from '../upcast.ts';

/**
 * As `fold`, for a replay that holds the row alone and has no use for the one before: what `evolve` merely changed of
 * it is completed in place, since copying a row for each of its events is what a fold spends most of its time on.
 * @param row what an earlier call returned, or null; it is no longer valid afterwards
 */
export function foldOwned<R extends Row>(
  projection: Projection<R>,
  row: R | null,
  event: StoredEvent,
): R | null {
  if (row === null) return fold(projection, row, event);
  const { _id, tenantId, id, createdAt } = row;
  const body = projection.evolve(row, event);
  if (body === null) return null;
  // Made of the row, which is ours, so that it is ours as well. A fresh one may be anybody's, a constant even.
  const owned: Body<R> & Draft = isMadeOf(row, body) ? body : { ...body };
  owned._id = _id;
  owned.tenantId = tenantId;
  owned.id = id;
  owned.lastSequence = event.sequence;
  owned.lastEvent = asStored(event);
  owned.createdAt = createdAt;
  owned.updatedAt = event.recordedAt;
  return owned as R & Draft;
}

type Draft = { -readonly [Field in keyof Row]?: Row[Field] };

function isMadeOf<R extends Row>(row: R, body: Body<R> & Draft): boolean {
  return body === row || body._id === row._id;
}
