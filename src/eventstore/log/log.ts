import type { Collection, Db, MongoClient } from 'mongodb';
import type { Logger } from 'pino';
import type { Clock } from '../clock.ts';
import type { StoredEvent } from '../event.ts';
import type { StreamCache } from '../fold.ts';
import type { NewerMet } from '../newer.ts';
import type { Registry } from '../registry.ts';
import type { Timeline } from '../timeline.ts';
import type { Horizon } from './horizon.ts';
import type { PointReads } from './point-reads.ts';
import type { StreamReads } from './stream-reads.ts';

/**
 * The first layer of the store: the events, and the ways to read them. Above it stand `TimedLog` (with snapshots),
 * `ReadModels` (with rows) and `Store` (with commands); whoever needs no more than a layer asks for no more.
 */
export interface Log {
  readonly client: MongoClient;
  readonly db: Db;
  readonly events: Collection<StoredEvent>;
  readonly log: Logger;
  /** The database's clock: what other processes may compare with theirs is dated by it. */
  readonly clock: Clock;
  /** Which course of the database this is; a restore begins another one. */
  readonly timeline: Timeline;
  readonly horizon: Horizon;
  /** Names this process in every event's metadata. */
  readonly producerId: string;
  readonly registry: Registry;
  /** What of newer versions this process has met. */
  readonly newer: NewerMet;
  readonly cache: StreamCache;
  readonly pointReads: PointReads;
  readonly streamReads: StreamReads;
}
