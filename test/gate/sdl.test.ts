import { buildSchema } from 'graphql';
import { describe, expect, it } from 'vitest';
import { BREAKING_KINDS, findSdlBreaches, findSdlSurprises } from '../../src/gate/sdl.ts';
import { Unreadable } from '../../src/gate/unreadable.ts';

const SDL = `
  directive @old(why: String, since: Int) repeatable on FIELD | QUERY
  directive @gone on FIELD
  interface Named { name: String }
  type Tender implements Named { name: String, status: Status!, weightKg: Float }
  type Vehicle { plate: String }
  type Spare { id: ID }
  union Thing = Tender | Vehicle
  enum Status { OPEN OFFERED }
  input Filter { status: Status, first: Int = 50 }
  type Query { tenders(filter: Filter, first: Int = 50): [Tender!]!, things: [Thing!]! }
`;
/** The settled core: less than the whole, and referring to it. */
const CONTRACT = 'type Tender { name: String, status: Status! }';

/** The kinds of breaches, and what they say, when `from` becomes `to` in the SDL. */
function breaches(from: string, to: string): string[] {
  expect(SDL).toContain(from);
  return findSdlBreaches(SDL, CONTRACT, buildSchema(SDL.replace(from, to))).map(
    ({ kind, change }) => `${kind}: ${change}`,
  );
}

const BROKEN: readonly (readonly [from: string, to: string, found: string])[] = [
  [', status: Status!, weightKg', ', weightKg', 'FIELD_REMOVED: Tender.status was removed.'],
  ['weightKg: Float', 'weight: Float', 'FIELD_REMOVED: Tender.weightKg was removed.'],
  [
    'weightKg: Float',
    'weightKg: String',
    'FIELD_CHANGED_KIND: Tender.weightKg changed type from Float to String.',
  ],
  [
    'status: Status!,',
    'status: Status,',
    'FIELD_CHANGED_KIND: Tender.status changed type from Status! to Status.',
  ],
  ['OPEN OFFERED', 'OPEN', 'VALUE_REMOVED_FROM_ENUM: OFFERED was removed from enum type Status.'],
  ['= Tender | Vehicle', '= Tender', 'TYPE_REMOVED_FROM_UNION: Vehicle was removed from union type Thing.'],
  ['type Spare {', 'type Rest {', 'TYPE_REMOVED: Spare was removed.'],
  [
    'union Thing = Tender | Vehicle',
    'interface Thing { name: String }',
    'TYPE_CHANGED_KIND: Thing changed from a Union type to an Interface type.',
  ],
  ['implements Named', '', 'IMPLEMENTED_INTERFACE_REMOVED: Tender no longer implements interface Named.'],
  ['tenders(filter: Filter, ', 'tenders(', 'ARG_REMOVED: Query.tenders arg filter was removed.'],
  [
    'filter: Filter,',
    'filter: Filter!,',
    'ARG_CHANGED_KIND: Query.tenders arg filter has changed type from Filter to Filter!.',
  ],
  [
    'tenders(filter',
    'tenders(tenant: ID!, filter',
    'REQUIRED_ARG_ADDED: A required arg tenant on Query.tenders was added.',
  ],
  [
    'input Filter {',
    'input Filter { tenant: ID!, ',
    'REQUIRED_INPUT_FIELD_ADDED: A required field tenant on input type Filter was added.',
  ],
  [
    'Filter, first: Int = 50',
    'Filter, first: Int = 20',
    'ARG_DEFAULT_VALUE_CHANGE: Query.tenders arg first has changed defaultValue from 50 to 20.',
  ],
  [
    'Status, first: Int = 50',
    'Status, first: Int',
    'ARG_DEFAULT_VALUE_CHANGE: Filter.first has changed its default from 50 to none.',
  ],
  ['directive @gone on FIELD', '', 'DIRECTIVE_REMOVED: gone was removed.'],
  ['(why: String, ', '(', 'DIRECTIVE_ARG_REMOVED: why was removed from old.'],
  [
    '(why: String, ',
    '(why: String, who: ID!, ',
    'REQUIRED_DIRECTIVE_ARG_ADDED: A required arg who on directive old was added.',
  ],
  ['repeatable', '', 'DIRECTIVE_REPEATABLE_REMOVED: Repeatable flag was removed from old.'],
  ['FIELD | QUERY', 'FIELD', 'DIRECTIVE_LOCATION_REMOVED: QUERY was removed from old.'],
];

describe('the public schema', () => {
  it.each(BROKEN)('is broken where %s becomes %s', (from, to, found) => {
    expect(breaches(from, to)).toContain(found);
  });

  it('is tried with every kind of breaking change that graphql-js knows', () => {
    const tried = new Set(BROKEN.map(([, , found]) => found.split(':')[0]));
    expect([...tried].sort()).toEqual([...BREAKING_KINDS].sort());
  });

  it.each([
    ['a type', 'type Vehicle', 'type Route { id: ID } type Vehicle'],
    ['a field', 'name: String, status', 'name: String, id: ID, status'],
    ['an optional argument', 'tenders(', 'tenders(fleet: ID, '],
    ['an optional field of an input', 'input Filter {', 'input Filter { fleet: ID, '],
    ['a value', 'OPEN OFFERED', 'OPEN OFFERED CLOSED'],
    ['a promise never to be null', 'weightKg: Float', 'weightKg: Float!'],
    ['a description', 'type Vehicle', '"Moves." type Vehicle'],
  ])('takes %s', (_what, from, to) => {
    expect(breaches(from, to)).toEqual([]);
  });

  it('tells what clients that were written too narrowly may stumble over', () => {
    const wider = buildSchema(SDL.replace('OPEN OFFERED', 'OPEN OFFERED CLOSED'));
    expect(findSdlSurprises(SDL, wider)).toEqual([
      { kind: 'VALUE_ADDED_TO_ENUM', change: 'CLOSED was added to enum type Status.' },
    ]);
    expect(findSdlSurprises(SDL, buildSchema(SDL.replaceAll('= 50', '= 20')))).toEqual([]);
  });
});

describe('the settled core of the public schema', () => {
  const without = SDL.replace('name: String, status', 'status').replace('implements Named', '');

  it('is broken still when the committed schema has come to terms with it', () => {
    expect(findSdlBreaches(without, CONTRACT, buildSchema(without))).toEqual([
      { kind: 'FIELD_REMOVED', change: 'Tender.name was removed.', lasting: true },
    ]);
  });

  it('is broken once, not twice, by a change that breaks both', () => {
    const found = findSdlBreaches(SDL, CONTRACT, buildSchema(without));
    expect(found.filter(({ change }) => change === 'Tender.name was removed.')).toEqual([
      { kind: 'FIELD_REMOVED', change: 'Tender.name was removed.', lasting: false },
    ]);
  });

  it('must go together with the rest', () => {
    const contract = 'type Tender { name: Label }';
    expect(() => findSdlBreaches(SDL, contract, buildSchema(SDL))).toThrow(Unreadable);
  });
});
