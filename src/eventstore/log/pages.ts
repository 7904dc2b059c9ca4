import { type ClientSession, type Filter, Timestamp } from 'mongodb';
import { pause } from '../backoff.ts';
import type { StoredEvent } from '../event.ts';
import { LOG_INDEX } from '../indexes.ts';
import { conditionsOf, type EventFilter } from './event-filter.ts';
import type { Log } from './log.ts';
import { LOOK_EVENTS, type Narrow, narrowest } from './narrow.ts';
import {
  LOG_START,
  type LogPage,
  type LogPosition,
  PageInProgress,
  type StampedPlace,
  type UnstampedPlace,
} from './position.ts';
import { stampAt } from './stamp.ts';

/** How far stamp and recordedAt of an event may be apart, where a filter by time bounds what is looked at. In ms. */
const APART_MS = 600_000;
/** How long a reader waits that has to let the log settle before it can be shown more, in ms. */
const SETTLE_PAUSE_MS = 500;

/** What is read for a page. */
interface Reading {
  readonly store: Pick<Log, 'events'>;
  readonly session: ClientSession;
  readonly tenantId: string;
  readonly filter: EventFilter;
  readonly narrow: Narrow | undefined;
}

/**
 * One page of a tenant's log as it is stored, oldest first: in the order in which the database took the events. Nothing
 * appears behind the position of a page (`horizon.ts` says why). Fresh events are shown at once: those that others may
 * yet appear before are listed in the position.
 *
 * What is looked at for one page is bounded, so a page of a filter that few events fit may be short, even empty, and there
 * is more all the same.
 */
export async function pageEvents(
  store: Pick<Log, 'client' | 'events' | 'horizon'>,
  tenantId: string,
  filter: EventFilter,
  { after = LOG_START, limit }: { readonly after?: LogPosition; readonly limit: number },
): Promise<LogPage> {
  const session = store.client.startSession({ causalConsistency: true });
  try {
    const page = new PageInProgress(after, await store.horizon.settledIn(session), limit);
    const narrow = await narrowest(store, tenantId, filter, session);
    const reading = { store, session, tenantId, filter, narrow };
    const isWhole =
      (await takeUnstamped(reading, after, page)) &&
      (page.isFull || (await takeStamped(reading, after, page)));
    const result = page.page(!isWhole);
    // Whoever asks again at once would be told the same.
    if (limit > 0 && result.more && isStill(after, result)) await pause(SETTLE_PAUSE_MS);
    return result;
  } finally {
    await session.endSession();
  }
}

/** True for a page by which its reader comes no further. */
function isStill({ settled }: LogPosition, { items, end }: LogPage): boolean {
  return (
    items.length === 0 && settled !== undefined && end.settled?.loggedAt.equals(settled.loggedAt) === true
  );
}

/** Takes events from before there were stamps. @returns false where not all were looked at */
async function takeUnstamped(reading: Reading, after: LogPosition, page: PageInProgress): Promise<boolean> {
  const { store, session, tenantId } = reading;
  const unstamped: object[] = [{ tenantId, loggedAt: null }, ...beyondUnstamped(after.unstamped)];
  // Mostly there are none (any more), which is found out by one look; a filter might take many.
  const some = await store.events.findOne({ $and: unstamped }, { hint: { ...LOG_INDEX }, session });
  if (some === null) return true;
  const last = await lastToLookAt(reading, unstamped);
  const place = last === undefined ? undefined : { recordedAt: last.recordedAt, id: last._id };
  if (place !== undefined)
    unstamped.push({ recordedAt: { $lte: place.recordedAt } }, { $nor: [{ $and: beyondUnstamped(place) }] });
  for (const event of await find(reading, unstamped, page.room + 1)) page.addUnstamped(event);
  if (place !== undefined) page.passedUnstamped(place);
  return last === undefined;
}

