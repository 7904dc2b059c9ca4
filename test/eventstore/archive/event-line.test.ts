import fc from 'fast-check';
import { BSON, UUID } from 'mongodb';
import { describe, expect, it } from 'vitest';
import { openEventLines } from '../../../src/eventstore/archive/event-line.ts';
import { type EventDefinition, ROLES, type StoredEvent } from '../../../src/eventstore/event.ts';
import { openRegistry } from '../../../src/eventstore/registry.ts';
import { eventDefinitions } from '../../../src/model.ts';
import { minute } from '../../given.ts';
import { payloadOf } from '../payload-arbitrary.ts';

const definitions = openRegistry(eventDefinitions).all;
const lines = openEventLines(definitions);

const name = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 20 });
const uuid = fc.uuid().map((text) => new UUID(text));
const date = fc.date({ noInvalidDate: true });

/** An event of a type as the driver gives it back, with metadata that a later version may come to have. */
function eventOf({ type, version, aggregateType, payload, reasonCodes }: EventDefinition) {
  const reasonCode = reasonCodes === undefined ? {} : { reasonCode: fc.constantFrom(...reasonCodes) };
  const metadata = fc.record(
    {
      origin: name,
      producerId: name,
      traceId: name,
      correlationId: name,
      commandHash: name,
      late: fc.constant(true),
      seenAt: date,
    },
    { requiredKeys: ['origin', 'producerId', 'correlationId', 'commandHash'], noNullPrototype: true },
  );
  return fc
    .record(
      {
        _id: uuid,
        tenantId: fc.constantFrom('acme', 'a.b-c_d'),
        aggregateType: fc.constant(aggregateType),
        aggregateId: uuid,
        sequence: fc.integer({ min: 1, max: 2 ** 31 }),
        type: fc.constant(type),
        version: fc.constant(version),
        payload: payloadOf(payload),
        ...reasonCode,
        actor: fc.record({ id: name, role: fc.constantFrom(...ROLES) }, { noNullPrototype: true }),
        occurredAt: date,
        recordedAt: date,
        metadata,
      },
      { noNullPrototype: true },
    )
    .map((event) => BSON.deserialize(BSON.serialize(event)) as StoredEvent);
}

describe('An event told in a line', () => {
  it.each(
    definitions.map((definition) => [`${definition.type}.v${definition.version}`, definition] as const),
  )('comes back byte for byte: %s', (_, definition) => {
    fc.assert(
      fc.property(eventOf(definition), (event) => {
        const line = lines.write(event);
        expect(line).not.toContain('\n');
        const read = lines.read(line);
        if (!('event' in read)) throw new Error(`${read.message} ${line}`);
        expect(Buffer.from(BSON.serialize(read.event)).equals(BSON.serialize(event)), line).toBe(true);
      }),
      { numRuns: 50 },
    );
  });
});

const event: StoredEvent = {
  _id: new UUID('018f0000-0000-7000-8000-000000000001'),
  tenantId: 'acme',
  aggregateType: 'Tender',
  aggregateId: new UUID('018f0000-0000-7000-8000-000000000002'),
  sequence: 3,
  type: 'TenderDeclined',
  version: 1,
  payload: { offerId: '018f0000-0000-7000-8000-000000000003', carrierId: 'carrier-1' },
  reasonCode: 'OTHER',
  actor: { id: 'ann', role: 'carrier' },
  occurredAt: minute(0),
  recordedAt: minute(1),
  metadata: { origin: 'graphql', producerId: 'p', correlationId: 'c', commandHash: 'h' },
};
const line = lines.write(event);

/** The line with something else in it, and what is said of it. */
function verdict(from: string | RegExp, to: string) {
  const changed = line.replace(from, to);
  expect(changed).not.toBe(line);
  return lines.read(changed);
}

describe('A line of an event', () => {
  it('has ids as UUID text and moments as ISO 8601 with milliseconds', () => {
    expect(JSON.parse(line)).toMatchObject({
      eventId: '018f0000-0000-7000-8000-000000000001',
      aggregateId: '018f0000-0000-7000-8000-000000000002',
      occurredAt: '2026-03-01T08:00:00.000Z',
    });
  });

  it('keeps fields that the schema does not know, and marks the dates in them', () => {
    const stored = { ...event, payload: { ...(event.payload as object), seenAt: minute(7), turn: -0 } };
    const told = lines.write(stored);
    expect(told).toContain('"seenAt":{"$date":"2026-03-01T08:07:00.000Z"},"turn":-0');
    expect(lines.read(told)).toEqual({ event: stored });
  });

  it.each([
    ['no JSON', /}$/, '', 'MALFORMED_LINE', /not JSON/],
    ['a field too many', /^{/, '{"extra":1,', 'MALFORMED_LINE', /extra/],
    ['no UUID', '018f0000-0000-7000-8000-000000000002', 'x', 'MALFORMED_LINE', /aggregateId/],
    ['a day that there is not', '2026-03-01T08:00', '2026-02-30T08:00', 'MALFORMED_LINE', /occurredAt/],
    ['a role that there is not', '"carrier"}', '"boss"}', 'MALFORMED_LINE', /actor\.role/],
    ['sequence 0', '"sequence":3', '"sequence":0', 'MALFORMED_LINE', /sequence/],
    ['an operator for a name', '"carrierId"', '"$where":1,"carrierId"', 'MALFORMED_LINE', /\$where/],
    ['an unknown type', 'TenderDeclined', 'TenderDeclaimed', 'UNKNOWN_EVENT_TYPE', /TenderDeclaimed/],
    ['an unknown version', '"version":1', '"version":9', 'UNKNOWN_EVENT_TYPE', /version 9/],
    ['another aggregate', '"Tender"', '"Route"', 'UNKNOWN_EVENT_TYPE', /on a Route/],
    ['a field missing', '"carrierId":"carrier-1"', '"x":1', 'INVALID_PAYLOAD', /payload\.carrierId/],
    ['an unknown reason', '"OTHER"', '"WHY_NOT"', 'INVALID_PAYLOAD', /WHY_NOT/],
  ])('is refused with %s', (_, from, to, fault, message) => {
    expect(verdict(from, to)).toMatchObject({ fault, message: expect.stringMatching(message) });
  });

  it.each(['"carrier\\ud83d"', '"carrier \\udE9A\\uD83D"'])(
    'is refused with half of a surrogate pair: %s',
    (text) => {
      expect(verdict('"carrier-1"', text)).toEqual({
        fault: 'MALFORMED_LINE',
        message: 'payload.carrierId must be well-formed Unicode: it holds half of a surrogate pair.',
      });
      expect(verdict('"carrier-1"', '"carrier \\ud83d\\uDE9A"')).toHaveProperty('event');
    },
  );

  it('is refused where it nests without end', () => {
    const deep = '['.repeat(100_000) + ']'.repeat(100_000);
    expect(verdict('"carrier-1"', deep)).toMatchObject({ fault: expect.any(String) });
  });

  it('is refused where the schema would put something right: no log has that', () => {
    const { reasonCode: _, ...plain } = event;
    const payload = { licensePlate: 'A 1', fleetId: ' blanks ' };
    const told = lines.write({ ...plain, aggregateType: 'Vehicle', type: 'VehicleRegistered', payload });
    expect(lines.read(told)).toMatchObject({ message: expect.stringContaining('payload.fleetId') });
  });
});
