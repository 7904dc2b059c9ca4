import { pause } from '../backoff.ts';
import type { Changes, Signal } from '../changes.ts';
import { openBatchWriter } from './batch-writer.ts';
import { type CheckpointChanges, claimCheckpoint, restartCheckpoint } from './checkpoint.ts';
import { type EventHead, tipsOf } from './event-heads.ts';
import type { ProjectorTask } from './projector-task.ts';
import { resume, startOver } from './resume.ts';

/** A projector at work on one read model, for as long as it holds the lease. */
export interface Follower {
  /** Resolves when it is stopped. @throws FencedOut when another has taken over; what MongoDB throws at the start */
  run(): Promise<void>;
  stop(): void;
}

type Batch = Extract<Signal, { kind: 'changes' }>;

/** Follows the log and writes one read model, in batches of whatever has arrived while the last one was written. */
export function openFollower(task: ProjectorTask): Follower {
  const { store, projection, fence, limits, observer } = task;
  const { name, version } = projection;
  const writer = openBatchWriter(task);
  let changes: Changes | undefined;
  let savedAtMs = 0;
  let lastRecordedMs = 0;

  const foldBatch = async ({ changes: batch, token, more }: Batch): Promise<void> => {
    const readAt = new Date(store.clock.now());
    const heads = batch.map((change) => change.document as EventHead);
    const [oldest, newest] = [batch[0]?.committedAt, batch.at(-1)?.committedAt];
    // When they were committed, which recordedAt does not tell of events that were recorded elsewhere and imported.
    const levelAt = more && newest !== undefined ? newest : readAt;
    const progress: CheckpointChanges = { token, phase: 'following', version, levelAt };
    if (oldest === undefined) {
      if (Date.now() - savedAtMs < limits.idleSaveMs) return;
      await writer.write([], { ...progress, lagMs: 0 });
    } else {
      const lagMs = Math.max(0, readAt.getTime() - oldest.getTime());
      for (const { recordedAt } of heads) lastRecordedMs = Math.max(lastRecordedMs, recordedAt.getTime());
      await writer.write(tipsOf(heads), { ...progress, lagMs, lastRecordedAt: new Date(lastRecordedMs) });
      observer.folded(name, heads.length, (store.clock.now() - readAt.getTime() + lagMs) / 1_000);
    }
    savedAtMs = Date.now();
  };

  /**
   * A short rest after a batch, so that more events of a row meet in its next write: that costs the same for one event
   * as for many, and no screen draws a position sooner.
   */
  const rest = async (events: number): Promise<void> => {
    const ms = limits.restMs * Math.min(1, events / limits.busyEvents);
    if (ms >= 1) await pause(ms, writer.stopped);
  };

  return {
    async run() {
      const knows = store.registry.kindsOf(projection.aggregateType);
      const checkpoint = await claimCheckpoint(store.db, name, version, fence, knows);
      if (checkpoint.kinds?.some((kind) => !knows.includes(kind)) === true) writer.mistrustRows();
      const recovery = await task.recover?.(projection);
      if (recovery === undefined) {
        lastRecordedMs = checkpoint.lastRecordedAt?.getTime() ?? 0;
        changes = await resume(task, writer, checkpoint);
      } else {
        await restartCheckpoint(store.db, name, version, fence);
        await recovery.begin(writer.stopped);
        changes = await startOver(task, writer);
        if (!writer.stopped.aborted) await recovery.end();
      }
      while (!writer.stopped.aborted) {
        const signal = await changes.next();
        if (signal === null) return;
        if (signal.kind === 'changes') {
          await foldBatch(signal);
          await rest(signal.changes.length);
        } else {
          store.log.warn(
            { err: signal.error, projection: name },
            'change history lost; catching up from the log',
          );
          changes.stop();
          changes = await startOver(task, writer);
          savedAtMs = 0;
        }
      }
      changes.stop();
    },
    stop() {
      writer.stop();
      changes?.stop();
    },
  };
}
