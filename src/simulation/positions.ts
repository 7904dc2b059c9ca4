import { z } from 'zod';
import { type GraphqlClient, pauseFor } from '../client/graphql-client.ts';
import { countRefusal, type Summary } from './summary.ts';
import type { Vehicle } from './vehicle.ts';

const FIXES_PER_REQUEST = 500;
const PROGRESS_EVERY_MS = 1_000;

const TRACK = `mutation ($input: TrackLocationsInput!) {
  trackLocations(input: $input) { recorded refused { code } }
}`;
const tracked = z.object({
  trackLocations: z.object({ recorded: z.number(), refused: z.array(z.object({ code: z.string() })) }),
});

export interface MovingOptions {
  /** Fixes a second of each vehicle. */
  readonly rate: number;
  /** How many times faster than the clock the town lives. */
  readonly pace: number;
  readonly signal: AbortSignal;
  /** Called about once a second. */
  onProgress?(summary: Summary): void;
}

/**
 * Moves all vehicles and sends where they are, round after round; a gateway that is behind gets fewer rounds.
 * @throws RequestError; `STOPPED` when the signal comes
 */
export async function movePositions(
  client: GraphqlClient,
  vehicles: readonly Vehicle[],
  { rate, pace, signal, onProgress }: MovingOptions,
  summary: Summary,
): Promise<void> {
  let sending: Promise<void> | undefined;
  let failed: unknown;
  let [movedAt, shownAt] = [Date.now(), Date.now()];
  for (;;) {
    await pauseFor(1000 / rate, signal);
    if (failed !== undefined) throw failed;
    const now = Date.now();
    for (const vehicle of vehicles) vehicle.advance(((now - movedAt) / 1000) * pace);
    movedAt = now;
    if (sending === undefined) {
      sending = send(client, vehicles, summary)
        .catch((error: unknown) => {
          failed = error;
        })
        .finally(() => {
          sending = undefined;
        });
    } else summary.skippedRounds += 1;
    if (now - shownAt < PROGRESS_EVERY_MS) continue;
    shownAt = now;
    onProgress?.(summary);
  }
}

async function send(client: GraphqlClient, vehicles: readonly Vehicle[], summary: Summary): Promise<void> {
  const at = new Date();
  for (let start = 0; start < vehicles.length; start += FIXES_PER_REQUEST) {
    const fixes = vehicles.slice(start, start + FIXES_PER_REQUEST).map((vehicle) => vehicle.fix(at));
    const { trackLocations } = await client.execute(TRACK, { input: { fixes } }, tracked);
    summary.fixes += trackLocations.recorded;
    for (const { code } of trackLocations.refused) countRefusal(summary, code);
  }
}
