import { z } from 'zod';
import { type Refusal, refusal } from '../refusal.ts';
import type { EventDefinition, NewEvent } from './event.ts';

/** All event types that Waybill knows. */
export interface Registry {
  /** The newest version of a type: the one that is written. Throws for an unknown type, which is a bug. */
  latest(type: string): EventDefinition;
  /** Every type in every version, by type, then version. */
  readonly all: readonly EventDefinition[];
}

/**
 * Collects the contexts' event types.
 * @throws when one type and version is defined twice.
 */
export function openRegistry(definitions: readonly EventDefinition[]): Registry {
  const latest = new Map<string, EventDefinition>();
  const seen = new Set<string>();
  for (const definition of definitions) {
    const name = `${definition.type}.v${definition.version}`;
    if (seen.has(name)) throw new Error(`Event type ${name} is defined twice.`);
    seen.add(name);
    const known = latest.get(definition.type);
    if (known === undefined || known.version < definition.version) latest.set(definition.type, definition);
  }
  return {
    latest(type) {
      const definition = latest.get(type);
      if (definition === undefined) throw new Error(`Event type ${type} is in no registry.`);
      return definition;
    },
    all: [...definitions].sort((a, b) =>
      a.type < b.type ? -1 : a.type > b.type ? 1 : a.version - b.version,
    ),
  };
}

/**
 * Checks a decided fact against its schema.
 * @returns the payload as it is stored (unknown fields dropped), or the refusal INVALID_INPUT that names the field.
 */
export function checkPayload(
  definition: EventDefinition,
  fact: NewEvent,
): { readonly payload: unknown } | { readonly refused: Refusal } {
  if (fact.reasonCode !== undefined && !definition.reasonCodes?.includes(fact.reasonCode)) {
    const known = definition.reasonCodes?.join(', ') ?? 'none';
    const message = `${fact.reasonCode} is no reason for ${fact.type}; known: ${known}.`;
    return { refused: refusal('INVALID_INPUT', message, 'reasonCode') };
  }
  const result = definition.payload.safeParse(fact.payload);
  if (result.success) return { payload: result.data };
  const issue = result.error.issues[0];
  const field = issue?.path.join('.') ?? '';
  return { refused: refusal('INVALID_INPUT', `${field}: ${issue?.message ?? 'is malformed'}`, field) };
}

/** The JSON Schema (draft 2020-12) of one event type in one version: the storage contract in `schema/events/`. */
export function jsonSchema(definition: EventDefinition): Record<string, unknown> {
  const payload = z.toJSONSchema(definition.payload, {
    io: 'input',
    unrepresentable: 'any',
    override: ({ zodSchema, jsonSchema: schema }) => {
      if (zodSchema._zod.def.type === 'date') Object.assign(schema, { type: 'string', format: 'date-time' });
    },
  });
  return {
    ...payload,
    title: `${definition.type} v${definition.version}`,
    description: definition.doc,
    'x-aggregateType': definition.aggregateType,
    ...(definition.reasonCodes === undefined ? {} : { 'x-reasonCodes': definition.reasonCodes }),
  };
}
