import { randomBytes } from 'node:crypto';
import type { MongoClient } from 'mongodb';
import type { DestinationStream, Logger } from 'pino';
import { noteAdminAction } from '../eventstore/admin-actions.ts';
import type { Store } from '../eventstore/command/store.ts';
import { openStore } from '../eventstore/open-store.ts';
import { model } from '../model.ts';
import { createClient } from '../mongo/client.ts';
import { type MongoSettings, openMongo } from '../mongo/mongo.ts';
import { openLog } from '../process/log.ts';
import { operator } from '../process/operator.ts';
import type { Variables } from '../process/setting.ts';
import { mongoSettingsOf, readSettings } from '../process/settings.ts';
import { type SignalSource, stopOnSignal } from '../process/stop-signal.ts';
import type { DrillReport } from './report.ts';

// A drill tries on made-up data that a promise of Waybill holds. In: how much of everything, a seed, and where MongoDB is.
// Out: lines that say what was done, a verdict, an exit code, and an entry in the admin log; nothing else is left.
// How one is made: `waybill drill NAME` (cli/drill*.ts) opens a report and calls `withScratch`, here, which runs the drill on a
// database that nobody else uses, and drops it. The drill itself (replay.ts, duplicates.ts, drift.ts: the log and its rows;
// reconnect.ts, failover.ts, rollover.ts: processes that die; restore.ts: a copy on another server; stalled.ts, capacity.ts: many subscribers) puts together
//   data/      commands and streams that are made up, and whole logs of them
//   process/   gateways, rebuilds and mongods in processes of their own, and how they are killed
//   client/    those who write, read and subscribe, through the API or in this process; each reports what it sees go wrong
//   check/     what must hold in the end: of the log, of rows, of screens, of what subscribers received
// and gives each step to report.ts, which prints how long it took. What a drill opens, it gives to `onClose`.

/** What a process hands to a drill. */
export interface DrillContext {
  /** What was typed after `waybill`. */
  readonly args: readonly string[];
  readonly variables: Variables;
  readonly signals: SignalSource;
  /** The program's own file: drills start gateways with it. */
  readonly program: string;
  /** Where the log goes; without it to standard error. */
  readonly logTo?: DestinationStream;
}

/** A database that nobody else uses, for as long as a drill takes. */
export interface Scratch {
  readonly name: string;
  /** The environment for other processes of Waybill: it names this database. */
  readonly variables: Variables;
  /** The file of Waybill's program, for processes of a drill's own. */
  readonly program: string;
  /** May hold a password. */
  readonly uri: string;
  /** Aborted when the drill is to end early. */
  readonly signal: AbortSignal;
  /** A store as one process has it, with a connection of its own, here or on another server; closed with the drill. */
  openStore(uri?: string): Promise<Store>;
  /** Takes what is to be called before the database is dropped, the last one first. */
  onClose(close: () => Promise<void> | void): void;
}

/** The MongoDB that the scratch database is on. */
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
 * @param openServer for a drill that needs servers of its own
 * @returns the exit code: 0 where the drill passed
 */
export async function withScratch(
  { args, variables, signals, program, logTo }: DrillContext,
  report: DrillReport,
  drill: (scratch: Scratch) => Promise<void>,
  openServer: (settings: MongoSettings, log: Logger) => Promise<ScratchServer> = openConfigured,
): Promise<number> {
  const settings = readSettings(variables);
  const log = openLog({
    level: settings.logLevel === 'info' ? 'error' : settings.logLevel,
    pretty: true,
    ...(logTo === undefined ? {} : { destination: logTo }),
  });
  const stop = stopOnSignal(signals);
  const server = await openServer(mongoSettingsOf(settings), log);
  const name = `${settings.database.slice(0, NAME_BYTES)}_drill_${randomBytes(4).toString('hex')}`;
  const closers: (() => Promise<void> | void)[] = [];
  const onClose = (close: () => Promise<void> | void): void => void closers.push(close);
  try {
    report.say(server.words(name));
    // A server of the drill's own goes with it.
    if (openServer === openConfigured)
      await noteAdminAction(server.client.db(settings.database), {
        who: operator(),
        what: 'drill',
        details: { arguments: args.join(' '), database: name },
      });
    await drill({
      name,
      variables: { ...variables, MONGODB_URI: server.uri, MONGODB_URI_FILE: '', WAYBILL_DATABASE: name },
      program,
      uri: server.uri,
      signal: stop.signal,
      onClose,
      openStore: (uri = server.uri) => openDrillStore(uri, name, log, onClose),
    });
    return report.verdict();
  } catch (error) {
    if (!stop.signal.aborted) throw error;
    return report.stopped();
  } finally {
    for (const close of closers.reverse()) await Promise.resolve(close()).catch(() => undefined);
    await server.client
      .db(name)
      .dropDatabase()
      .finally(() => server.close());
    stop.release();
  }
}

async function openDrillStore(
  uri: string,
  name: string,
  log: Logger,
  onClose: Scratch['onClose'],
): Promise<Store> {
  const client = createClient(uri);
  onClose(() => client.close());
  const store = await openStore({ client, db: client.db(name), log, ...model });
  onClose(() => store.snapshots.close());
  return store;
}

async function openConfigured(settings: MongoSettings, log: Logger): Promise<ScratchServer> {
  const { uri, client, close } = await openMongo(settings, log, { share: true });
  const words = (database: string): string =>
    `on a database of its own, ${database}, which is dropped afterwards`;
  return { words, uri, client, close };
}
