import { pino } from 'pino';
import { openMongo } from '../../src/mongo/mongo.ts';

/**
 * A process like the gateway, for tests that kill it: opens MongoDB on the folder given as its first argument (`share` as the
 * second joins), tells its parent over IPC, closes when told to.
 */
const [dataDir = '', mode] = process.argv.slice(2);
const log = pino({ level: 'silent' });
try {
  const mongo = await openMongo({ dataDir, databaseName: 'held' }, log, { share: mode === 'share' });
  if (mode !== 'share') await mongo.db.collection('acknowledged').insertOne({ n: 1 });
  process.on('message', async () => {
    await mongo.close();
    process.disconnect();
  });
  // As the gateway does on Ctrl-C: a last write, then the end.
  process.on('SIGINT', async () => {
    await mongo.db.collection('kept').insertOne({ last: true });
    await mongo.close();
    process.exit();
  });
  // The test has gone: so does this, and its mongod with it.
  process.on('disconnect', () => process.exit());
  // Last: whoever is told may send a signal at once, and without its handler that is the end.
  process.send?.({ uri: mongo.uri });
} catch (error) {
  process.send?.({ error: error instanceof Error ? error.message : String(error) });
  process.disconnect();
}
