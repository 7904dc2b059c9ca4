import { UUID } from 'mongodb';
import type { EventDefinition, StoredEvent } from '../event.ts';
import { type DateFields, dateFieldsOf } from '../log/date-fields.ts';
import { complaintOf, MALFORMED_TEXT, malformedPath } from '../payload.ts';
import { envelope } from './envelope.ts';
import { fromJson, jsonText, NotJson } from './json-value.ts';
import { payloadComplaint } from './payload-check.ts';

/** Why a line is not recorded. */
export type LineFault = 'MALFORMED_LINE' | 'UNKNOWN_EVENT_TYPE' | 'INVALID_PAYLOAD';

export type ReadLine =
  | { readonly event: StoredEvent }
  | { readonly fault: LineFault; readonly message: string };

/** Events as lines of JSON. An event that leaves a log comes back into one as the same event. */
export interface EventLines {
  /** One event without a line end. @throws an error that names the event where JSON cannot hold it */
  write(event: StoredEvent): string;
  /** Checks a line: its envelope, then its payload by the schema of its type and version. */
  read(line: string): ReadLine;
}

/** Where metadata has dates. */
const METADATA_DATES: DateFields = { fields: new Map([['effectiveAt', 'date']]) };

const ESCAPED_SURROGATE = /\\u[dD][89a-fA-F]/;

/** An event type, and where its payload has dates. */
interface KnownType {
  readonly definition: EventDefinition;
  readonly dates: DateFields | undefined;
}

export function openEventLines(definitions: readonly EventDefinition[]): EventLines {
  const known = new Map<string, KnownType>();
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
        const json: unknown = JSON.parse(line);
        // Half of a surrogate pair can only stand there as an escape.
        const malformed = ESCAPED_SURROGATE.test(line) ? malformedPath(json) : undefined;
        if (malformed !== undefined)
          return { fault: 'MALFORMED_LINE', message: `${malformed} ${MALFORMED_TEXT}.` };
        return eventOf(json, known);
      } catch (error) {
        // A RangeError comes from a line that nests too deeply.
        if (!(error instanceof SyntaxError || error instanceof NotJson || error instanceof RangeError))
          throw error;
        const message = error instanceof NotJson ? `It has ${error.message}.` : 'It is not JSON.';
        return { fault: 'MALFORMED_LINE', message };
      }
    },
  };
}

function lineOf(event: StoredEvent, dates: DateFields | undefined): string {
  // The stamp is of one database, and means nothing in another one.
  const { _id, aggregateId, payload, occurredAt, recordedAt, loggedAt: _loggedAt, ...rest } = event;
  const { tenantId, aggregateType, sequence, type, version, reasonCode, actor, metadata, ...more } = rest;
  const unknown = Object.keys(more)[0];
  if (unknown !== undefined) throw new NotJson(`an envelope with a field ${unknown}`);
  return [
    `{"eventId":"${_id}","tenantId":${JSON.stringify(tenantId)}`,
    `"aggregateType":${JSON.stringify(aggregateType)},"aggregateId":"${aggregateId}","sequence":${sequence}`,
    `"type":${JSON.stringify(type)},"version":${version},"payload":${jsonText(payload, dates)}`,
    ...(reasonCode === undefined ? [] : [`"reasonCode":${JSON.stringify(reasonCode)}`]),
    `"actor":${jsonText(actor, undefined)}`,
    `"occurredAt":${jsonText(occurredAt, 'date')},"recordedAt":${jsonText(recordedAt, 'date')}`,
    `"metadata":${jsonText(metadata, METADATA_DATES)}}`,
  ].join();
}

function eventOf(json: unknown, known: ReadonlyMap<string, KnownType>): ReadLine {
  const read = envelope.safeParse(json);
  if (!read.success) return { fault: 'MALFORMED_LINE', message: complaintOf(read.error).message };
  const { eventId, aggregateId, payload, reasonCode, ...rest } = read.data;
  const { tenantId, aggregateType, sequence, type, version, actor, occurredAt, recordedAt } = rest;
  const found = known.get(`${type}.v${version}`);
  if (found === undefined || found.definition.aggregateType !== aggregateType) {
    const message = `There is no event type ${type} of version ${version} on a ${aggregateType} here.`;
    return { fault: 'UNKNOWN_EVENT_TYPE', message };
  }
  const facts = fromJson(payload, found.dates);
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
      // From the line, not from the parsed envelope: so its fields keep their order.
      metadata: fromJson((json as StoredEvent).metadata, METADATA_DATES) as StoredEvent['metadata'],
    },
  };
}
