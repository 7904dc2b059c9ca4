import { setTimeout as pause } from 'node:timers/promises';
import { type Db, Timestamp } from 'mongodb';

/** Room for the history of changes, in MB: small, so that it is soon gone. */
export const OPLOG_MB = 16;

const LIMIT_MS = 60_000;
const PAUSE_MS = 50;
const MB = 1_048_576;
const FILLER = 'drill_filler';

/**
 * Writes until the oldest change that the database keeps is younger than `moment`.
 * @returns how much was written, in MB
 */
export async function rollOver(db: Db, moment: Timestamp, signal: AbortSignal): Promise<number> {
  const filler = db.collection(FILLER);
  const oplog = db.client.db('local').collection('oplog.rs');
  const bytes = Buffer.alloc(MB);
  const deadline = performance.now() + LIMIT_MS;
  for (let mb = 0; ; mb++) {
    signal.throwIfAborted();
    const oldest = await oplog.findOne({}, { sort: { $natural: 1 }, projection: { ts: 1 } });
    if (oldest?.ts instanceof Timestamp && oldest.ts.greaterThan(moment)) {
      await filler.drop();
      return mb;
    }
    if (performance.now() > deadline) throw new Error('The database forgets nothing.');
    await filler.insertOne({ bytes });
    // Old changes are removed now and then only: more writing would not hasten that.
    if (mb > 2 * OPLOG_MB) await pause(PAUSE_MS);
  }
}
