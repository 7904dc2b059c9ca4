import { backoff } from '../backoff.ts';
import type { ReadModels } from '../projection/read-models.ts';
import type { Projection } from '../projection.ts';
import type { OpenWorkers } from './ranges.ts';
import { rebuildProjection } from './rebuild.ts';
import { NewerRefused, RebuildRefused, ShorterRefused } from './refused.ts';

export interface StaleOptions {
  /** Opens the workers that replay; by default this thread, whose requests wait meanwhile. */
  readonly openWorkers?: OpenWorkers;
}

/** Read models whose rows are of older code than this, or of none. */
export function staleProjections({
  live,
  projections,
}: Pick<ReadModels, 'live' | 'projections'>): Projection[] {
  return projections.filter((projection) => live.pointer(projection).version < projection.version);
}

/**
 * Rebuilds the read models whose rows were folded by older code than this, one after the other. Everything goes on
 * meanwhile; reads are answered from the old rows until then. Any number of processes may run it. Nothing but `stop` ends it
 * early: whatever fails is logged and tried again, unless trying again cannot help.
 */
export function startStaleRebuilds(store: ReadModels, options: StaleOptions = {}): { stop(): Promise<void> } {
  const { log } = store;
  const stopping = new AbortController();

  const rebuildStale = async (projection: Projection): Promise<void> => {
    for (let failures = 0; !stopping.signal.aborted; failures++) {
      try {
        await store.live.refresh();
        // Another process may have done it.
        if (!staleProjections(store).includes(projection)) return;
        const { name, version: code } = projection;
        const versions = { rows: store.live.pointer(projection).version, code };
        log.info({ projection: name, versions }, 'rebuilding a read model that older code has folded');
        // Rows that are not known to be of this log may well be too many.
        const isProven = store.live.pointer(projection).proof?.timeline === store.timeline.id;
        const { signal } = stopping;
        const { faults: _, ...report } = await rebuildProjection(store, projection, {
          ...options,
          onlyOlder: true,
          allowShorter: !isProven,
          signal,
        });
        log.info(report, 'read model rebuilt');
        return;
      } catch (error) {
        if (stopping.signal.aborted) return;
        if (error instanceof ShorterRefused) {
          const hint = `waybill rebuild ${projection.name} --allow-shorter`;
          log.error({ err: error, hint }, 'the old rows stay: is it right that there are fewer?');
          return;
        }
        if (error instanceof NewerRefused) {
          log.warn({ reason: error.message }, 'the old rows stay until a newer Waybill rebuilds them');
          return;
        }
        if (!(error instanceof RebuildRefused))
          log.warn({ err: error, projection: projection.name }, 'rebuild failed; trying again');
        await backoff(failures, stopping.signal);
      }
    }
  };

  const work = async (): Promise<void> => {
    for (const projection of staleProjections(store)) await rebuildStale(projection);
  };
  const working = work();
  return {
    async stop() {
      stopping.abort();
      await working;
    },
  };
}
