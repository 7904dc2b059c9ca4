import type { Db } from 'mongodb';
import type { Logger } from 'pino';
import type { Clock } from '../../clock.ts';
import type { Projection } from '../../projection.ts';
import type { Timeline } from '../../timeline.ts';
import type { FeedLimits } from '../limits.ts';
import type { FeedObserver, StreamName } from '../observer.ts';
import { logRoutes, rowRoutes } from './routes.ts';
import { openSource, type Source } from './source.ts';

/** How one of the change streams is doing. */
export interface StreamHealth {
  readonly stream: StreamName;
  /** How old what it delivered last is, in ms; 0 while it keeps up. */
  readonly lagMs: number;
  /** What it keeps for clients who come back. */
  readonly historyBytes: number;
  /** Rows of which it knows who may have them. */
  readonly rememberedRows: number;
}

export interface SourcesOptions {
  readonly db: Db;
  readonly clock: Clock;
  readonly timeline: Pick<Timeline, 'id'>;
  readonly log: Logger;
  readonly projections: readonly Projection[];
  readonly limits: FeedLimits;
  readonly observer: Pick<FeedObserver, 'reopened'>;
}

/** At most one source over all read models and one over the log, each opened when the first subscriber needs it. */
export class Sources {
  readonly #options: SourcesOptions;
  readonly #opening = new Map<StreamName, Promise<Source>>();
  readonly #opened = new Map<StreamName, Source>();

  constructor(options: SourcesOptions) {
    this.#options = options;
  }

  /** @throws what MongoDB throws where it cannot be reached; the next who asks tries anew */
  of(stream: StreamName): Promise<Source> {
    const known = this.#opening.get(stream);
    if (known !== undefined) return known;
    const { db, projections, observer } = this.#options;
    const opening = openSource({
      ...this.#options,
      routes: stream === 'events' ? logRoutes(db) : rowRoutes(db, projections),
      onReopen: (reason) => observer.reopened(stream, reason),
    });
    this.#opening.set(stream, opening);
    opening.then(
      (source) => this.#opened.set(stream, source),
      () => this.#opening.delete(stream),
    );
    return opening;
  }

  health(): readonly StreamHealth[] {
    return Array.from(this.#opened, ([stream, source]) => ({
      stream,
      lagMs: source.lagMs(),
      historyBytes: source.historyBytes,
      rememberedRows: source.rememberedRows,
    }));
  }

  close(): void {
    for (const opening of this.#opening.values())
      opening.then((source) => source.close()).catch(() => undefined);
  }
}
