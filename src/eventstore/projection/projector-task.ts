import type { Projection } from '../projection.ts';
import type { ProjectorLimits, ProjectorObserver } from './projector-limits.ts';
import type { ReadModels } from './read-models.ts';

/** One read model to be projected, for as long as its lease is held. */
export interface ProjectorTask {
  readonly store: ReadModels;
  readonly projection: Projection;
  /** Of the lease: what is written under an older one is refused. */
  readonly fence: number;
  readonly limits: ProjectorLimits;
  readonly observer: ProjectorObserver;
}
