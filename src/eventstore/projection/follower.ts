import { MongoServerError, type ResumeToken } from 'mongodb';
import { backoff, pause } from '../backoff.ts';
import { type Changes, clusterNow, openChanges, type Signal } from '../changes.ts';
import type { StoredEvent } from '../event.ts';
import { streamsBehind } from '../log/streams-behind.ts';
import { type Projection, rowId } from '../projection.ts';
import type { Store } from '../store.ts';
import { commitBatch } from './batch-commit.ts';
import { type Checkpoint, claimCheckpoint, FencedOut, type Progress, saveCheckpoint } from './checkpoint.ts';
import type { ProjectorLimits, ProjectorObserver } from './projector-limits.ts';
import { openRowBook, type RowBook, type RowChange, type StreamOfRow } from './row-book.ts';

/** Rows left behind that a checkpoint lists by name. */
const BEHIND_LISTED = 1_000;
/** Tries of a batch before its rows are tried one by one: one of them may be what the database refuses. */
const TRIES_TOGETHER = 5;

export interface FollowerOptions {
  readonly store: Store;
  readonly projection: Projection;
  readonly fence: number;
  readonly limits: ProjectorLimits;
  readonly observer: ProjectorObserver;
}

/** A projection at work, for as long as its projector holds the lease. */
export interface Follower {
  /** Resolves when it is stopped. @throws FencedOut when another has taken over; what MongoDB throws at the start */
  run(): Promise<void>;
  stop(): void;
}

/** What the change stream tells of an event: where its stream has come to. */
type Told = Pick<StoredEvent, 'tenantId' | 'aggregateId' | 'sequence' | 'recordedAt'>;

type Batch = Extract<Signal, { kind: 'changes' }>;

