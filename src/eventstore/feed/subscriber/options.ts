import type { Timestamp } from 'mongodb';
import type { Logger } from 'pino';
import type { Interest } from '../../interest.ts';
import type { RowSnapshot } from '../../projection/row-snapshot.ts';
import type { Row } from '../../projection.ts';
import type { Timeline } from '../../timeline.ts';
import type { ResumePoint } from '../cursor.ts';
import type { CommonItem } from '../item.ts';
import type { FeedLimits } from '../limits.ts';
import type { FeedObserver, LaneName } from '../observer.ts';
import type { HeldAt } from '../source/held-at.ts';
import type { Sources } from '../source/sources.ts';
import type { LogSelection, RowSelection } from '../subscription.ts';
import type { Lane } from './lane.ts';
import type { Members } from './members.ts';

/** What all subscribers of one feed have in common. */
export interface FeedParts {
  readonly log: Logger;
  readonly limits: FeedLimits;
  readonly observer: FeedObserver;
  readonly sources: Sources;
  readonly members: Members;
  readonly heldAt: HeldAt;
  readonly timeline: Timeline;
}

/** How a subscriber of rows begins. */
export interface RowsOptions<D extends object, T> {
  readonly selection: RowSelection<Row>;
  /** @param notBefore an older snapshot is refused when it is read */
  openSnapshot(notBefore: Timestamp): RowSnapshot<D>;
  item(rows: readonly D[], complete: boolean, cursor: string): T;
}

/** Whose changes a subscriber gets, and of which. */
export type SubscriberSelection<D extends object> = Pick<LogSelection, 'tenantId' | 'onOverflow'> & {
  readonly interest?: Interest<D> | undefined;
};

export interface SubscriberOptions<D extends object, T extends { readonly cursor: string }> {
  readonly feed: FeedParts;
  readonly lane: Lane<D, T | CommonItem>;
  readonly laneName: LaneName;
  /** The read model's name, or `events`. */
  readonly name: string;
  /** Of its cursors. */
  readonly scope: string;
  readonly selection: SubscriberSelection<D>;
  /** Absent: the subscription begins with a heartbeat and what comes next. */
  readonly rows?: RowsOptions<D, T> | undefined;
  /** Absent: the subscription begins anew. */
  readonly after?: ResumePoint | undefined;
}
