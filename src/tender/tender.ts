import type { Aggregate } from '../eventstore/aggregate.ts';
import type { StoredEvent } from '../eventstore/event.ts';
import { type Refusal, refusal } from '../refusal.ts';
import type { TenderCommand } from './command.ts';
import { decide, faultOf, forbids } from './decide.ts';
import type { TenderEvent } from './events.ts';
import { evolve } from './evolve.ts';
import { tendersRead } from './projection.ts';
import { type TenderState, unborn } from './state.ts';

/** The stream of a tender. */
export const tender: Aggregate<TenderState, TenderCommand, TenderEvent> = {
  type: 'Tender',
  stateVersion: 2,
  initial: unborn,
  evolve,
  decide,
  faultOf,
  forbids,
  projections: [tendersRead],
  refusalOf,
};

/** A late answer was refused when it was recorded, and is refused the same way when it is repeated. */
function refusalOf(events: readonly StoredEvent[]): Refusal | undefined {
  const [first] = events as readonly TenderEvent[];
  if (first?.type !== 'TenderResponseRejectedLate') return undefined;
  return refusal(first.payload.code, first.payload.message);
}
