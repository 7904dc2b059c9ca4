import type { MongoClient } from 'mongodb';
import { pino } from 'pino';
import type { Aggregate, Command } from '../../src/eventstore/aggregate.ts';
import { handle } from '../../src/eventstore/command/handle.ts';
import type { Store } from '../../src/eventstore/command/store.ts';
import { type Feed, openFeed } from '../../src/eventstore/feed/feed.ts';
import { newId } from '../../src/eventstore/ids.ts';
import { openStore } from '../../src/eventstore/open-store.ts';
import { startProjector } from '../../src/eventstore/projection/projector.ts';
import { rowsOf } from '../../src/eventstore/projection/rows.ts';
import { model, projections } from '../../src/model.ts';
import { tendersRead } from '../../src/tender/projection.ts';
import { tender } from '../../src/tender/tender.ts';
import { fleetStatus } from '../../src/vehicle/projection.ts';
import { vehicle } from '../../src/vehicle/vehicle.ts';
import { openArrivals, type Watcher } from './watchers.ts';

/** A write of the event store, and a subscriber of its feed: the same without HTTP as the raw driver has it. */
export interface StoreWay extends Watcher {
  write(): Promise<unknown>;
}

export interface StoreWays {
  readonly tender: StoreWay;
  readonly fix: StoreWay;
  close(): Promise<void>;
}

const TENANT = 'demo';
const BY = { id: 'bench', role: 'dispatcher' } as const;

/** Opens a store, a projector and a feed in this process, on a database of their own. */
export async function openStoreWays(client: MongoClient): Promise<StoreWays> {
  const db = client.db('bench_store_latency');
  await db.dropDatabase();
  const log = pino({ level: 'silent' });
  const store = await openStore({ client, db, log, ...model });
  const projector = await startProjector(store, projections);
  const feed = openFeed(store);
  return {
    tender: await tenderWay(store, feed),
    fix: await fixWay(store, feed),
    async close() {
      feed.close();
      await projector.stop();
      await db.dropDatabase();
    },
  };
}

function now(): Pick<Command, 'at' | 'occurredAt' | 'by'> {
  const at = new Date();
  return { at, occurredAt: at, by: BY };
}

async function tell<S, C extends Command>(store: Store, aggregate: Aggregate<S, C>, id: string, command: C) {
  const outcome = await handle(store, {
    tenantId: TENANT,
    aggregate,
    id,
    command,
    input: {},
    origin: 'bench',
  });
  if (outcome.kind === 'refused') throw new Error(`${command.type} was refused: ${outcome.refusal.code}`);
}

async function tenderWay(store: Store, feed: Feed): Promise<StoreWay> {
  const id = newId();
  const place = { longitude: -97.7, latitude: 30.2 };
  const stops = [
    { kind: 'PICKUP', name: 'Austin', ...place },
    { kind: 'DELIVERY', name: 'Dallas', ...place },
  ] as const;
  await tell(store, tender, id, { type: 'CreateTender', details: { stops: [...stops] }, ...now() });
  const changes = feed.ordered({
    tenantId: TENANT,
    projection: tendersRead,
    filter: {},
    matches: () => true,
  });
  const arrivals = await watch(changes, 'tender', 'updated');
  let weightKg = 0;
  return {
    ...arrivals,
    write: () => {
      weightKg += 1;
      return tell(store, tender, id, { type: 'AmendTender', changes: { weightKg }, ...now() });
    },
  };
}

async function fixWay(store: Store, feed: Feed): Promise<StoreWay> {
  const id = newId();
  await tell(store, vehicle, id, { type: 'RegisterVehicle', licensePlate: 'BENCH 1', ...now() });
  // The projector tells of the registration first; the measurement begins behind that.
  while ((await rowsOf(store, TENANT, fleetStatus).byId(id)) === null);
  const selection = { tenantId: TENANT, projection: fleetStatus, filter: {}, matches: () => true };
  const arrivals = await watch(feed.latest(selection, {}), 'vehicle', 'moved');
  return {
    ...arrivals,
    write: () => {
      const fix = { longitude: -97.7, latitude: 30.2, speedMps: 3, headingDeg: 90 };
      return tell(store, vehicle, id, { type: 'TrackLocation', fix, keyed: false, ...now() });
    },
  };
}

/** Notes each item of a kind; resolves once the snapshot is complete. */
async function watch(
  items: AsyncIterableIterator<{ readonly kind: string; readonly complete?: boolean }>,
  what: string,
  kind: string,
): Promise<Watcher> {
  const arrivals = openArrivals(what);
  for (let complete = false; !complete; ) {
    const { value } = await items.next();
    complete = value?.complete === true;
  }
  const follow = async (): Promise<void> => {
    for await (const item of items) if (item.kind === kind) arrivals.note();
  };
  void follow();
  return { arrival: arrivals.expect, close: async () => void (await items.return?.()) };
}
