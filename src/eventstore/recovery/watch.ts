import { pause, repeat } from '../backoff.ts';
import { collectionIds } from '../database-identity.ts';
import type { Log } from '../log/log.ts';
import { hasLostEvents, lastPulse, pulse, type TimelineDocument, timelinesOf } from '../timeline.ts';

/** The log is not the one that this process began with. What it keeps in memory is worth nothing. */
export class LogReplaced extends Error {
  override readonly name = 'LogReplaced';

  constructor(how: string) {
    super(
      `The log was replaced while this process ran (${how}): the database was restored or emptied. Start it again; it then compares every row with the log before it is ready.`,
    );
  }
}

/** Looks now and then whether the log is still the one that this process began with, and gives a sign of life. */
export interface LogWatch {
  /** Looks now. @throws LogReplaced; what MongoDB throws */
  look(): Promise<void>;
  /** To be called when this process gives out no cursor any more. */
  stop(): Promise<void>;
}

export interface LogWatchOptions {
  /** Called once where it is not: the process should end. */
  readonly onReplaced?: (error: LogReplaced) => void;
  readonly lookMs?: number;
}

const LOOK_MS = 1_000;
/** How long a process that ends waits for its last sign of life, in ms: MongoDB may be away. */
const LAST_PULSE_MS = 1_000;

type Watched = Pick<Log, 'db' | 'log' | 'timeline'>;

export function watchLog({ db, log, timeline }: Watched, options: LogWatchOptions = {}): LogWatch {
  const stopping = new AbortController();
  let seen: TimelineDocument | undefined;
  let replaced: LogReplaced | undefined;

  const look = async (): Promise<void> => {
    if (replaced !== undefined) throw replaced;
    // Taken before it is read again: of two looks at once, the one that began later may end sooner.
    const before = seen;
    const timelines = timelinesOf(db);
    const [document, ids] = await Promise.all([
      timelines.findOne({ _id: 'log' }),
      collectionIds(db, ['events']),
    ]);
    const how =
      differenceOf(timeline.id, before, document, ids.get('events')) ??
      (document !== null && (await hasLostEvents(db, document)) ? 'most of its events are gone' : undefined);
    if (how !== undefined) {
      if (replaced === undefined) {
        replaced = new LogReplaced(how);
        options.onReplaced?.(replaced);
      }
      throw replaced;
    }
    if (document === null) {
      // Dropped, though the log is the same: put back, so that cursors stay what they are.
      if (seen === undefined) return;
      log.error('the timeline was lost; put back');
      await timelines.updateOne({ _id: 'log' }, { $setOnInsert: { ...withoutId(seen) } }, { upsert: true });
      return;
    }
    if (seen === undefined || seen.pulse < document.pulse) seen = document;
    await pulse(db, timeline);
  };

  const running = repeat(look, options.lookMs ?? LOOK_MS, stopping.signal, (error) => {
    // Nothing is to be found out any more.
    if (replaced !== undefined) stopping.abort();
    else log.debug({ err: error }, 'the log could not be looked at');
  });
  return {
    look,
    async stop() {
      stopping.abort();
      await running;
      if (replaced !== undefined || seen === undefined) return;
      const pulsed = new AbortController();
      lastPulse(db, timeline, seen.pulse)
        .catch((error: unknown) => log.debug({ err: error }, 'no last sign of life'))
        .finally(() => pulsed.abort());
      await pause(LAST_PULSE_MS, pulsed.signal);
    },
  };
}

function differenceOf(
  timeline: number,
  seen: TimelineDocument | undefined,
  document: TimelineDocument | null,
  events: string | undefined,
): string | undefined {
  const known = document ?? seen;
  if (events === undefined) return 'there is no collection `events`';
  if (known === undefined) return undefined;
  if (known.id !== timeline) return 'another process has found another log';
  if (known.events !== events) return 'the collection `events` is another one';
  if (seen !== undefined && document !== null && document.pulse < seen.pulse)
    return 'the database is back at an earlier state';
  return undefined;
}

function withoutId({ _id: _, ...rest }: TimelineDocument): Omit<TimelineDocument, '_id'> {
  return rest;
}
