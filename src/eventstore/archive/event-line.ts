import { UUID } from 'mongodb';
import { z } from 'zod';
import { type EventDefinition, ROLES, type StoredEvent } from '../event.ts';
import { type DateFields, dateFieldsOf } from '../log/date-fields.ts';
import { uuidText } from '../payload.ts';
import { jsonOf, momentOf, NotJson, revived } from './json-value.ts';

/** Why a line is not recorded. */
export type LineFault = 'MALFORMED_LINE' | 'UNKNOWN_EVENT_TYPE' | 'INVALID_PAYLOAD';

export type ReadLine =
  | { readonly event: StoredEvent }
  | { readonly fault: LineFault; readonly message: string };

/** Events as lines of JSON: what leaves a log, and what comes back into one, is the same event. */
export interface EventLines {
  /** One event without a line end. @throws an error that names the event where JSON cannot hold it */
  write(event: StoredEvent): string;
  /** Checks a line: its envelope, then its payload by the schema of its type and version. */
  read(line: string): ReadLine;
}

const moment = z.string().transform((text, context) => {
  const date = momentOf(text);
  if (date !== undefined) return date;
  context.addIssue({ code: 'custom', message: 'is not a moment like 2026-01-05T08:00:00.000Z' });
  return z.NEVER;
});

const short = z.string().min(1).max(1_000);

/** The envelope. Its fields are fixed by the format; metadata may come to have more, and those are kept. */
const envelope = z.strictObject({
  eventId: uuidText,
  tenantId: z.string().regex(/^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$/, 'is no tenant'),
  aggregateType: short,
  aggregateId: uuidText,
  sequence: z.int().min(1),
  type: short,
  version: z.int().min(1),
  payload: z.unknown(),
  reasonCode: short.optional(),
  actor: z.strictObject({ id: short, role: z.enum(ROLES) }),
  occurredAt: moment,
  recordedAt: moment,
  metadata: z.looseObject({
    origin: short,
    producerId: short,
    traceId: short.optional(),
    correlationId: short,
    causationId: short.optional(),
    commandHash: short,
    commandSize: z.int().min(2).optional(),
  }),
});

/** The known types, with where their payloads have dates. */
interface Known {
  readonly definition: EventDefinition;
  readonly dates: DateFields | undefined;
}

export function openEventLines(definitions: readonly EventDefinition[]): EventLines {
  const known = new Map<string, Known>();
  for (const definition of definitions)
    known.set(`${definition.type}.v${definition.version}`, {
      definition,
      dates: dateFieldsOf(definition.payload),
    });
  return {
    write(event) {
      try {
        return lineOf(event, known.get(`${event.type}.v${event.version}`)?.dates);
      } catch (error) {
        if (!(error instanceof NotJson)) throw error;
        throw new Error(`Event ${event._id} holds what no line can: ${error.message}.`);
      }
    },
    read(line) {
      try {
        return eventOf(JSON.parse(line), known);
      } catch (error) {
        // The RangeError of a line that nests too deeply to be walked.
        if (!(error instanceof SyntaxError || error instanceof NotJson || error instanceof RangeError))
          throw error;
        const message = error instanceof NotJson ? `It has ${error.message}.` : 'It is not JSON.';
        return { fault: 'MALFORMED_LINE', message };
      }
    },
  };
}

function lineOf(event: StoredEvent, dates: DateFields | undefined): string {
  const { _id, aggregateId, payload, occurredAt, recordedAt, ...rest } = event;
  const { tenantId, aggregateType, sequence, type, version, reasonCode, actor, metadata, ...more } = rest;
  const unknown = Object.keys(more)[0];
  if (unknown !== undefined) throw new NotJson(`an envelope with a field ${unknown}`);
  return [
    `{"eventId":"${_id}","tenantId":${JSON.stringify(tenantId)}`,
    `"aggregateType":${JSON.stringify(aggregateType)},"aggregateId":"${aggregateId}","sequence":${sequence}`,
    `"type":${JSON.stringify(type)},"version":${version},"payload":${jsonOf(payload, dates)}`,
    ...(reasonCode === undefined ? [] : [`"reasonCode":${JSON.stringify(reasonCode)}`]),
    `"actor":${jsonOf(actor, undefined)}`,
    `"occurredAt":${jsonOf(occurredAt, 'date')},"recordedAt":${jsonOf(recordedAt, 'date')}`,
    `"metadata":${jsonOf(metadata, undefined)}}`,
  ].join();
}

function eventOf(json: unknown, known: ReadonlyMap<string, Known>): ReadLine {
  const read = envelope.safeParse(json);
  if (!read.success) return { fault: 'MALFORMED_LINE', message: complaint(read.error) };
  const { eventId, aggregateId, payload, reasonCode, ...rest } = read.data;
  const { tenantId, aggregateType, sequence, type, version, actor, occurredAt, recordedAt } = rest;
  const found = known.get(`${type}.v${version}`);
  if (found === undefined || found.definition.aggregateType !== aggregateType) {
    const message = `There is no event type ${type} of version ${version} on a ${aggregateType} here.`;
    return { fault: 'UNKNOWN_EVENT_TYPE', message };
  }
  const facts = revived(payload, found.dates);
  const message = payloadComplaint(found.definition, facts, reasonCode);
  if (message !== undefined) return { fault: 'INVALID_PAYLOAD', message };
  return {
    event: {
      _id: new UUID(eventId),
      tenantId,
      aggregateType,
      aggregateId: new UUID(aggregateId),
      sequence,
      type,
      version,
      payload: facts,
      ...(reasonCode === undefined ? {} : { reasonCode }),
      actor,
      occurredAt,
      recordedAt,
      // As the line has it, not as the schema gives it back: its fields keep their order.
      metadata: revived((json as StoredEvent).metadata, undefined) as StoredEvent['metadata'],
    },
  };
}

/** What is wrong with a payload. Fields that the schema does not know are kept: the log is copied, not edited. */
function payloadComplaint(
  definition: EventDefinition,
  payload: unknown,
  reasonCode: string | undefined,
): string | undefined {
  if (reasonCode !== undefined && !definition.reasonCodes?.includes(reasonCode))
    return `${reasonCode} is no reason for ${definition.type}.`;
  const checked = definition.payload.safeParse(payload);
  if (!checked.success) return `payload.${complaint(checked.error)}`;
  const changed = changedField(checked.data, payload);
  return changed === undefined ? undefined : `payload${changed} is not as a log has it (blanks around it?).`;
}

/** Finds what the schema would have put right before it recorded it: no log has that, so it was not copied from one. */
function changedField(parsed: unknown, given: unknown): string | undefined {
  if (typeof parsed !== 'object' || parsed === null || parsed instanceof Date)
    return Object.is(parsed, given) || parsed instanceof Date ? undefined : '';
  if (typeof given !== 'object' || given === null) return '';
  for (const [name, field] of Object.entries(parsed)) {
    const changed = changedField(field, Reflect.get(given, name));
    if (changed !== undefined) return `.${name}${changed}`;
  }
  return undefined;
}

function complaint(error: z.core.$ZodError): string {
  const issue = error.issues[0];
  return `${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'is malformed'}.`;
}
