import { type Collection, type Db, type Document, UUID } from 'mongodb';
import type { StoredEvent } from '../../src/eventstore/event.ts';
import { EVENT_INDEXES } from '../../src/eventstore/indexes.ts';
import { fixEventId } from '../../src/vehicle/position.ts';

/** A fix as a client sends it. */
export interface ClientFix {
  readonly vehicleId: string;
  readonly longitude: number;
  readonly latitude: number;
  readonly speedMps: number;
  readonly headingDeg: number;
  readonly occurredAt: string;
}

const DAY_MS = 86_400_000;

/** Makes rounds of fixes, one of each vehicle, whose moments rise by a second from round to round. */
export function openFixes(vehicleIds: readonly string[]): {
  /** The next round's fix of each vehicle. */
  round(): ClientFix[];
} {
  // All of them in the past; the device's clock and ours are one.
  let moment = Date.now() - 60 * DAY_MS;
  return {
    round() {
      moment += 1_000;
      const occurredAt = new Date(moment).toISOString();
      return vehicleIds.map((vehicleId, index) => ({
        vehicleId,
        longitude: -97.7 + index / 10_000,
        latitude: 30.2 + (moment % 100_000) / 1e6,
        speedMps: index % 30,
        headingDeg: index % 360,
        occurredAt,
      }));
    },
  };
}

/** A collection with the indexes and the write concern of the log, for raw writes beside it. */
export async function openRawLog<T extends Document>(db: Db, name: string): Promise<Collection<T>> {
  const raw = db.collection<T>(name, { writeConcern: { w: 'majority', journal: true } });
  for (const { keys, unique } of EVENT_INDEXES)
    await raw.createIndex({ ...keys }, { unique: unique ?? false });
  return raw;
}

/** Documents like those that the gateway records, made from one of them: a round, one of each vehicle, each time. */
export function openDocuments(sample: StoredEvent, vehicles: number): { round(): StoredEvent[] } {
  const ids = Array.from({ length: vehicles }, () => new UUID());
  let sequence = 1;
  let moment = Date.now() - 60 * DAY_MS;
  return {
    round() {
      sequence += 1;
      moment += 1_000;
      const occurredAt = new Date(moment);
      return ids.map((aggregateId) => ({
        ...sample,
        _id: fixEventId(sample.tenantId, aggregateId.toString(), null, occurredAt),
        aggregateId,
        sequence,
        occurredAt,
        recordedAt: new Date(),
      }));
    },
  };
}
