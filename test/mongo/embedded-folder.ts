import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { pino } from 'pino';
import { type Mongo, type MongoOptions, type MongoSettings, openMongo } from '../../src/mongo/mongo.ts';
import { signal } from '../../src/mongo/processes.ts';
import { readState, stopOrphans } from '../../src/mongo/state.ts';
import { guardFolder } from '../database.ts';

export const silent = pino({ level: 'silent' });

/** A data folder for one test; whatever runs on it when the test ends is ended with it. */
export interface Folder {
  readonly path: string;
  open(settings?: Partial<MongoSettings>, options?: MongoOptions): Promise<Mongo>;
  /** A process of its own that opens the folder: its address or its error. */
  hold(mode?: 'share'): Promise<Held>;
  mongodPid(): number;
  remove(): Promise<void>;
}

export interface Held {
  readonly child: ChildProcess;
  readonly uri?: string;
  readonly error?: string;
}

export async function makeFolder(): Promise<Folder> {
  const path = await mkdtemp(join(tmpdir(), 'waybill-data-'));
  const release = guardFolder(path);
  const opened: Mongo[] = [];
  const children: ChildProcess[] = [];
  return {
    path,
    open: async (settings, options) => {
      const mongo = await openMongo(
        { dataDir: path, databaseName: 'held', cacheGb: 0.25, ...settings },
        silent,
        options,
      );
      opened.push(mongo);
      return mongo;
    },
    hold: async (mode) => {
      const child = fork(resolve('dist/test/mongo/holder.js'), [path, ...(mode ? [mode] : [])], {
        // A process group of its own, as a terminal gives to each command.
        detached: true,
      });
      children.push(child);
      const ended = once(child, 'exit').then(() => {
        throw new Error('the process ended without a word');
      });
      const [told] = await Promise.race([once(child, 'message'), ended]);
      return { child, ...told };
    },
    mongodPid: () => readState(path)?.pid ?? Number.NaN,
    remove: async () => {
      for (const mongo of opened) await mongo.close();
      for (const { pid } of children) if (pid !== undefined) signal(pid, 'SIGKILL');
      await stopOrphans(path);
      await release();
    },
  };
}
