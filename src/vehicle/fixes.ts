import { builder } from '../builder.ts';
import { type Context, isCarrier, requireAccess, stamp, type TenantIntent } from '../context.ts';
import { forbidden, invalidInput } from '../errors.ts';
import type { Outcome } from '../eventstore/intent.ts';
import { type Refusal, refusal } from '../refusal.ts';
import { RefusalCodeRef } from '../refusal-graphql.ts';
import type { VehicleCommand } from './decide.ts';
import { fixIntent } from './fix-intent.ts';
import { MAX_FIXES, TrackLocationsInput } from './inputs.ts';
import { isNamed, vehicleIds } from './look-up.ts';
import type { VehicleState } from './state.ts';

type Fixes = typeof TrackLocationsInput.$inferInput;

interface FixRefusal {
  readonly index: number;
  readonly refusal: Refusal;
}

interface Tally {
  recorded: number;
  repeated: number;
  readonly refused: FixRefusal[];
}

const FixRefusalRef = builder.objectRef<FixRefusal>('FixRefusal').implement({
  description: 'A fix that was not recorded, and why.',
  fields: (t) => ({
    index: t.exposeInt('index', { description: 'Its place in `fixes`, from 0.' }),
    code: t.field({ type: RefusalCodeRef, description: 'Why.', resolve: (fix) => fix.refusal.code }),
    message: t.string({ description: 'The same for a person.', resolve: (fix) => fix.refusal.message }),
  }),
});

const TrackLocationsPayload = builder.objectRef<Tally>('TrackLocationsPayload').implement({
  description: 'What became of the fixes: recorded + repeated + refused is how many there were.',
  fields: (t) => ({
    recorded: t.exposeInt('recorded', { description: 'New.' }),
    repeated: t.exposeInt('repeated', { description: 'Recorded before, or twice in this request.' }),
    refused: t.expose('refused', { type: [FixRefusalRef], description: 'In the order of `fixes`.' }),
  }),
});

/** Records fixes, each on its own: what is wrong with one is told of it and concerns no other. */
async function trackAll(context: Context, { fixes, idempotencyKey, occurredAt }: Fixes): Promise<Tally> {
  const { tenantId } = requireAccess(context);
  const names = fixes.map(({ vehicleId: id, licensePlate }) => ({ id, licensePlate }));
  const ids = await vehicleIds(context, names);
  const base = stamp(context, { occurredAt });
  const tally: Tally = { recorded: 0, repeated: 0, refused: [] };
  const intents: TenantIntent<VehicleState, VehicleCommand>[] = [];
  const places: number[] = [];
  for (const [index, fix] of fixes.entries()) {
    const id = ids[index];
    const fault = faultOf(names[index] ?? {}, id, fix.idempotencyKey);
    if (id === undefined || fault !== undefined) {
      tally.refused.push({ index, refusal: fault ?? refusal('NOT_FOUND') });
      continue;
    }
    const stamped = fix.occurredAt ? { ...base, occurredAt: fix.occurredAt } : base;
    const key =
      fix.idempotencyKey ?? (fix.occurredAt || !idempotencyKey ? null : `${idempotencyKey}/${index}`);
    intents.push(fixIntent(tenantId, id, key === null ? fix : { ...fix, idempotencyKey: key }, stamped));
    places.push(index);
  }
  const outcomes = await context.store.handleMany(intents);
  for (const [at, outcome] of outcomes.entries()) count(tally, places[at] ?? 0, outcome);
  tally.refused.sort((a, b) => a.index - b.index);
  return tally;
}

function faultOf(
  name: Parameters<typeof isNamed>[0],
  id: string | undefined,
  key: string | null | undefined,
): Refusal | undefined {
  if (!isNamed(name)) return refusal('INVALID_INPUT', 'Give vehicleId or licensePlate, exactly one of them.');
  if (id === undefined) return refusal('NOT_FOUND', 'There is no such vehicle.');
  if (key === '') return refusal('INVALID_INPUT', 'A key must not be empty.');
  return undefined;
}

function count(tally: Tally, index: number, outcome: Outcome): void {
  if (outcome.kind === 'refused') tally.refused.push({ index, refusal: outcome.refusal });
  else if (outcome.repeated) tally.repeated += 1;
  else tally.recorded += 1;
}

builder.mutationField('trackLocations', (t) =>
  t.field({
    type: TrackLocationsPayload,
    description: `Up to ${MAX_FIXES} fixes of any vehicles. Each is answered on its own; one bad fix spoils no other.`,
    args: { input: t.arg({ type: TrackLocationsInput, required: true }) },
    resolve: (_root, { input }, context) => {
      if (isCarrier(requireAccess(context))) throw forbidden();
      if (input.fixes.length > MAX_FIXES) throw invalidInput(`At most ${MAX_FIXES} fixes at once.`, 'fixes');
      return trackAll(context, input);
    },
  }),
);
