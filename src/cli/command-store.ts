import type { Logger } from 'pino';
import type { Store } from '../eventstore/command/store.ts';
import { openStore } from '../eventstore/open-store.ts';
import { model } from '../model.ts';
import { type Mongo, openMongo } from '../mongo/mongo.ts';
import { openLog } from '../process/log.ts';
import { mongoSettingsOf, readSettings } from '../process/settings.ts';
import type { CliContext } from './context.ts';

/** Opens the database that the gateway uses, which may run meanwhile, for one piece of work. */
export async function withDatabase<T>(
  { variables, logTo }: CliContext,
  work: (mongo: Mongo, log: Logger) => Promise<T>,
): Promise<T> {
  const settings = readSettings(variables);
  // On standard error: what a command gives goes to standard output.
  const level = settings.logLevel === 'info' ? 'warn' : settings.logLevel;
  const log = openLog({ level, pretty: true, ...(logTo === undefined ? {} : { destination: logTo }) });
  const mongo = await openMongo(mongoSettingsOf(settings), log, { share: true });
  try {
    return await work(mongo, log);
  } finally {
    await mongo.close();
  }
}

/** As `withDatabase`, with the event store on it. */
export function withStore<T>(
  context: CliContext,
  work: (store: Store, mongo: Mongo) => Promise<T>,
): Promise<T> {
  return withDatabase(context, async (mongo, log) => {
    const { client, db } = mongo;
    return work(await openStore({ client, db, log, ...model }), mongo);
  });
}
