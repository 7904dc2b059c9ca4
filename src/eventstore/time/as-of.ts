/**
 * Time: how a stream was at a moment, as far as it was known at another (design section 8).
 *
 * In come a stream and a Moment; out comes a row, or a page of events in the order of time. In this order:
 * 1. as-of.ts asks for a row; time-page.ts for a page of events.
 * 2. time-fold.ts folds the events that count, on from a snapshot that holds nothing beyond the moment.
 * 3. counting.ts reads these events; until.ts says which they are, in a query; effects.ts when they took effect.
 * 4. snapshot-reads.ts finds snapshots (snapshots.ts says what one is); loading a stream for a command uses them, too.
 * 5. snapshot-keeper.ts has them written when there is time (snapshot-writes.ts): those of commands, and of streams that
 *    were long to read (snapshot-build.ts).
 */
import type { Aggregate, Command, StreamRef } from '../aggregate.ts';
import type { Projection, Row } from '../projection.ts';
import type { TimedLog } from './snapshot-keeper.ts';
import { foldInTime } from './time-fold.ts';

/** The two times of a question about the past (design section 8); an absent one is now. */
export interface Moment {
  /** When it was so: events that took effect later had not happened yet. */
  readonly asOf?: Date | null | undefined;
  /** When it was known: events with a later recordedAt had not been recorded yet. */
  readonly knownAt?: Date | null | undefined;
}

/** True when a question is about the past at all. */
export function isPast({ asOf, knownAt }: Moment): boolean {
  return asOf instanceof Date || knownAt instanceof Date;
}

/** Where more than this many times the distance of two snapshots had to be read, they are written from the log. */
const SPARSE = 4;

/**
 * A row as it was at `asOf`, as far as was known at `knownAt`: of what was known, all that had taken effect, folded by the
 * projection itself in the order of the stream. `lastEvent` is the last that had taken effect; once all had, the last that
 * was recorded, as in the present.
 * @returns null when nothing had happened yet, or nothing was known
 */
export async function rowAsOf<R extends Row>(
  store: TimedLog,
  stream: StreamRef,
  aggregate: Aggregate<unknown, Command>,
  projection: Projection<R>,
  { asOf, knownAt }: Moment,
): Promise<R | null> {
  const until = { effectiveAt: asOf ?? undefined, recordedAt: knownAt ?? undefined };
  const { rows, read } = await foldInTime(store, stream, aggregate, until);
  if (read > SPARSE * store.snapshots.every) store.snapshots.build(stream, aggregate);
  return (rows[projection.name] ?? null) as R | null;
}
