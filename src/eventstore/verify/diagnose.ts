import { BSON } from 'mongodb';
import { RawEvent } from '../log/raw-event.ts';
import { readAhead } from '../log/replay.ts';
import { openStreamFold, type ReplayedStream, type StreamFault } from '../log/stream-fold.ts';
import { atOneMoment, type OneMoment } from '../projection/one-moment.ts';
import type { ReadModels } from '../projection/read-models.ts';
import type { Projection, Row } from '../projection.ts';
import type { RowFinding, StreamFinding } from './finding.ts';
import { bytesOf, differences } from './row-difference.ts';
import { type Suspect, streamFilter } from './suspect.ts';

/** How a row is repaired. */
export interface RowRepair {
  /** The row's `_id`. */
  readonly id: unknown;
  /** The row as it was found; null: none. One that is different by now was written by somebody else, and stays. */
  readonly found: Uint8Array | null;
  /** What it should be; null: no row. */
  readonly expected: Row | null;
}

/** What is wrong with a row and its stream, both as they were at one moment. */
export interface Diagnosis {
  readonly faults: readonly StreamFinding[];
  /** True where the stream holds what only a newer Waybill understands: no fault, but the end of what can be told. */
  readonly isNewer: boolean;
  /** Absent: nothing is wrong with the row, or nobody can tell. */
  readonly finding?: RowFinding;
  readonly repair: RowRepair;
}

/** Reads a row and its whole stream at one moment, and says what is wrong with them. @throws what MongoDB throws */
export function diagnose(store: ReadModels, projection: Projection, suspect: Suspect): Promise<Diagnosis> {
  const { id, place } = suspect;
  return atOneMoment(store, projection, async (moment) => {
    const [found = null] = await moment.rows([id]);
    const { full, own } = place === undefined ? {} : await replay(store, projection, place, found, moment);
    // How far the row must be: an inline one as far as the log, an async one as far as it was seen to be before.
    const due =
      projection.mode === 'inline' ? (full?.lastSequence ?? 0) : (suspect.stream?.lastSequence ?? 0);
    const finding = rowFinding(found, full, own, due);
    return {
      faults: (full?.faults ?? []).flatMap(faultFinding),
      isNewer: full?.faults.some(({ kind }) => kind === 'newer') === true,
      ...(finding === undefined ? {} : { finding }),
      repair: { id, found, expected: full?.row ?? null },
    };
  });
}

interface Replays {
  readonly full?: ReplayedStream | undefined;
  /** Only as far as the row says that it was folded. */
  readonly own?: ReplayedStream | undefined;
}

async function replay(
  store: ReadModels,
  projection: Projection,
  place: NonNullable<Suspect['place']>,
  found: Uint8Array | null,
  moment: OneMoment,
): Promise<Replays> {
  const upTo = found === null ? 0 : sequenceOf(found);
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

/** Up to which event a row says that it was folded; less than any where it says nothing. */
function sequenceOf(stored: Uint8Array): number {
  const { lastSequence } = BSON.deserialize(stored);
  return typeof lastSequence === 'number' ? lastSequence : -1;
}

function rowFinding(
  found: Uint8Array | null,
  full: ReplayedStream | undefined,
  own: ReplayedStream | undefined,
  due: number,
): RowFinding | undefined {
  const expected = full?.row ?? null;
  const logSequence = full?.lastSequence ?? 0;
  if (found === null) return expected === null ? undefined : { kind: 'missing', logSequence };
  const fields = expected === null ? undefined : differences(found, bytesOf(expected));
  if (fields?.length === 0) return undefined;
  const storedSequence = sequenceOf(found);
  if (full !== undefined && !isProvable(full, storedSequence)) return undefined;
  const stale: RowFinding = { kind: 'stale', storedSequence, logSequence };
  const ownRow = storedSequence < logSequence ? (own?.row ?? null) : null;
  const ownFields = ownRow === null ? undefined : differences(found, bytesOf(ownRow));
  if (ownFields?.length === 0) return storedSequence >= due ? undefined : stale;
  if (fields === undefined) return { kind: 'extra' };
  const onlySequence = fields.length === 1 && fields[0]?.field === 'lastSequence';
  if (onlySequence && storedSequence >= 0 && storedSequence < logSequence) return stale;
  // The row is compared with both what it should be and what it says of itself: the shorter list tells what is wrong,
  // the longer one mostly repeats what happened between the two.
  const fewest = ownFields !== undefined && ownFields.length < fields.length ? ownFields : fields;
  return { kind: 'wrong', fields: fewest };
}

/** Whether the stream still has what a row with this sequence was folded from. */
function isProvable({ faults }: ReplayedStream, storedSequence: number): boolean {
  return faults.every(
    (fault) => (fault.kind === 'poison' || fault.kind === 'newer') && storedSequence < fault.sequence,
  );
}

function faultFinding(fault: StreamFault): StreamFinding[] {
  if (fault.kind === 'newer') return [];
  return [fault.kind === 'poison' ? { ...fault, kind: 'unreadable' } : fault];
}
