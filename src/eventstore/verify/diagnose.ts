import { BSON } from 'mongodb';
import type { Store } from '../command/store.ts';
import { RawEvent } from '../log/raw-event.ts';
import { readAhead } from '../log/replay.ts';
import { openStreamFold, type ReplayedStream, type StreamFault } from '../log/stream-fold.ts';
import { atOneMoment, type Moment } from '../projection/one-moment.ts';
import type { Projection, Row } from '../projection.ts';
import type { RowFinding, StreamFinding } from './finding.ts';
import { bytesOf, differences } from './row-difference.ts';
import { type Suspect, streamFilter } from './suspect.ts';

/** What becomes of a row that is repaired. */
export interface Remedy {
  /** The row's `_id`. */
  readonly id: unknown;
  /** The row that was found; null: none. Another one is somebody else's, and stays. */
  readonly seen: Uint8Array | null;
  /** What it should be; null: no row. */
  readonly expected: Row | null;
}

/** What a row and its whole stream are at one moment. */
export interface Verdict {
  readonly faults: readonly StreamFinding[];
  /** Absent: there is nothing wrong with the row, or nobody can tell. */
  readonly finding?: RowFinding;
  readonly remedy: Remedy;
}

/** Reads a row and its whole stream at one moment, and says what is wrong with them. */
export function judge(store: Store, projection: Projection, suspect: Suspect): Promise<Verdict> {
  const { id, place } = suspect;
  return atOneMoment(store, projection, async (moment) => {
    const [seen = null] = await moment.rows([id]);
    const { full, own } = place === undefined ? {} : await replay(store, projection, place, seen, moment);
    // An inline row is as far as the log, always; an async one at least as far as it was known to be.
    const due =
      projection.mode === 'inline' ? (full?.lastSequence ?? 0) : (suspect.stream?.lastSequence ?? 0);
    const finding = rowFinding(seen, full, own, due);
    return {
      faults: (full?.faults ?? []).map(faultFinding),
      ...(finding === undefined ? {} : { finding }),
      remedy: { id, seen, expected: full?.row ?? null },
    };
  });
}

interface Replays {
  readonly full?: ReplayedStream | undefined;
  /** As far as the row says of itself. */
  readonly own?: ReplayedStream | undefined;
}

async function replay(
  store: Store,
  projection: Projection,
  place: NonNullable<Suspect['place']>,
  seen: Uint8Array | null,
  moment: Moment,
): Promise<Replays> {
  const upTo = seen === null ? 0 : sequenceOf(seen);
  const full = openStreamFold(projection, store.registry);
  const own = openStreamFold(projection, store.registry);
  for await (const batch of readAhead(moment.stream(streamFilter(projection.aggregateType, place))))
    for (const bytes of batch) {
      const event = new RawEvent(bytes);
      full.take(event);
      if (event.sequence <= upTo) own.take(event);
    }
  return { full: full.end(), own: own.end() };
}

/** What a row says of itself; below any sequence where it says nothing. */
function sequenceOf(stored: Uint8Array): number {
  const { lastSequence } = BSON.deserialize(stored);
  return typeof lastSequence === 'number' ? lastSequence : -1;
}

function rowFinding(
  seen: Uint8Array | null,
  full: ReplayedStream | undefined,
  own: ReplayedStream | undefined,
  due: number,
): RowFinding | undefined {
  const expected = full?.row ?? null;
  const logSequence = full?.lastSequence ?? 0;
  if (seen === null) return expected === null ? undefined : { kind: 'missing', logSequence };
  const fields = expected === null ? undefined : differences(seen, bytesOf(expected));
  if (fields?.length === 0) return undefined;
  const storedSequence = sequenceOf(seen);
  if (full !== undefined && !isProvable(full, storedSequence)) return undefined;
  const stale: RowFinding = { kind: 'stale', storedSequence, logSequence };
  const ownRow = storedSequence < logSequence ? (own?.row ?? null) : null;
  const ownFields = ownRow === null ? undefined : differences(seen, bytesOf(ownRow));
  if (ownFields?.length === 0) return storedSequence >= due ? undefined : stale;
  if (fields === undefined) return { kind: 'extra' };
  const onlySequence = fields.length === 1 && fields[0]?.field === 'lastSequence';
  if (onlySequence && storedSequence >= 0 && storedSequence < logSequence) return stale;
  // What a row shows is nearer to one or to the other, and the rest would only tell of the way between.
  const fewest = ownFields !== undefined && ownFields.length < fields.length ? ownFields : fields;
  return { kind: 'wrong', fields: fewest };
}

/** Whether the stream still has what a row with this sequence was folded from. */
function isProvable({ faults }: ReplayedStream, storedSequence: number): boolean {
  return faults.every((fault) => fault.kind === 'poison' && storedSequence < fault.sequence);
}

function faultFinding(fault: StreamFault): StreamFinding {
  return fault.kind === 'poison' ? { ...fault, kind: 'unreadable' } : fault;
}
