import { openListeners } from './listeners.ts';
import { type Findings, type Plan, scaled, spread } from './measure.ts';
import type { Stage } from './stage.ts';

const SUBSCRIBERS = 1_000;
/** Before the first figure: what a process takes once, for code, caches and the change stream, is nobody's. */
const WARM_UP = 300;
const WANTED_BYTES = 30 * 1024;

const IN_A_BOX = `subscription($within: BoundingBox!) {
  vehicleChanges(filter: { within: $within }, maxPerSecond: 1) {
    __typename
    ... on VehiclesSnapshot { complete vehicles { id position { longitude latitude } } }
    ... on VehiclesMoved { vehicles { id position { longitude latitude } } }
    ... on VehiclesLeft { ids }
  }
}`;

/** Each looks at a place of its own. */
function boxOf(index: number): object {
  const west = -120 + (index % 100) * 0.4;
  const south = 30 + Math.floor(index / 100) * 0.3;
  return { within: { west, south, east: west + 0.4, north: south + 0.3 } };
}

/**
 * What a subscriber costs to whom nothing happens, socket included: what a gateway's memory grows by with so many
 * more of them.
 */
export async function benchIdleMemory({ gateway, token }: Stage, plan: Plan): Promise<Findings> {
  const subscribers = scaled(plan, SUBSCRIBERS);
  const subscribe = (count: number, from: number) =>
    openListeners(gateway.url, count, 'never', {
      query: IN_A_BOX,
      token,
      variables: (index) => boxOf(from + index),
    });
  const opened = [await subscribe(WARM_UP, 0)];
  const heaps: number[] = [];
  const resident: number[] = [];
  try {
    for (let round = 0; round < plan.repetitions; round++) {
      const before = await gateway.memory();
      opened.push(await subscribe(subscribers, WARM_UP + round * subscribers));
      const after = await gateway.memory();
      heaps.push((after.heapUsed + after.external - before.heapUsed - before.external) / subscribers);
      resident.push((after.rss - before.rss) / subscribers);
    }
  } finally {
    for (const listeners of opened) listeners.close();
  }
  const ratio = spread(heaps.map((bytes) => bytes / WANTED_BYTES));
  const what = `memory of an idle subscriber with its socket, ${subscribers.toLocaleString('en')} more of them`;
  return {
    lines: [{ what, against: '30 KiB', ratio, wanted: '≤ 1', ok: ratio.median <= 1 }],
    notes: [
      `An idle subscriber with its socket: ${kib(heaps)} of heap and buffers, ${kib(resident)} of resident memory ` +
        '(median of rounds).',
    ],
  };
}

function kib(bytes: readonly number[]): string {
  return `${(spread(bytes).median / 1024).toFixed(1)} KiB`;
}
