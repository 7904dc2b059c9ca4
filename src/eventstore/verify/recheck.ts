import { BSON, type Timestamp } from 'mongodb';
import { atOneMoment, type OneMoment } from '../projection/one-moment.ts';
import type { ReadModels } from '../projection/read-models.ts';
import { fold, type Projection, type Row, rowId } from '../projection.ts';
import { bytesOf, sameRow } from './row-difference.ts';
import { type Suspect, streamFilter } from './suspect.ts';

/** What a second look at suspects came to. */
export interface Recheck {
  /** When it was. */
  readonly at: Timestamp;
  /** Rows that are right, as they should be. */
  readonly right: readonly Uint8Array[];
  /** Rows that their projector has not brought as far as the log was known to be. */
  readonly behind: readonly Suspect[];
  /** To be diagnosed one by one. */
  readonly suspicious: readonly Suspect[];
}

/** A suspect's stream, while it is folded on to where its row is. */
interface Draft {
  readonly suspect: Suspect;
  readonly stored: Uint8Array | undefined;
  readonly upTo: number;
  sequence: number;
  row: Row | null;
  failed: boolean;
}

/**
 * Compares rows with their streams once more, this time both as they were at one moment. A stream that was folded before
 * is only folded on from there, so that rows which are written all the time cost no second replay.
 */
export function recheck(
  store: ReadModels,
  projection: Projection,
  suspects: readonly Suspect[],
): Promise<Recheck> {
  return atOneMoment(store, projection, async (moment) => {
    const drafts = await draftsOf(projection, suspects, moment);
    await foldOn(store, projection, drafts, moment);
    const behind: Suspect[] = [];
    const right: Uint8Array[] = [];
    const suspicious = suspects.filter((suspect) => !drafts.has(suspect.id));
    for (const draft of drafts.values()) {
      const { suspect } = draft;
      const outcome = outcomeOf(projection, draft);
      if (outcome === 'behind') behind.push(suspect);
      else if (outcome === 'suspicious') suspicious.push(suspect);
      else if (outcome !== null) right.push(outcome);
    }
    return { at: moment.time, right, behind, suspicious };
  });
}

/** Only of streams without a fault: the others cannot be folded on. */
async function draftsOf(
  { mode }: Projection,
  suspects: readonly Suspect[],
  moment: OneMoment,
): Promise<Map<unknown, Draft>> {
  const drafts = new Map<unknown, Draft>();
  const plain = suspects.filter(
    ({ place, stream }) => place !== undefined && (stream?.faults.length ?? 0) === 0,
  );
  const rows = new Map<unknown, { bytes: Uint8Array; sequence: unknown }>();
  for (const bytes of await moment.rows(plain.map(({ id }) => id))) {
    const { _id, lastSequence } = BSON.deserialize(bytes);
    rows.set(_id, { bytes, sequence: lastSequence });
  }
  for (const suspect of plain) {
    const stored = rows.get(suspect.id);
    const reached = typeof stored?.sequence === 'number' ? stored.sequence : 0;
    drafts.set(suspect.id, {
      suspect,
      stored: stored?.bytes,
      // An inline row is never behind; an async one is only compared with what it claims to show.
      upTo: mode === 'inline' ? Number.POSITIVE_INFINITY : reached,
      sequence: suspect.stream?.lastSequence ?? 0,
      row: suspect.stream?.row ?? null,
      failed: false,
    });
  }
  return drafts;
}

async function foldOn(
  store: ReadModels,
  projection: Projection,
  drafts: ReadonlyMap<unknown, Draft>,
  moment: OneMoment,
): Promise<void> {
  const branches = [...drafts.values()].flatMap(({ suspect: { place }, sequence, upTo }) =>
    place === undefined || upTo <= sequence
      ? []
      : [{ ...streamFilter(projection.aggregateType, place), sequence: { $gt: sequence } }],
  );
  if (branches.length === 0) return;
  for await (const event of moment.events(branches.length === 1 ? { ...branches[0] } : { $or: branches })) {
    const draft = drafts.get(rowId(event.tenantId, event.aggregateId.toString()));
    if (draft === undefined || draft.failed || event.sequence > draft.upTo) continue;
    try {
      if (event.sequence !== draft.sequence + 1) throw new Error('a hole or a double');
      draft.row = fold(projection, draft.row, store.registry.upcast(event));
      draft.sequence = event.sequence;
    } catch {
      // What is wrong is found out when it is diagnosed.
      draft.failed = true;
    }
  }
}

/** @returns the row where it is as it should be; null where there should be none, and is none */
function outcomeOf(
  { mode }: Projection,
  { suspect, stored, upTo, row, failed }: Draft,
): Uint8Array | null | 'behind' | 'suspicious' {
  if (failed) return 'suspicious';
  if (row === null && stored === undefined) return null;
  if (mode === 'async' && upTo < (suspect.stream?.lastSequence ?? 0)) return 'behind';
  if (row === null || stored === undefined) return 'suspicious';
  const expected = bytesOf(row);
  return sameRow(stored, expected) ? expected : 'suspicious';
}
