import type { Db } from 'mongodb';
import { checkpointIn } from './checkpoint.ts';
import type { CheckpointStore } from './copies.ts';
import { segmentsOf } from './segment.ts';

/** Copies checkpoints to where they are kept beside the log: each once, in their order, those of before as well. */
export class Copying {
  readonly #db: Db;
  readonly #copies: CheckpointStore;
  /** The last segment of each tenant that is known to be kept. */
  readonly #kept = new Map<string, number>();

  constructor(db: Db, copies: CheckpointStore) {
    this.#db = db;
    this.#copies = copies;
  }

  /** @throws where something could not be kept; what was is not copied again */
  async copy(signal: AbortSignal): Promise<void> {
    const tenantIds: string[] = await segmentsOf(this.#db).distinct('tenantId');
    for (const tenantId of tenantIds) if (!signal.aborted) await this.#copyOf(tenantId, signal);
  }

  async #copyOf(tenantId: string, signal: AbortSignal): Promise<void> {
    const known = this.#kept.get(tenantId);
    // The first time all are gone through, but only those that are not kept yet are sent.
    const names = known === undefined ? await this.#copies.names(tenantId) : [];
    const there = new Set(names.map(({ segment, timeline }) => `${segment}/${timeline}`));
    const fresh = segmentsOf(this.#db)
      .find({ tenantId, segment: { $gt: known ?? 0 } })
      .sort({ segment: 1 })
      .project<{ segment: number; checkpoint: string }>({ segment: 1, checkpoint: 1 });
    for await (const { segment, checkpoint } of fresh) {
      if (signal.aborted) return;
      const timeline = checkpointIn(checkpoint)?.timeline ?? 0;
      if (!there.has(`${segment}/${timeline}`))
        await this.#copies.put({ tenantId, segment, timeline }, checkpoint);
      this.#kept.set(tenantId, segment);
    }
  }
}
