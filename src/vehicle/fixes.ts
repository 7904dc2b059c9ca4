import type { Outcome } from '../eventstore/command/intent.ts';
import { isWellFormed } from '../eventstore/payload.ts';
import { type Context, requireAccess, stamp, type TenantIntent } from '../graphql/context.ts';
import { keyFault } from '../graphql/inputs.ts';
import { complaintAbout } from '../graphql/well-formed.ts';
import { type Refusal, refusal } from '../refusal.ts';
import type { TrackLocation, VehicleCommand } from './decide.ts';
import type { FixPayload } from './events.ts';
import { isNamed, vehicleIds } from './look-up.ts';
import { fixEventId } from './position.ts';
import { READINGS, type Reading, type ReadingWarning, readingFault } from './readings.ts';
import type { VehicleState } from './state.ts';
import { vehicle } from './vehicle.ts';

const NO_WARNINGS: readonly ReadingWarning[] = [];

type Loose<T> = { readonly [K in keyof T]: T[K] | null };

/** A fix as a client gives it; null means the same as absent, and so does a reading that was not measured. */
export interface FixFields extends Loose<Omit<FixPayload, 'longitude' | 'latitude'>> {
  readonly longitude: number;
  readonly latitude: number;
}

/** What identifies a fix, as far as the client gave it. */
export interface FixIdentity {
  readonly key?: string | null | undefined;
  readonly occurredAt?: Date | null | undefined;
}

/**
 * The intent to record a fix. With a key, the key identifies it; without one, vehicle, device and occurredAt do;
 * with neither key nor occurredAt it is a fix of its own (two of one millisecond are two). When it comes again, its
 * coordinates and readings must be the same.
 */
export function fixIntent(
  context: Context,
  vehicleId: string,
  fields: FixFields,
  { key, occurredAt }: FixIdentity,
): TenantIntent<VehicleState, VehicleCommand> {
  const fix = payloadOf(fields);
  const base = stamp(context, { occurredAt });
  const keyed = typeof key === 'string';
  const command: TrackLocation = { type: 'TrackLocation', fix, keyed, ...base };
  if (keyed) {
    const input = occurredAt ? { fix, occurredAt } : fix;
    return { aggregate: vehicle, id: vehicleId, command, input, key };
  }
  const { tenantId } = requireAccess(context);
  const name = occurredAt ? fix.deviceId : context.store.newId(vehicle.type);
  const eventId = fixEventId(tenantId, vehicleId, name, base.occurredAt);
  return { aggregate: vehicle, id: vehicleId, command, input: fix, eventId };
}

/**
 * What is recorded of a fix: readings that were not measured are left out (`readings.ts`), so that a fix with -1 for
 * its heading and the same fix without a heading are one. Thousands of these are made a second, so fields are copied by
 * name and not by a general function.
 */
export function payloadOf(fields: FixFields): FixPayload {
  const fix: Record<string, unknown> & { longitude: number; latitude: number } = {
    longitude: fields.longitude,
    latitude: fields.latitude,
  };
  if (fields.deviceId !== undefined && fields.deviceId !== null) fix.deviceId = fields.deviceId;
  for (const name of READINGS) {
    const value = fields[name];
    if (value === undefined || value === null || readingFault(name, value) !== undefined) continue;
    fix[name] = value;
  }
  return fix;
}

/** The readings that are left out of a fix, though they were given. */
export function warningsOf(fields: Pick<FixFields, Reading>): readonly ReadingWarning[] {
  let warnings: ReadingWarning[] | undefined;
  for (const field of READINGS) {
    const value = fields[field];
    if (value === undefined || value === null) continue;
    const code = readingFault(field, value);
    if (code === undefined) continue;
    warnings ??= [];
    warnings.push({ field, code, value });
  }
  return warnings ?? NO_WARNINGS;
}

/** A batch of fixes as a client sends it. */
export interface Fixes {
  readonly fixes: readonly (FixFields & Naming & { readonly occurredAt?: Date | null | undefined })[];
  /** Names those fixes that have neither a key nor an occurredAt. */
  readonly idempotencyKey?: string | null | undefined;
  /** Of fixes without one of their own. */
  readonly occurredAt?: Date | null | undefined;
}

/** A fix that was not recorded; `index` is its place in the batch, from 0. */
export interface FixRefusal {
  readonly index: number;
  readonly refusal: Refusal;
}

/** A reading that was left out of a fix of a batch; `index` is the fix's place, from 0. */
export interface FixWarning extends ReadingWarning {
  readonly index: number;
}

