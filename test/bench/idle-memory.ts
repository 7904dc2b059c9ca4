import { type Listeners, openListeners } from './listeners.ts';
import { type Findings, type Line, type Plan, scaled, spread } from './measure.ts';
import type { Stage } from './stage.ts';

const SUBSCRIBERS = 1_500;
/** Before the first figure: what a process takes once, for code, caches, new objects and the change stream, is nobody's. */
const WARM_UP = 2_000;
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
  const opened: Listeners[] = [];
  let begun = 0;
  const subscribe = async (count: number): Promise<void> => {
    const first = begun;
    begun += count;
    const variables = (index: number) => boxOf(first + index);
    opened.push(await openListeners(gateway.url, count, 'never', { query: IN_A_BOX, token, variables }));
  };
  const used: number[] = [];
  const resident: number[] = [];
  try {
    await subscribe(scaled(plan, WARM_UP));
    for (let round = 0; round < plan.repetitions; round++) {
      const before = await gateway.memory();
      await subscribe(subscribers);
      const after = await gateway.memory();
      used.push((after.heapUsed + after.external - before.heapUsed - before.external) / subscribers);
      resident.push((after.rss - before.rss) / subscribers);
    }
  } finally {
    for (const listeners of opened) listeners.close();
  }
  return {
    lines: [lineFor('heap and buffers', used), lineFor('resident memory', resident)],
    notes: [
      `An idle subscriber with its socket: ${kib(used)} of heap and buffers, ${kib(resident)} of resident memory.`,
    ],
  };
}

function lineFor(what: string, bytes: readonly number[]): Line {
  const ratio = spread(bytes.map((some) => some / WANTED_BYTES));
  return {
    what: `an idle subscriber with its socket, ${what}`,
    against: '30 KiB',
    ratio,
    wanted: '≤ 1',
    ok: ratio.median <= 1,
  };
}

function kib(bytes: readonly number[]): string {
  return `${(spread(bytes).median / 1024).toFixed(1)} KiB`;
}
