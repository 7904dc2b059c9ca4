import { type Changes, clusterNow } from '../changes.ts';
import { streamsBehind } from '../log/streams-behind.ts';
import type { BatchWriter } from './batch-writer.ts';
import { type Checkpoint, saveCheckpoint } from './checkpoint.ts';
import { openEventHeads } from './event-heads.ts';
import type { ProjectorTask } from './projector-task.ts';

/** Goes on from a checkpoint: first the rows that were left behind, which newer code may be able to fold. */
export async function resume(
  task: ProjectorTask,
  writer: BatchWriter,
  checkpoint: Checkpoint,
): Promise<Changes> {
  const { store, projection } = task;
  const { name, version } = projection;
  if (checkpoint.version !== version) {
    const versions = { rows: checkpoint.version, code: version };
    store.log.warn(
      { projection: name, versions },
      'rows folded by another version stay until they are rebuilt',
    );
  }
  if (checkpoint.token === undefined || checkpoint.moreBehind) return startOver(task, writer);
  const behind = checkpoint.behind.map(({ tenantId, aggregateId }) => ({ tenantId, aggregateId }));
  if (behind.length > 0) await writer.write(behind, {});
  return openEventHeads(task, { after: checkpoint.token });
}

/**
 * Catches up with the log without a token: every stream is compared with its row. What is recorded meanwhile is
 * followed from the moment at which this began, so nothing is missed between.
 */
export async function startOver(task: ProjectorTask, writer: BatchWriter): Promise<Changes> {
  const { store, projection, fence } = task;
  const { name, version } = projection;
  const now = await clusterNow(store.db);
  const levelAt = new Date(store.clock.now());
  await saveCheckpoint(store.db, name, fence, { phase: 'catching_up', version });
  let streams = 0;
  for await (const behind of streamsBehind(store, projection, now, () =>
    store.live.collectionOf(projection),
  )) {
    if (writer.stopped.aborted) break;
    streams += behind.length;
    if (behind.length > 0) await writer.write(behind, {});
  }
  store.log.info({ projection: name, streams }, 'read model caught up with the log');
  if (!writer.stopped.aborted)
    await saveCheckpoint(store.db, name, fence, { phase: 'following', levelAt, ...writer.behind() });
  return openEventHeads(task, { at: now });
}