/** What became of a batch. */
export interface FixesOutcome {
  recorded: number;
  repeated: number;
  readonly refused: FixRefusal[];
  /** Of the fixes that are recorded. */
  readonly warnings: FixWarning[];
}

/**
 * Records a batch of fixes, each on its own: one that is refused leaves the others alone, and the client reads in
 * `refused` which one it was and why.
 */
export function trackAll(context: Context, batch: Fixes): Promise<FixesOutcome> {
  const intentOf = (
    id: string,
    fix: Fixes['fixes'][number],
    index: number,
  ): TenantIntent<VehicleState, VehicleCommand> => {
    const occurredAt = fix.occurredAt ?? batch.occurredAt;
    const batchKey = occurredAt || !batch.idempotencyKey ? null : `${batch.idempotencyKey}/${index}`;
    return fixIntent(context, id, fix, { key: fix.idempotencyKey ?? batchKey, occurredAt });
  };
  return eachFix(context, batch.fixes, intentOf, (intents) => context.store.handleMany(intents));
}

/**
 * Finds the vehicles of a batch, asks for what is to become of each fix, and counts what did.
 * @param ask what is asked for a fix of a vehicle, whose id is a UUID in text form
 * @param give gives all that is asked at once; the outcomes are in its order
 */
export async function eachFix<F extends FixFields & Naming, A>(
  context: Context,
  fixes: readonly F[],
  ask: (vehicleId: string, fix: F, index: number) => A,
  give: (asked: readonly A[]) => Promise<readonly Outcome[]>,
): Promise<FixesOutcome> {
  const ids = await vehiclesOf(context, fixes);
  const total: FixesOutcome = { recorded: 0, repeated: 0, refused: [], warnings: [] };
  const asked: A[] = [];
  const indexes: number[] = [];
  for (const [index, fix] of fixes.entries()) {
    const id = ids[index] ?? refusal('NOT_FOUND');
    if (typeof id === 'string') {
      asked.push(ask(id, fix, index));
      indexes.push(index);
    } else total.refused.push({ index, refusal: id });
  }
  for (const [at, outcome] of (await give(asked)).entries()) {
    const index = indexes[at] ?? 0;
    countFix(total, index, outcome, fixes[index]);
  }
  total.refused.sort((a, b) => a.index - b.index);
  return total;
}

/** What a fix of a batch, or a correction of one, is named by. */
export interface Naming {
  readonly vehicleId?: string | null | undefined;
  readonly licensePlate?: string | null | undefined;
  readonly deviceId?: string | null | undefined;
  readonly idempotencyKey?: string | null | undefined;
}

/** The vehicles that those of a batch are of, each with its own reason where there is none. */
async function vehiclesOf(context: Context, batch: readonly Naming[]): Promise<(string | Refusal)[]> {
  const malformed = batch.map(malformedText);
  // Nothing is looked up by what is no text.
  const names = batch.map(({ vehicleId: id, licensePlate }, index) =>
    malformed[index] === undefined ? { id, licensePlate } : {},
  );
  const ids = await vehicleIds(context, names);
  return batch.map(({ idempotencyKey: key }, index) => {
    const fault = malformed[index] ?? faultOf(names[index] ?? {}, key);
    return fault ?? ids[index] ?? refusal('NOT_FOUND');
  });
}

function faultOf(name: Parameters<typeof isNamed>[0], key: string | null | undefined): Refusal | undefined {
  if (!isNamed(name)) return refusal('INVALID_INPUT', 'Give vehicleId or licensePlate, exactly one of them.');
  const fault = keyFault(key);
  return fault === undefined ? undefined : refusal('INVALID_INPUT', fault);
}

/** Texts of a fix are free, or name something that was registered: neither may hold half of a character. */
function malformedText({ deviceId, licensePlate, vehicleId, idempotencyKey }: Naming): Refusal | undefined {
  for (const [name, text] of Object.entries({ deviceId, licensePlate, vehicleId, idempotencyKey }))
    if (typeof text === 'string' && !isWellFormed(text))
      return refusal('INVALID_INPUT', complaintAbout(name), name);
  return undefined;
}

/** Counts what became of a fix, and what was left out of it. */
function countFix(total: FixesOutcome, index: number, outcome: Outcome, fields: FixFields | undefined): void {
  if (outcome.kind === 'refused') {
    total.refused.push({ index, refusal: outcome.refusal });
    return;
  }
  if (outcome.repeated) total.repeated += 1;
  else total.recorded += 1;
  if (fields === undefined) return;
  for (const warning of warningsOf(fields)) total.warnings.push({ index, ...warning });
}
