import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { defineEvent, defineNextVersion, type EventDefinition } from '../../src/eventstore/event.ts';
import { jsonSchema } from '../../src/eventstore/json-schema.ts';
import { nameOf, openRegistry } from '../../src/eventstore/registry.ts';
import { type EventSchemas, findBreaches } from '../../src/gate/event-schemas.ts';
import { eventDefinitions } from '../../src/model.ts';

const schemasOf = (...definitions: readonly EventDefinition[]): EventSchemas =>
  new Map(openRegistry(definitions).all.map((each) => [nameOf(each), jsonSchema(each)]));

const offered = defineEvent({
  type: 'Offered',
  version: 1,
  aggregateType: 'Load',
  effect: 'decision',
  doc: 'It was offered.',
  payload: z.object({ carrierId: z.string(), note: z.string().optional() }),
  reasonCodes: ['RATE_CHANGED', 'OTHER'],
});
const renamed = defineNextVersion(offered, {
  payload: z.object({ carrier: z.string() }),
  reasonCodes: ['OTHER'],
  upcast: ({ carrierId }) => ({ carrier: carrierId }),
});
const other = defineEvent({ ...offered, type: 'Withdrawn' });
const found = (committed: EventSchemas, ...now: readonly EventDefinition[]): string[] =>
  findBreaches(committed, schemasOf(...now));

const IN_V2 =
  'put v1 back as it was, and make the change v2 with an upcaster (schema/README.md, "Changing an event").';

describe('the committed schemas of events', () => {
  it('are those of the code', () => {
    expect(findBreaches(schemasOf(...eventDefinitions), schemasOf(...eventDefinitions))).toEqual([]);
  });

  it.each([
    ['a new type', [offered, other]],
    ['a new version with an upcaster', [renamed]],
    [
      'a new optional field',
      [
        {
          ...offered,
          payload: z.object({ carrierId: z.string(), note: z.string().optional(), rate: z.int().optional() }),
        },
      ],
    ],
    ['another reason', [{ ...offered, reasonCodes: ['RATE_CHANGED', 'WEATHER', 'OTHER'] }]],
    ['another description', [{ ...offered, doc: 'A load was offered.' }]],
  ] as const)('take %s', (_what, now) => {
    expect(found(schemasOf(offered), ...now)).toEqual([]);
  });

  it('keep each type under its name', () => {
    const gone =
      'was removed or renamed, but the log keeps its events under that name: define it again as it was (schema/README.md, "Changing an event").';
    expect(found(schemasOf(offered, other), other)).toEqual([`Offered ${gone}`]);
    expect(found(schemasOf(offered), { ...offered, type: 'OfferMade' })).toEqual([`Offered ${gone}`]);
  });

  it('keep each version', () => {
    const now: EventSchemas = new Map([...schemasOf(renamed)].filter(([name]) => name === 'Offered.v2'));
    expect(findBreaches(schemasOf(renamed), now)).toEqual([
      'Offered v1 was removed, but the log keeps its events: define it again, as the `previous` of the version after it (schema/README.md, "Changing an event").',
    ]);
  });

  it('keep a type with its aggregate', () => {
    expect(found(schemasOf(offered), { ...offered, aggregateType: 'Tender' })).toEqual([
      'Offered v1 went from the aggregate Load to Tender, but the log has it in streams of Load: put that back, and define a new type for Tender (schema/README.md, "Changing an event").',
    ]);
  });

  it('keep when their events take effect', () => {
    expect(found(schemasOf(offered), { ...offered, effect: 'observation' })).toEqual([
      'Offered v1 went from decision to observation, but the past was answered as if its events were decisions: put that back, and define a new type (schema/README.md, "Changing an event").',
    ]);
  });

  it('keep each reason', () => {
    const gone = `Offered v1: the reason RATE_CHANGED was removed or renamed; ${IN_V2}`;
    expect(found(schemasOf(offered), { ...offered, reasonCodes: ['OTHER'] })).toEqual([gone]);
    const { reasonCodes: _, ...unreasoned } = offered;
    expect(found(schemasOf(offered), unreasoned)).toContain(gone);
  });

  it('keep each field, and demand no more, in versions that exist', () => {
    const payload = z.object({ carrier: z.string(), note: z.string().max(9).optional() });
    expect(found(schemasOf(offered), { ...offered, payload })).toEqual([
      `Offered v1: carrierId was removed or renamed; ${IN_V2}`,
      `Offered v1: note takes at most 9 characters instead of any number; ${IN_V2}`,
      `Offered v1: carrier is new and required; ${IN_V2}`,
    ]);
    const twice = { ...renamed, payload: z.object({}) };
    expect(found(schemasOf(renamed), twice)).toEqual([
      'Offered v2: carrier was removed or renamed; put v2 back as it was, and make the change v3 with an upcaster (schema/README.md, "Changing an event").',
    ]);
  });

  it('are not changed in hindsight by a new version', () => {
    const payload = z.object({ carrier: z.string() });
    const { type, version, aggregateType, effect, doc } = offered;
    const first = defineEvent({
      type,
      version,
      aggregateType,
      effect,
      doc,
      payload,
      reasonCodes: ['RATE_CHANGED', 'OTHER'],
    });
    const edited = defineNextVersion(first, { payload, upcast: (carrier) => carrier });
    expect(found(schemasOf(offered), edited)).toEqual([
      `Offered v1: carrierId was removed or renamed; ${IN_V2}`,
      `Offered v1: note was removed or renamed; ${IN_V2}`,
      `Offered v1: carrier is new and required; ${IN_V2}`,
    ]);
  });
});
