import { z } from 'zod';
import type { EventDefinition } from './event.ts';

/** A date of the log, which JSON can only tell as text. A text that holds a date is something else to its readers. */
const BSON_DATE = { type: 'string', format: 'date-time', 'x-bsonType': 'date' };

/** The JSON Schema (draft 2020-12) of one event type in one version: the storage contract in `schema/events/`. */
export function jsonSchema(definition: EventDefinition): Record<string, unknown> {
  const payload = z.toJSONSchema(definition.payload, {
    io: 'input',
    unrepresentable: 'any',
    override: ({ zodSchema, jsonSchema: schema }) => {
      if (zodSchema._zod.def.type === 'date') Object.assign(schema, BSON_DATE);
    },
  });
  return {
    ...payload,
    title: `${definition.type} v${definition.version}`,
    description: definition.doc,
    'x-aggregateType': definition.aggregateType,
    'x-effect': definition.effect,
    ...(definition.personal === undefined ? {} : { 'x-personal': definition.personal }),
    ...(definition.reasonCodes === undefined ? {} : { 'x-reasonCodes': definition.reasonCodes }),
  };
}
