import { isDeepStrictEqual } from 'node:util';
import type { Outcome } from '../eventstore/command/intent.ts';
import type { StoredEvent } from '../eventstore/event.ts';
import { momentId } from '../eventstore/ids.ts';
import { present } from '../eventstore/payload.ts';
import { type Context, requireAccess, stamp, type TenantIntent } from '../graphql/context.ts';
import { toUuid } from '../graphql/global-id.ts';
import { type Refusal, refusal } from '../refusal.ts';
import type { VehicleCommand } from './decide.ts';
import type { FixPayload, VehicleEvent } from './events.ts';
import { eachFix, type FixesOutcome, type FixFields, type Naming, payloadOf } from './fixes.ts';
import { fixEventId } from './position.ts';
import type { CorrectionReason } from './reasons.ts';
import type { VehicleState } from './state.ts';
import { vehicle } from './vehicle.ts';

// A correction is told from others by its fix and by its number among the corrections of that fix, of which its event's id is
// made. What is asked is compared with the last one, so that the same again is a repeat without a key, too; a key is looked
// for among all of them. Who corrects at the same moment takes the same number, finds it taken, and is given the next.

/** What a recorded fix should have said. */
export interface FixCorrection extends FixFields {
  /** The event that recorded the fix; without it, device and occurredAt name the fix. */
  readonly eventId?: string | null | undefined;
  readonly occurredAt?: Date | null | undefined;
  readonly idempotencyKey?: string | null | undefined;
}

/** A correction of a fix of a vehicle, whose id is a UUID in text form. */
export interface AskedCorrection {
  readonly vehicleId: string;
  readonly fields: FixCorrection;
}

/** How often a correction takes the next number, where others correct the same fix at the same moment. */
const MAX_TURNS = 20;

/** A correction on its way. */
interface Pending {
  readonly place: number;
  readonly vehicleId: string;
  readonly fix: Recorded;
  readonly corrected: FixPayload;
  readonly key: string | undefined;
  /** How many corrections of the fix there are, as far as has been looked. */
  number: number;
  /** What the last of these, or the fix itself, says. */
  last: StoredEvent;
  /** The one that was asked for by the same key. */
  named?: Corrected;
}

type Recorded = Extract<VehicleEvent, { type: 'LocationTracked' }>;
type Corrected = Extract<VehicleEvent, { type: 'LocationCorrected' }>;

/**
 * Corrects fixes, each on its own, in the order given.
 * @returns for each what came of it; `repeated` where the fix says so already
 */
export async function correctFixes(
  context: Context,
  asked: readonly AskedCorrection[],
  reasonCode: CorrectionReason,
): Promise<Outcome[]> {
  const outcomes: Outcome[] = [];
  let pending = await fixesOf(context, asked, outcomes);
  for (let turn = 0; pending.length > 0 && turn < MAX_TURNS; turn += 1) {
    await lookUpLast(context, pending);
    const news: Pending[] = [];
    for (const one of pending) {
      const known = knownOutcome(one, reasonCode);
      if (known === undefined) news.push(one);
      else outcomes[one.place] = known;
    }
    const given = await context.store.handleMany(news.map((one) => intentOf(context, one, reasonCode)));
    for (const [index, outcome] of given.entries()) {
      const place = news[index]?.place;
      if (place !== undefined) outcomes[place] = outcome;
    }
    // Another one has the number: look again.
    pending = news.filter((_, index) => isTaken(given[index]));
  }
  for (const { place } of pending) outcomes[place] = refused(refusal('CONFLICT'));
  return outcomes;
}

/** The answer to what need not be recorded; undefined where it must be. */
function knownOutcome(
  { named, last, corrected }: Pending,
  reasonCode: CorrectionReason,
): Outcome | undefined {
  if (named === undefined) return isDeepStrictEqual(readingOf(last), corrected) ? repeat(last) : undefined;
  const isSame = isDeepStrictEqual(readingOf(named), corrected) && named.reasonCode === reasonCode;
  return isSame ? repeat(named) : refused(refusal('IDEMPOTENCY_KEY_REUSED'));
}

function isTaken(outcome: Outcome | undefined): boolean {
  return outcome?.kind === 'refused' && outcome.refusal.code === 'IDEMPOTENCY_KEY_REUSED';
}

