import { parentPort, workerData } from 'node:worker_threads';
import { Timestamp } from 'mongodb';
import type { StoredEvent } from '../eventstore/event.ts';
import { type LoadStore, loadRange } from '../eventstore/rebuild/load.ts';
import { openRegistry } from '../eventstore/registry.ts';
import { eventDefinitions, projections } from '../model.ts';
import { createClient } from '../mongo/client.ts';
import { openLog } from './log.ts';
import type { ThreadData, ThreadJob, ThreadReply } from './replay-threads.ts';

// A thread that replays ranges of streams. `replay-threads.ts` starts it and sends it the ranges.

const { uri, database, projection: name, collection, notBefore }: ThreadData = workerData;
const projection = projections.find((known) => known.name === name);
if (projection === undefined || parentPort === null) throw new Error(`This is no thread to replay ${name}.`);

const port = parentPort;
const client = createClient(uri);
const db = client.db(database);
const store: LoadStore = {
  client,
  db,
  events: db.collection<StoredEvent>('events'),
  registry: openRegistry(eventDefinitions),
  log: openLog({ level: 'warn', pretty: false }),
};
const target = { collection, notBefore: Timestamp.fromString(notBefore, 10) };

const answer = (reply: ThreadReply): void => port.postMessage(reply);
port.on('message', ({ job, range }: ThreadJob) => {
  loadRange(store, projection, range, target).then(
    (load) => answer({ job, load }),
    (error: unknown) => answer({ job, error: error instanceof Error ? (error.stack ?? '') : String(error) }),
  );
});
