import type { MongodKey } from './key.ts';

/** How a mongod is to be run. */
export interface LaunchOptions {
  readonly binary: string;
  /** The dbpath, absolute; made if missing. */
  readonly folder: string;
  readonly logFile: string;
  readonly port: number;
  /** Name of the single-node replica set; null starts a standalone (tests only). */
  readonly replicaSet: string | null;
  /** WiredTiger's cache in GiB, 0.25 or more. */
  readonly cacheGb?: number | undefined;
  /** Room for the history of changes, in MB; 1,024 if absent. */
  readonly oplogMb?: number | undefined;
  /** Between two checkpoints, in s; MongoDB's minute if absent. */
  readonly checkpointS?: number | undefined;
  /** Turns on authentication; without it whoever reaches the port may do anything (tests only). */
  readonly key?: MongodKey | undefined;
  readonly setParameters?: Readonly<Record<string, string | number>>;
}

/** How a process ended. */
export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  /** The last of what it wrote to stderr; mongod itself writes to its log file. */
  readonly stderr: string;
}
