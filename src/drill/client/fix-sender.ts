import { setTimeout as pause } from 'node:timers/promises';
import { z } from 'zod';
import type { GraphqlClient } from '../../client/graphql-client.ts';
import { openSideBySide } from '../../client/side-by-side.ts';
import type { MovingVehicle, SentFix } from '../data/fleet.ts';

/** Sends the fixes of a fleet through the public API: most of them in batches, as telematics hubs do, some one by one. */
export interface FixSender {
  /** One fix of each vehicle. */
  sendFromAll(): Promise<void>;
  /** So many fixes a second, vehicle after vehicle, until the signal comes. @returns what came of it */
  sendAtRate(perSecond: number, until: AbortSignal): Promise<SendOutcome>;
}

export interface SendOutcome {
  readonly acknowledged: number;
  /** Fixes that were not sent because too much was under way. */
  readonly skipped: number;
  readonly refused: number;
  readonly seconds: number;
}

/** Each sends what it has gathered once a second. */
const HUBS = 10;
const ROUND_MS = 1_000;
/** Of the vehicles, this share has no hub: each fix is a request of its own. */
const SINGLE_SHARE = 0.05;
/** The API takes no more in a batch. */
const BATCH = 1_000;
/** Requests on their way at once; where there would be more, the gateway is behind. */
const BATCHES_UNDER_WAY = 2 * HUBS;
const SINGLES_UNDER_WAY = 256;
/** Requests may overtake each other. */
const NO_KEYS: ReadonlySet<string> = new Set();

const TRACK_MANY = `mutation ($input: TrackLocationsInput!) {
  trackLocations(input: $input) { recorded repeated refused { code } }
}`;
const trackedMany = z.object({
  trackLocations: z.object({
    recorded: z.number(),
    repeated: z.number(),
    refused: z.array(z.object({ code: z.string() })),
  }),
});
const TRACK_ONE = `mutation ($input: TrackLocationInput!) {
  trackLocation(input: $input) { ... on VehiclePayload { repeated } ... on Refusal { code } }
}`;
const trackedOne = z.object({ trackLocation: z.object({ code: z.string().optional() }) });

interface Tally {
  acknowledged: number;
  skipped: number;
  refused: number;
}

interface Sent {
  readonly vehicle: MovingVehicle;
  readonly fix: SentFix;
}

export function openFixSender(client: GraphqlClient, fleet: readonly MovingVehicle[]): FixSender {
  const singles = Math.round(fleet.length * SINGLE_SHARE);
  let next = 0;
  const take = (many: number): MovingVehicle[] => {
    const taken = Array.from(
      { length: Math.min(many, fleet.length) },
      (_, n) => fleet[(next + n) % fleet.length],
    );
    next = (next + many) % fleet.length;
    return taken.filter((vehicle) => vehicle !== undefined);
  };
  const alone = new Set(fleet.filter((_, index) => (index * singles) % fleet.length < singles));

  const sendMany = async (vehicles: readonly MovingVehicle[], tally: Tally): Promise<void> => {
    const sent = vehicles.map(send);
    const fixes = sent.map(inputOf);
    const { trackLocations } = await client.execute(TRACK_MANY, { input: { fixes } }, trackedMany);
    acknowledge(sent);
    tally.acknowledged += trackLocations.recorded + trackLocations.repeated;
    tally.refused += trackLocations.refused.length;
  };
  const sendOne = async (vehicle: MovingVehicle, tally: Tally): Promise<void> => {
    const sent = send(vehicle);
    const { trackLocation } = await client.execute(TRACK_ONE, { input: inputOf(sent) }, trackedOne);
    acknowledge([sent]);
    if (trackLocation.code === undefined) tally.acknowledged += 1;
    else tally.refused += 1;
  };

  return {
    async sendFromAll() {
      const tally = newTally();
      for (let first = 0; first < fleet.length; first += BATCH)
        await sendMany(fleet.slice(first, first + BATCH), tally);
      if (tally.acknowledged < fleet.length) throw new Error('Not every vehicle could report where it is.');
    },
    async sendAtRate(perSecond, until) {
      const tally = newTally();
      const began = performance.now();
      const [batches, requests] = [openSideBySide(BATCHES_UNDER_WAY), openSideBySide(SINGLES_UNDER_WAY)];
      const failure = (): unknown => batches.failure() ?? requests.failure();
      for (let round = 0, done = 0; !until.aborted && failure() === undefined; round++) {
        await pause(Math.max(0, began + (round * ROUND_MS) / HUBS - performance.now()));
        const due = Math.round(((round + 1) * perSecond) / HUBS) - done;
        done += due;
        const vehicles = take(due);
        tally.skipped += due - vehicles.length;
        const together = vehicles.filter((vehicle) => !alone.has(vehicle));
        for (let first = 0; first < together.length; first += BATCH) {
          const batch = together.slice(first, first + BATCH);
          if (batches.isFull()) tally.skipped += batch.length;
          else void batches.start(NO_KEYS, () => sendMany(batch, tally));
        }
        for (const vehicle of vehicles)
          if (!alone.has(vehicle)) continue;
          else if (requests.isFull()) tally.skipped += 1;
          else void requests.start(NO_KEYS, () => sendOne(vehicle, tally));
      }
      await Promise.all([batches.settled(), requests.settled()]);
      if (failure() !== undefined) throw failure();
      return { ...tally, seconds: (performance.now() - began) / 1_000 };
    },
  };
}

function send(vehicle: MovingVehicle): Sent {
  return { vehicle, fix: vehicle.advance() };
}

function inputOf({ vehicle, fix }: Sent): Record<string, unknown> {
  const { longitude, latitude, occurredAt } = fix;
  const moving = { speedMps: 13.5, headingDeg: 90, accuracyM: 5 };
  return { vehicleId: vehicle.id, longitude, latitude, occurredAt: occurredAt.toISOString(), ...moving };
}

function acknowledge(sent: readonly Sent[]): void {
  const now = performance.now();
  for (const { fix } of sent) fix.acknowledgedAt = now;
}

function newTally(): Tally {
  return { acknowledged: 0, skipped: 0, refused: 0 };
}
