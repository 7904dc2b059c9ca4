import type { Projection } from '../projection.ts';
import type { ProjectorLimits, ProjectorObserver } from './projector-limits.ts';
import type { ReadModels } from './read-models.ts';

/** What has to be done about rows that may be of another log than this. */
export interface Recovery {
  /** Before anything is folded onto them: puts right those that are. */
  begin(signal: AbortSignal): Promise<void>;
  /** Once all of them have caught up with the log. */
  end(): Promise<void>;
}

/** Looks whether the rows are of this log. @returns undefined where they are */
export type Recover = (projection: Projection) => Promise<Recovery | undefined>;

/** One read model to be projected, for as long as its lease is held. */
export interface ProjectorTask {
  readonly store: ReadModels;
  readonly projection: Projection;
  /** Of the lease: what is written under an older one is refused. */
  readonly fence: number;
  readonly limits: ProjectorLimits;
  readonly observer: ProjectorObserver;
  /** Absent: rows are taken to be of this log. */
  readonly recover?: Recover | undefined;
}
