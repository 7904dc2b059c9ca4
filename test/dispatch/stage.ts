import { pino } from 'pino';
import type { Command } from '../../src/eventstore/aggregate.ts';
import { handle } from '../../src/eventstore/command/handle.ts';
import type { Outcome } from '../../src/eventstore/command/intent.ts';
import type { Store } from '../../src/eventstore/command/store.ts';
import { newId } from '../../src/eventstore/ids.ts';
import { openStore } from '../../src/eventstore/open-store.ts';
import { rowsOf } from '../../src/eventstore/projection/rows.ts';
import { model } from '../../src/model.ts';
import type { TenderCommand } from '../../src/tender/command.ts';
import { type TenderRow, tendersRead } from '../../src/tender/projection.ts';
import { tender } from '../../src/tender/tender.ts';
import { vehicle } from '../../src/vehicle/vehicle.ts';
import type { TestDatabase } from '../database.ts';
import { DETAILS, dispatcher } from '../tender/cast.ts';

export const TENANT = 'demo';

/** A store of the whole product, as one process has it. */
export function openWholeStore({ client, db }: TestDatabase): Promise<Store> {
  const log = pino({ level: 'silent' });
  return openStore({ client, db, log, ...model });
}

/** What a command carries, by the real clock. */
export function now(by: Command['by'] = dispatcher) {
  const at = new Date();
  return { at, occurredAt: at, by };
}

/** Gives a command to a tender. */
export function tell(store: Store, id: string, command: TenderCommand, key?: string): Promise<Outcome> {
  return handle(store, {
    tenantId: TENANT,
    aggregate: tender,
    id,
    command,
    input: { ...command, at: null, occurredAt: null },
    origin: 'test',
    ...(key === undefined ? {} : { key }),
  });
}

/** Gives commands one after another; each must be recorded. */
export async function play(store: Store, id: string, ...commands: TenderCommand[]): Promise<void> {
  for (const command of commands) {
    const outcome = await tell(store, id, command);
    if (outcome.kind === 'refused') throw new Error(`${command.type}: ${outcome.refusal.message}`);
  }
}

/** A tender that ACME has accepted. */
export async function acceptedTender(store: Store): Promise<string> {
  const id = newId();
  const expiresAt = new Date(Date.now() + 3_600_000);
  await play(
    store,
    id,
    { type: 'CreateTender', details: DETAILS, ...now() },
    { type: 'OfferTender', offerId: newId(), carrierId: 'ACME', expiresAt, ...now() },
    { type: 'AcceptTender', ...now() },
  );
  return id;
}

/** A vehicle that is available. */
export async function registeredVehicle(store: Store): Promise<string> {
  const id = newId();
  const command = { type: 'RegisterVehicle', licensePlate: id.slice(-8), ...now() } as const;
  await handle(store, { tenantId: TENANT, aggregate: vehicle, id, command, input: {}, origin: 'test' });
  return id;
}

export function tenderRow(store: Store, id: string): Promise<TenderRow | null> {
  return rowsOf(store, TENANT, tendersRead).byId(id);
}

/** The types of a stream's events, in order. */
export async function typesOf(store: Store, id: string): Promise<string[]> {
  const events = await store.events.find({ tenantId: TENANT }).sort({ sequence: 1 }).toArray();
  return events.filter((event) => event.aggregateId.toString() === id).map((event) => event.type);
}

/** The codes of the refused among these outcomes. */
export function refusals(outcomes: readonly Outcome[]): string[] {
  return outcomes.flatMap((outcome) => (outcome.kind === 'refused' ? [outcome.refusal.code] : []));
}
