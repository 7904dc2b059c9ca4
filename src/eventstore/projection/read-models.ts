import type { Log } from '../log/log.ts';
import type { Projection } from '../projection.ts';
import type { LiveGenerations } from './generation/live.ts';
import type { RowReads } from './row-reads.ts';

/** The log and the read models that are folded from it. */
export interface ReadModels extends Log {
  readonly projections: readonly Projection[];
  /** Where the rows of each read model are. */
  readonly live: LiveGenerations;
  readonly rowReads: RowReads;
}
