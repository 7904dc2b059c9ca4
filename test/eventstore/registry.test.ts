import { UUID } from 'mongodb';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { defineEvent, defineNextVersion, type EventDefinition } from '../../src/eventstore/event.ts';
import { NewerVersion } from '../../src/eventstore/newer.ts';
import { asStored } from '../../src/eventstore/projection.ts';
import { nameOf, openRegistry } from '../../src/eventstore/registry.ts';
import { minute, stored } from '../given.ts';

const first = defineEvent({
  type: 'Weighed',
  version: 1,
  aggregateType: 'Load',
  effect: 'decision',
  doc: 'The load was weighed.',
  payload: z.object({ pounds: z.number() }),
  reasonCodes: ['ARRIVAL'],
});
const second = defineNextVersion(first, {
  payload: z.object({ weightKg: z.number() }),
  upcast: ({ pounds }) => ({ weightKg: pounds * 0.45359237 }),
});
const third = defineNextVersion(second, {
  doc: 'The load was weighed, at a stop.',
  payload: z.object({ weightKg: z.number(), stops: z.array(z.int()) }),
  upcast: ({ weightKg }) => ({ weightKg, stops: [] }),
});
const other = defineEvent({
  type: 'Sealed',
  version: 1,
  aggregateType: 'Load',
  effect: 'decision',
  doc: '',
  payload: z.object({}),
});

const by = { id: 'scale', role: 'system' } as const;
const command = { type: 'Weigh', at: minute(1), occurredAt: minute(0), by };
const weighed = (version: number, payload: unknown, type = 'Weighed') => ({
  ...stored({ type, payload }, command, 1, 'Load'),
  version,
});

describe('a registry', () => {
  it('has all versions of a type for the newest one', () => {
    const registry = openRegistry([third, other]);
    expect(registry.all.map(nameOf)).toEqual(['Sealed.v1', 'Weighed.v1', 'Weighed.v2', 'Weighed.v3']);
    expect(registry.latest('Weighed')).toBe(third);
    expect(third).toMatchObject({ aggregateType: 'Load', reasonCodes: ['ARRIVAL'] });
  });

  it('takes versions that are listed one by one, too', () => {
    expect(openRegistry([first, third, second]).all).toEqual([first, second, third]);
  });

  const load = { type: 'Weighed', aggregateType: 'Load', effect: 'decision', doc: '' } as const;
  const bare = { ...load, payload: z.unknown() } as const;
  it.each<readonly [string, readonly EventDefinition[], string]>([
    ['a type twice', [first, { ...first }], 'Event type Weighed.v1 is defined twice.'],
    [
      'no first version',
      [{ ...bare, version: 2 }],
      'Event type Weighed has no version 1; each stays for ever.',
    ],
    [
      'a version missing in between',
      [{ ...third, version: 4 }],
      'Event type Weighed has no version 3; each stays for ever.',
    ],
    [
      'a version without an upcaster',
      [{ ...bare, version: 2, previous: first }],
      'Weighed.v2 has no upcaster from the version before it.',
    ],
    [
      'a version that does not say which it comes from',
      [first, { ...bare, version: 2, upcast: () => ({}) }],
      'Weighed.v2 has no upcaster from the version before it.',
    ],
    [
      'a version of another aggregate',
      [{ ...second, aggregateType: 'Tender' }],
      'Weighed.v2 belongs to another aggregate than the version before it.',
    ],
  ])('refuses %s', (_what, definitions, message) => {
    expect(() => openRegistry(definitions)).toThrow(message);
  });
});

describe('D-17 a stored event', () => {
  const { upcast } = openRegistry([third, other]);

  it('is read in the newest version, through each upcaster on the way', () => {
    expect(upcast(weighed(1, { pounds: 1_000 }))).toMatchObject({
      version: 3,
      payload: { weightKg: 453.59237, stops: [] },
    });
    expect(upcast(weighed(2, { weightKg: 7 }))).toMatchObject({
      version: 3,
      payload: { weightKg: 7, stops: [] },
    });
  });

  it('stays as it is, and stays at hand', () => {
    const event = Object.freeze(weighed(1, Object.freeze({ pounds: 2 })));
    const newest = upcast(event);
    expect(asStored(newest)).toBe(event);
    expect(newest).toEqual({ ...event, version: 3, payload: { weightKg: 0.90718474, stops: [] } });
    // A copy that withholds something must not carry it along.
    expect(asStored({ ...newest, payload: {} }).payload).toEqual({});
  });

  it('of the newest version is given back itself, without a copy', () => {
    const newest = weighed(3, { weightKg: 7, stops: [1] });
    expect(upcast(newest)).toBe(newest);
    expect(asStored(newest)).toBe(newest);
    const sealed = weighed(1, {}, 'Sealed');
    expect(upcast(sealed)).toBe(sealed);
    expect(openRegistry([other]).upcast(sealed)).toBe(sealed);
  });

  it('of an unknown type is refused, whatever its version, and whoever asked is told', () => {
    const told: string[] = [];
    const listening = openRegistry([other], ({ what }) => void told.push(what));
    for (const event of [weighed(1, {}, 'Unheard'), weighed(7, {}, 'Unheard')]) {
      expect(() => upcast(event)).toThrow(NewerVersion);
      expect(() => listening.upcast(event)).toThrow('a newer one wrote it');
      expect(listening.isNewest(event)).toBe(false);
    }
    expect(told).toEqual(['Unheard v1', 'Unheard v7']);
  });

  it('of a version that this code does not know is refused, not misread', () => {
    const _id = new UUID('019503a0-0000-7000-8000-00000000000a');
    const message = `Event ${_id} is Weighed v4, which this Waybill does not know; a newer one wrote it.`;
    expect(() => upcast({ ...weighed(4, {}), _id })).toThrow(message);
    expect(() => openRegistry([first]).upcast({ ...weighed(4, {}), _id })).toThrow(message);
    expect(() => upcast({ ...weighed(0, {}), _id })).toThrow('v0');
  });
});