/** Follows the log and writes one read model, in batches of whatever has arrived while the last one was written. */
export function openFollower({ store, projection, fence, limits, observer }: FollowerOptions): Follower {
  const { db, log } = store;
  const { name, version } = projection;
  const book: RowBook = openRowBook(store, projection, limits.cachedRows, (behind, error) => {
    log.error({ err: error, projection: name, behind }, 'an event cannot be folded; its row stays as it was');
    observer.poisoned(name);
  });
  let changes: Changes | undefined;
  let stopped = false;
  let cancelWait: () => void = () => undefined;
  let savedAt = 0;
  let upToMs = 0;

  const behindNow = (): Progress => {
    const listed = [...book.behind.values()];
    return { behind: listed.slice(0, BEHIND_LISTED), moreBehind: listed.length > BEHIND_LISTED };
  };

  /** Writes what `folding` makes, again and again until it is in: whatever failed, the rows are read anew. */
  const write = async (folding: () => Promise<RowChange[]>, progress: Progress): Promise<void> => {
    for (let failures = 0; !stopped; failures++) {
      let folded: RowChange[] = [];
      try {
        folded = await folding();
        if (failures >= TRIES_TOGETHER) await oneByOne(folded);
        else await commitBatch(store, projection, fence, folded, { ...progress, ...behindNow() });
        book.written(folded);
        if (failures < TRIES_TOGETHER) return;
        await saveCheckpoint(db, name, fence, { ...progress, ...behindNow() });
        return;
      } catch (error) {
        if (error instanceof FencedOut) throw error;
        book.forget(folded);
        log.warn({ err: error, projection: name, failures }, 'rows could not be written; trying again');
        observer.retried(name);
        await backoff(failures, (cancel) => {
          cancelWait = cancel;
        });
      }
    }
  };

  /** Finds the row that the database refuses, and leaves it behind. */
  const oneByOne = async (folded: readonly RowChange[]): Promise<void> => {
    for (const change of folded) {
      try {
        await commitBatch(store, projection, fence, [change], {});
        book.written([change]);
      } catch (error) {
        const event = change.row?.lastEvent;
        const refused =
          error instanceof MongoServerError && !error.hasErrorLabel('TransientTransactionError');
        if (!refused || event === undefined) throw error;
        const { tenantId, sequence } = event;
        const ids = { aggregateId: event.aggregateId.toString(), eventId: event._id.toString() };
        book.behind.set(change.id, { row: change.id, tenantId, sequence, ...ids, error: String(error) });
        log.error(
          { err: error, projection: name, row: change.id },
          'a row cannot be written; it stays as it was',
        );
        observer.poisoned(name);
      }
    }
  };

  /** Level with the log from nothing: the place first, then what the rows lack, then on from the place. */
  const startOver = async (): Promise<Changes> => {
    const now = await clusterNow(db);
    const levelAt = new Date();
    await saveCheckpoint(db, name, fence, { phase: 'catching_up', version });
    let streams = 0;
    for await (const behind of streamsBehind(store, projection, now)) {
      if (stopped) break;
      streams += behind.length;
      if (behind.length > 0) await write(() => book.catchUp(behind), {});
    }
    log.info({ projection: name, streams }, 'read model caught up with the log');
    if (!stopped) await saveCheckpoint(db, name, fence, { phase: 'following', levelAt, ...behindNow() });
    return follow({ at: now });
  };

  const follow = (from: { after: ResumeToken } | { at: Awaited<ReturnType<typeof clusterNow>> }): Changes => {
    savedAt = 0;
    return openChanges(db, {
      collections: ['events'],
      operations: ['insert'],
      where: { aggregateType: projection.aggregateType },
      fields: ['tenantId', 'aggregateId', 'sequence', 'recordedAt'],
      from,
      log,
      batch: limits.batchEvents,
      onReopen: () => observer.retried(name),
    });
  };

  const resume = async (checkpoint: Checkpoint): Promise<Changes> => {
    upToMs = checkpoint.lastRecordedAt?.getTime() ?? 0;
    if (checkpoint.version !== version) {
      const versions = { rows: checkpoint.version, code: version };
      log.warn({ projection: name, versions }, 'rows folded by another version stay until they are rebuilt');
    }
    if (checkpoint.token === undefined || checkpoint.moreBehind) return startOver();
    const behind = checkpoint.behind.map(({ tenantId, aggregateId }) => ({ tenantId, aggregateId }));
    if (behind.length > 0) await write(() => book.catchUp(behind), {});
    return follow({ after: checkpoint.token });
  };

  const fold = async ({ changes: batch, token, more }: Batch): Promise<void> => {
    const readAt = new Date();
    const events = batch.map((change) => change.document as Told);
    const [oldest, newest] = [batch[0]?.committedAt, batch.at(-1)?.committedAt];
    // Since when the log has them, which recordedAt does not say of events that were recorded elsewhere.
    const levelAt = more && newest !== undefined ? newest : readAt;
    const progress: Progress = { token, phase: 'following', version, levelAt };
    if (oldest === undefined) {
      if (Date.now() - savedAt < limits.idleSaveMs) return;
      await write(async () => [], { ...progress, lagMs: 0 });
    } else {
      const lagMs = Math.max(0, readAt.getTime() - oldest.getTime());
      for (const { recordedAt } of events) upToMs = Math.max(upToMs, recordedAt.getTime());
      await write(() => book.catchUp(tipsOf(events)), {
        ...progress,
        lagMs,
        lastRecordedAt: new Date(upToMs),
      });
      observer.folded(name, events.length, (Date.now() - readAt.getTime() + lagMs) / 1_000);
    }
    savedAt = Date.now();
  };

  /** Nobody sees a position sooner than a screen draws it, but each write of a row costs the same however much it tells. */
  const rest = async (events: number): Promise<void> => {
    const ms = limits.restMs * Math.min(1, events / limits.busyEvents);
    if (stopped || ms < 1) return;
    await pause(ms, (cancel) => {
      cancelWait = cancel;
    });
  };

  return {
    async run() {
      changes = await resume(await claimCheckpoint(db, name, version, fence));
      while (!stopped) {
        const signal = await changes.next();
        if (signal === null) return;
        if (signal.kind === 'changes') {
          await fold(signal);
          await rest(signal.changes.length);
        } else {
          log.warn({ err: signal.error, projection: name }, 'change history lost; catching up from the log');
          changes.stop();
          changes = await startOver();
        }
      }
      changes.stop();
    },
    stop() {
      stopped = true;
      cancelWait();
      changes?.stop();
    },
  };
}

/** The streams that grew, each with its newest sequence. */
function tipsOf(events: readonly Told[]): StreamOfRow[] {
  const tips = new Map<string, StreamOfRow>();
  for (const { tenantId, aggregateId, sequence } of events) {
    const id = aggregateId.toString();
    const key = rowId(tenantId, id);
    const known = tips.get(key)?.sequence ?? 0;
    if (sequence > known) tips.set(key, { tenantId, aggregateId: id, sequence });
  }
  return [...tips.values()];
}