/** Takes events in the order of their stamps. @returns false where not all were looked at */
async function takeStamped(reading: Reading, after: LogPosition, page: PageInProgress): Promise<boolean> {
  const { tenantId } = reading;
  const conditions: object[] = [{ tenantId }, ...beyondPlace(after.settled), ...stampsFor(reading)];
  const last = await lastToLookAt(reading, conditions);
  const place: StampedPlace | undefined =
    last?.loggedAt === undefined ? undefined : { ...last, loggedAt: last.loggedAt, id: last._id };
  if (place !== undefined)
    conditions.push({ loggedAt: { $lte: place.loggedAt } }, { $nor: [{ $and: beyondPlace(place) }] });
  const seen = after.ahead.map(({ id }) => id);
  if (seen.length > 0) conditions.push({ _id: { $nin: seen } });
  const room = page.room;
  const events = await find(reading, conditions, room + 1);
  for (const event of events) page.add(event);
  if (events.length <= room) page.passed(place);
  return place === undefined;
}

function find(
  { store, session, filter, narrow }: Reading,
  conditions: readonly object[],
  limit: number,
): Promise<StoredEvent[]> {
  const all = [...(narrow?.conditions ?? []), ...conditions, ...conditionsOf(filter)];
  const { tenantId: _, ...order } = LOG_INDEX;
  return store.events
    .find({ $and: all } as Filter<StoredEvent>, { session, hint: { ...(narrow?.hint ?? LOG_INDEX) } })
    .sort(order)
    .limit(limit)
    .toArray();
}

/** The last event that is looked at for this page, by the index alone; undefined: all are, or few are as it is. */
async function lastToLookAt(
  { store, session, filter, narrow }: Reading,
  conditions: readonly object[],
): Promise<Pick<StoredEvent, '_id' | 'loggedAt' | 'recordedAt'> | undefined> {
  const { recordedFrom: _, recordedTo: __, ...selective } = filter;
  if (narrow !== undefined || Object.keys(selective).length === 0) return undefined;
  const { tenantId: ___, ...order } = LOG_INDEX;
  const [last] = await store.events
    .find({ $and: [...conditions] } as Filter<StoredEvent>, { session, hint: { ...LOG_INDEX } })
    .sort(order)
    .skip(LOOK_EVENTS)
    .limit(1)
    .project<Pick<StoredEvent, '_id' | 'loggedAt' | 'recordedAt'>>({ loggedAt: 1, recordedAt: 1 })
    .toArray();
  return last;
}

/** Behind a place in the order of those without a stamp; among all of these, where there is none. */
export function beyondUnstamped(place: UnstampedPlace | undefined): object[] {
  if (place === undefined) return [];
  const { recordedAt, id } = place;
  return [
    { recordedAt: { $gte: recordedAt } },
    { $or: [{ recordedAt: { $gt: recordedAt } }, { _id: { $gt: id } }] },
  ];
}

/** Behind a place in the order of stamps; among all that have a stamp, where there is none. */
export function beyondPlace(place: StampedPlace | undefined): object[] {
  if (place === undefined) return [{ loggedAt: { $gt: new Timestamp(0n) } }];
  const { loggedAt, recordedAt, id } = place;
  return [
    { loggedAt: { $gte: loggedAt } },
    {
      $or: [
        { loggedAt: { $gt: loggedAt } },
        { recordedAt: { $gt: recordedAt } },
        { recordedAt, _id: { $gt: id } },
      ],
    },
  ];
}

/**
 * The stamps that what is asked for can have. An event is inserted within seconds of being recorded, or not at all, and what
 * is imported has the stamp of when it was recorded. Nothing is recorded before it happens; that bounds where to begin
 * if what happened since is too much to be sorted.
 */
function stampsFor({ filter, narrow }: Reading): object[] {
  const { recordedFrom, recordedTo, occurredFrom } = filter;
  const moved = (date: Date, byMs: number): Date => new Date(date.getTime() + byMs);
  const froms = [recordedFrom, narrow === undefined ? occurredFrom : undefined];
  return [
    ...froms.flatMap((from) =>
      from === undefined ? [] : [{ loggedAt: { $gte: stampAt(moved(from, -APART_MS)) } }],
    ),
    ...(recordedTo === undefined ? [] : [{ loggedAt: { $lte: stampAt(moved(recordedTo, APART_MS)) } }]),
  ];
}
