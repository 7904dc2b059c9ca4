import type { ReadModels } from '../projection/read-models.ts';
import type { StoreObserver } from '../store-observer.ts';
import type { TimedLog } from '../time/snapshot-keeper.ts';
import type { Committer } from './committer.ts';
import type { StreamQueues, Workflows } from './intent.ts';

/** The event store of one process, whole: what is recorded, how it was, what is shown of it, and what adds to it. */
export interface Store extends TimedLog, ReadModels {
  readonly committer: Committer;
  readonly streamQueues: StreamQueues;
  readonly workflows: Workflows;
  readonly observer: StoreObserver;
}