/** The fixes that are to be corrected; those that are not there are refused. */
async function fixesOf(
  context: Context,
  asked: readonly AskedCorrection[],
  outcomes: Outcome[],
): Promise<Pending[]> {
  const ids = asked.map((each) => idOfFix(context, each));
  const known = ids.filter((id) => typeof id === 'string');
  const events = await context.store.eventsByIds(known);
  const byId = new Map(known.map((id, index) => [id, events[index]]));
  const pending: Pending[] = [];
  for (const [place, { vehicleId, fields }] of asked.entries()) {
    const id = ids[place];
    if (typeof id !== 'string') {
      outcomes[place] = refused(id ?? refusal('NOT_FOUND'));
      continue;
    }
    const fix = byId.get(id) as VehicleEvent | null | undefined;
    if (fix?.type !== 'LocationTracked' || fix.aggregateId.toString() !== vehicleId) {
      outcomes[place] = refused(refusal('NOT_FOUND', 'The vehicle has no such fix.', 'eventId'));
      continue;
    }
    // Which device it was is a part of which fix it is.
    const corrected = payloadOf({ ...fields, deviceId: fix.payload.deviceId ?? null });
    const key = fields.idempotencyKey ?? undefined;
    pending.push({ place, vehicleId, fix, corrected, key, number: 0, last: fix });
  }
  return pending;
}

/** A batch of corrections as a client sends it. */
export interface Corrections {
  readonly corrections: readonly (FixCorrection & Naming)[];
  readonly reasonCode: CorrectionReason;
}

/** Corrects a batch of fixes, each on its own: one that is refused leaves the others alone. */
export function correctAll(
  context: Context,
  { corrections, reasonCode }: Corrections,
): Promise<FixesOutcome> {
  const ask = (vehicleId: string, fields: FixCorrection): AskedCorrection => ({ vehicleId, fields });
  return eachFix(context, corrections, ask, (asked) => correctFixes(context, asked, reasonCode));
}

function idOfFix(context: Context, { vehicleId, fields }: AskedCorrection): string | Refusal {
  const { eventId, occurredAt, deviceId } = fields;
  if (eventId) return toUuid('Event', eventId) ?? refusal('NOT_FOUND', 'There is no such event.', 'eventId');
  if (!occurredAt) return refusal('INVALID_INPUT', 'Name the fix: by eventId, or by occurredAt.', 'eventId');
  return fixEventId(requireAccess(context).tenantId, vehicleId, deviceId, occurredAt).toString();
}

/** Goes along the corrections of each fix to the last one. */
async function lookUpLast(context: Context, pending: readonly Pending[]): Promise<void> {
  let further = pending;
  while (further.length > 0) {
    const found = await context.store.eventsByIds(further.map((one) => correctionId(one).toString()));
    further = further.filter((one, index) => {
      const event = found[index];
      if (!event) return false;
      one.number += 1;
      one.last = event;
      const told = event as VehicleEvent;
      if (one.key !== undefined && told.type === 'LocationCorrected' && told.payload.key === one.key)
        one.named = told;
      return true;
    });
  }
}

/** The id of the event of the next correction. */
function correctionId({ fix, number }: Pending): ReturnType<typeof momentId> {
  return momentId(`${fix._id}\0correction\0${number + 1}`, fix.occurredAt);
}

function intentOf(
  context: Context,
  one: Pending,
  reasonCode: CorrectionReason,
): TenantIntent<VehicleState, VehicleCommand> {
  const { vehicleId, fix, corrected, key } = one;
  const { occurredAt } = fix;
  return {
    aggregate: vehicle,
    id: vehicleId,
    command: {
      type: 'CorrectLocation',
      fixId: fix._id.toString(),
      number: one.number + 1,
      recorded: fix.payload,
      fix: corrected,
      reasonCode,
      ...present({ key }),
      ...stamp(context, { occurredAt }),
    },
    input: { corrected, reasonCode, ...present({ key }) },
    eventId: correctionId(one),
  };
}

function readingOf(event: StoredEvent): FixPayload {
  const told = event as VehicleEvent;
  return told.type === 'LocationCorrected' ? told.payload.corrected : (told as Recorded).payload;
}

function refused(why: Refusal): Outcome {
  return { kind: 'refused', refusal: why, events: [] };
}

/** What a correction comes to that says what the fix says already: nothing is recorded for it. */
function repeat(event: StoredEvent): Outcome {
  return { kind: 'recorded', events: [event], repeated: true, row: () => null };
}
