import { randomBytes } from 'node:crypto';
import type { MongoClient } from 'mongodb';
import type { DestinationStream, Logger } from 'pino';
import type { Store } from '../eventstore/command/store.ts';
import { openStore } from '../eventstore/open-store.ts';
import { eventDefinitions, projections } from '../model.ts';
import { createClient } from '../mongo/client.ts';
import { type MongoSettings, openMongo } from '../mongo/mongo.ts';
import { openLog } from '../process/log.ts';
import type { Variables } from '../process/setting.ts';
import { mongoSettingsOf, readSettings } from '../process/settings.ts';
import { type SignalSource, stopOnSignal } from '../process/stop-signal.ts';
import type { DrillReport } from './report.ts';

/** What a process hands to a drill. */
export interface DrillContext {
  readonly variables: Variables;
  readonly signals: SignalSource;
  /** The program's own file: drills start gateways. */
  readonly program: string;
  /** Where the log goes; without it to standard error. */
  readonly logTo?: DestinationStream;
}

/** A database that nobody else uses, for as long as a drill takes. */
export interface Scratch {
  readonly name: string;
  /** As another process of Waybill is told where to work. */
  readonly variables: Variables;
  /** The file of Waybill's program, for processes of a drill's own. */
  readonly program: string;
  /** May hold a password. */
  readonly uri: string;
  /** Aborted when the drill is to end early. */
  readonly signal: AbortSignal;
  /** A store as one process has it, with a connection of its own; closed with the drill. */
  openStore(): Promise<Store>;
  /** Called before the database goes, the last one first. */
  onClose(close: () => Promise<void> | void): void;
}

/** A MongoDB to work on. */
export interface ScratchServer {
  /** Where it is and what becomes of it, for the report. */
  readonly words: (database: string) => string;
  readonly uri: string;
  readonly client: MongoClient;
  close(): Promise<void>;
}

/** MongoDB allows names of 63 bytes; what is added takes 15. */
const NAME_BYTES = 40;

/**
 * Runs a drill on a database of its own, beside the configured one, and drops it afterwards; also after Ctrl-C.
 * @param openPlace for a drill that needs servers of its own
 * @returns the exit code: 0 where the drill passed
 */
export async function withScratch(
  { variables, signals, program, logTo }: DrillContext,
  report: DrillReport,
  drill: (scratch: Scratch) => Promise<void>,
  openPlace: (settings: MongoSettings, log: Logger) => Promise<ScratchServer> = openConfigured,
): Promise<number> {
  const settings = readSettings(variables);
  const log = openLog({
    level: settings.logLevel === 'info' ? 'error' : settings.logLevel,
    pretty: true,
    ...(logTo === undefined ? {} : { destination: logTo }),
  });
  const stop = stopOnSignal(signals);
  const place = await openPlace(mongoSettingsOf(settings), log);
  const name = `${settings.database.slice(0, NAME_BYTES)}_drill_${randomBytes(4).toString('hex')}`;
  const closers: (() => Promise<void> | void)[] = [];
  const onClose = (close: () => Promise<void> | void): void => void closers.push(close);
  try {
    report.say(place.words(name));
    await drill({
      name,
      variables: { ...variables, MONGODB_URI: place.uri, WAYBILL_DATABASE: name },
      program,
      uri: place.uri,
      signal: stop.signal,
      onClose,
      openStore: async () => {
        const client = createClient(place.uri);
        onClose(() => client.close());
        const db = client.db(name);
        const store = await openStore({ client, db, log, definitions: eventDefinitions, projections });
        onClose(() => store.snapshots.close());
        return store;
      },
    });
    return report.verdict();
  } catch (error) {
    if (!stop.signal.aborted) throw error;
    return report.stopped();
  } finally {
    for (const close of closers.reverse()) await Promise.resolve(close()).catch(() => undefined);
    await place.client
      .db(name)
      .dropDatabase()
      .finally(() => place.close());
    stop.release();
  }
}

async function openConfigured(settings: MongoSettings, log: Logger): Promise<ScratchServer> {
  const { uri, client, close } = await openMongo(settings, log, { share: true });
  const words = (database: string): string =>
    `on a database of its own, ${database}, which is dropped afterwards`;
  return { words, uri, client, close };
}
