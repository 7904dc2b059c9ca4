import { type Collection, type Db, type MongoClient, Timestamp, UUID } from 'mongodb';
import { pino } from 'pino';
import { handle } from '../../src/eventstore/command/handle.ts';
import type { Store } from '../../src/eventstore/command/store.ts';
import type { StoredEvent } from '../../src/eventstore/event.ts';
import { newId } from '../../src/eventstore/ids.ts';
import { EVENT_INDEXES } from '../../src/eventstore/indexes.ts';
import { openStore } from '../../src/eventstore/open-store.ts';
import { bareCounter, count, counterEvents, countersRead } from '../eventstore/counter.ts';
import { closedLoop, compare, type Findings, type Line, type Plan, scaled, spread } from './measure.ts';

const CONCURRENCY = 32;
const OPERATIONS = 3_000;
const BATCH = 500;
const GROWTH = 50_000;

/** Appends beside the raw driver, on the same documents and indexes. */
export async function benchAppend(client: MongoClient, db: Db, plan: Plan): Promise<Findings> {
  const operations = scaled(plan, OPERATIONS, CONCURRENCY);
  const store = await openStore({
    client,
    db,
    log: pino({ level: 'silent' }),
    definitions: counterEvents,
    projections: [countersRead],
    workflows: [],
  });
  const raw = db.collection<StoredEvent>('raw', { writeConcern: { w: 'majority', journal: true } });
  for (const { keys, unique } of EVENT_INDEXES)
    await raw.createIndex({ ...keys }, { unique: unique ?? false });
  const sample = await sampleEvent(store);
  const one = newId();
  const rowed = Array.from({ length: 200 }, newId);
  const rawInsertOne = {
    name: 'raw insertOne, c32',
    run: () => closedLoop(operations, CONCURRENCY, () => raw.insertOne(copyOf(sample))),
  };
  const others = [
    {
      name: 'append, a stream each, c32',
      atLeast: 3,
      run: () =>
        closedLoop(operations, CONCURRENCY, () =>
          handle(store, count(newId(), { aggregate: bareCounter, creates: true })),
        ),
    },
    {
      name: 'append, all on one stream, c32',
      atLeast: 3,
      run: () =>
        closedLoop(operations, CONCURRENCY, () => handle(store, count(one, { aggregate: bareCounter }))),
    },
    {
      name: 'append with an inline row, 200 streams, c32',
      atLeast: 2,
      run: () =>
        closedLoop(operations, CONCURRENCY, (i) => handle(store, count(rowed[i % rowed.length] ?? one))),
    },
    { name: `raw insertMany of ${BATCH}`, run: () => insertBatches(raw, sample, operations * 4) },
  ];
  const lines = await compare(rawInsertOne, others, plan);
  return { lines: [...lines, await growth(store, plan)] };
}

async function sampleEvent(store: Store): Promise<StoredEvent> {
  const outcome = await handle(store, count(newId()));
  const [event] = outcome.events;
  if (event === undefined) throw new Error('The sample was not recorded.');
  return event;
}

function copyOf(event: StoredEvent): StoredEvent {
  return { ...event, _id: new UUID(), aggregateId: new UUID(), loggedAt: new Timestamp(0n) };
}

async function insertBatches(
  raw: Collection<StoredEvent>,
  sample: StoredEvent,
  atLeast: number,
): Promise<number> {
  let done = 0;
  for (; done < atLeast; done += BATCH) {
    await raw.insertMany(
      Array.from({ length: BATCH }, () => copyOf(sample)),
      { ordered: false },
    );
  }
  return done;
}

/** The rate of the last tenth of a stream's growth beside that of its first tenth. */
async function growth(store: Store, plan: Plan): Promise<Line> {
  const events = scaled(plan, GROWTH, 10 * CONCURRENCY);
  const id = newId();
  const tenths: number[] = [];
  for (let tenth = 0; tenth < 10; tenth++) {
    const started = performance.now();
    await closedLoop(events / 10, CONCURRENCY, () => handle(store, count(id, { aggregate: bareCounter })));
    tenths.push(events / 10 / (performance.now() - started));
  }
  const first = tenths[0] ?? Number.NaN;
  const ratio = spread(tenths.slice(1).map((rate) => rate / first));
  return {
    what: `append as a stream grows to ${events.toLocaleString('en')} events`,
    against: 'its first tenth',
    ratio,
    wanted: 'flat',
    ok: ratio.median >= 0.8,
  };
}
