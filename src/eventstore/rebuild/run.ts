import type { Lease } from '../lease.ts';
import type { ReadModels } from '../projection/read-models.ts';
import type { Projection } from '../projection.ts';
import type { RebuildProgress } from './progress.ts';
import type { OpenWorkers } from './ranges.ts';

/** What is being done. */
export type RebuildPhase = 'replaying' | 'indexing' | 'catching up' | 'switching';

/** How far a rebuild has come, for whoever watches. */
export interface RebuildState {
  readonly phase: RebuildPhase;
  /** Ranges of streams replayed, and how many there are: they have about as many events each. */
  readonly ranges: number;
  readonly allRanges: number;
  readonly events: number;
  /** Of this run. */
  readonly eventsPerSecond: number;
  /** Of the replay; absent until it is known. */
  readonly remainingMs?: number;
}

export interface RebuildOptions {
  /** Opens the workers that replay; by default this thread alone. */
  readonly openWorkers?: OpenWorkers;
  /** Puts the rows in place though they are fewer than the live ones. */
  readonly allowShorter?: boolean;
  /** Leaves alone rows that code as new as this has folded. */
  readonly onlyOlder?: boolean;
  /** Ends it early; the next one goes on from there. */
  readonly signal?: AbortSignal;
  readonly onProgress?: (state: RebuildState) => void;
  readonly retainMs?: number;
  readonly leaseMs?: number;
}

/** A rebuild at work, under its lease. */
export interface RebuildRun {
  readonly store: ReadModels;
  readonly projection: Projection;
  readonly options: RebuildOptions;
  readonly lease: Lease;
  /** The lease's holder. */
  readonly by: string;
  readonly signal: AbortSignal;
}

/** @param pace of this run's replay, while it is on */
export function reportProgress(
  { options }: RebuildRun,
  { events, ranges, done }: RebuildProgress,
  phase: RebuildPhase,
  pace?: { readonly events: number; readonly ms: number },
): void {
  const eventsPerSecond = pace === undefined ? 0 : Math.round((pace.events * 1_000) / pace.ms);
  const remaining = done.length === 0 ? undefined : ((ranges.length - done.length) * events) / done.length;
  options.onProgress?.({
    phase,
    ranges: done.length,
    allRanges: ranges.length,
    events,
    eventsPerSecond,
    ...(remaining === undefined || eventsPerSecond === 0
      ? {}
      : { remainingMs: Math.round((remaining * 1_000) / eventsPerSecond) }),
  });
}
