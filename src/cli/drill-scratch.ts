import { randomBytes } from 'node:crypto';
import { openStore, type Store } from '../eventstore/store.ts';
import { openLog } from '../log.ts';
import { eventDefinitions, projections } from '../model.ts';
import { createClient } from '../mongo/client.ts';
import { openMongo } from '../mongo/mongo.ts';
import type { Variables } from '../setting.ts';
import { mongoSettingsOf, readSettings } from '../settings.ts';
import type { DrillReport } from './drill-report.ts';
import { stopOnSignal } from './stop-signal.ts';

/** A database that nobody else uses, for as long as a drill takes. */
export interface Scratch {
  readonly name: string;
  /** As another process of Waybill is told where to work. */
  readonly variables: Variables;
  /** May hold a password. */
  readonly uri: string;
  /** Aborted when the drill is to end early. */
  readonly signal: AbortSignal;
  /** A store as one process has it, with a connection of its own; closed with the drill. */
  openStore(): Promise<Store>;
  /** Called before the database goes, the last one first. */
  onClose(close: () => Promise<void> | void): void;
}

/** MongoDB allows names of 63 bytes; what is added takes 15. */
const NAME_BYTES = 40;

/**
 * Runs a drill on a database of its own, beside the configured one, and drops it afterwards; also after Ctrl-C.
 * @returns the exit code: 0 where the drill passed
 */
export async function withScratch(
  variables: Variables,
  report: DrillReport,
  drill: (scratch: Scratch) => Promise<void>,
): Promise<number> {
  const settings = readSettings(variables);
  const log = openLog({ level: settings.logLevel === 'info' ? 'error' : settings.logLevel, pretty: true });
  const stop = stopOnSignal();
  const mongo = await openMongo(mongoSettingsOf(settings), log, { share: true });
  const name = `${settings.database.slice(0, NAME_BYTES)}_drill_${randomBytes(4).toString('hex')}`;
  const closers: (() => Promise<void> | void)[] = [];
  const onClose = (close: () => Promise<void> | void): void => void closers.push(close);
  try {
    report.say(`on a database of its own, ${name}, which is dropped afterwards`);
    await drill({
      name,
      variables: { ...variables, MONGODB_URI: mongo.uri, WAYBILL_DATABASE: name },
      uri: mongo.uri,
      signal: stop.signal,
      onClose,
      openStore: async () => {
        const client = createClient(mongo.uri);
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
    await mongo.client.db(name).dropDatabase();
    await mongo.close();
    stop.release();
  }
}
