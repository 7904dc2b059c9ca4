import { type SeededRandom, seededRandom } from '../../client/seeded-random.ts';
import type { Command } from '../../eventstore/aggregate.ts';
import type { Intent } from '../../eventstore/command/intent.ts';

/** What every command has. */
export type CommandBase = Pick<Command, 'at' | 'occurredAt' | 'by'>;

/** The tenant whose data a drill makes. */
export const DRILL_TENANT = 'drill';
/** Fleets that streams are spread over: boards of a dispatcher each. */
export const FLEETS = 20;

const BY = { id: 'drill', role: 'dispatcher' } as const;
/** This share of events is reported late, by up to so many ms. */
const LATE = { share: 0.1, byMs: 3_600_000 } as const;

/** What every command has, for one that is given now; a share of them reports what happened earlier. */
export function baseOf(random: SeededRandom): CommandBase {
  const at = new Date();
  const lateMs = random.chance(LATE.share) ? random.whole(1, LATE.byMs) : 0;
  return { at, occurredAt: new Date(at.getTime() - lateMs), by: BY };
}

/** A command as the command path takes it. With a key, a repeat of it is recognised. */
export function makeIntent(
  { aggregate }: Pick<Intent, 'aggregate'>,
  id: string,
  command: Command,
  more: Pick<Intent, 'key' | 'creates' | 'eventId'> = {},
): Intent {
  // The server's clock is no part of what was asked.
  const input = { ...command, at: undefined, by: undefined };
  return { tenantId: DRILL_TENANT, aggregate, id, command, input, origin: 'drill', ...more };
}

/** The fleet of the n-th stream. */
export function fleetOf(index: number): string {
  return `fleet-${index % FLEETS}`;
}

/** A series of its own for each purpose. */
export function randomFor(seed: string, purpose: string | number): SeededRandom {
  return seededRandom(`${seed}/${purpose}`);
}
