import { getIntrospectionQuery, parse } from 'graphql';
import { describe, expect, it } from 'vitest';
import { openPrices } from '../../src/gateway/cost/sizes.ts';
import { schema } from '../../src/schema.ts';

const price = openPrices(schema);
const pointsOf = (query: string, variableValues?: Record<string, unknown>, operationName?: string): number =>
  price({ document: parse(query), variableValues, operationName });

/** Spreads the next fragment twice, so many levels deep. */
const doubling = (levels: number, field: (next: string) => string): string => {
  const fragments = Array.from(
    { length: levels },
    (_, level) => `fragment F${level} on Query { ${field(`...F${level + 1} ...F${level + 1}`)} }`,
  );
  return `{ ...F0 } ${fragments.join(' ')} fragment F${levels} on Query { __typename }`;
};

describe('what a document costs', () => {
  it('grows with the rows that are asked for', () => {
    const page = (first: number): number => pointsOf(`{ tenders(first: ${first}) { nodes { id status } } }`);
    expect(page(200)).toBeGreaterThan(1.9 * page(100));
    expect(page(200)).toBeLessThan(2.1 * page(100));
    expect(page(1_000_000)).toBe(page(200));
    expect(page(-5)).toBe(page(0));
  });

  it.each([
    ['a literal', '{ tenders(first: 150) { nodes { id } } }', undefined],
    ['a variable', 'query ($n: Int) { tenders(first: $n) { nodes { id } } }', { n: 150 }],
    ['a default', 'query ($n: Int = 150) { tenders(first: $n) { nodes { id } } }', {}],
    ['the other end', '{ tenders(last: 150) { nodes { id } } }', undefined],
  ])('is the same by %s', (_name, query, variables) => {
    expect(pointsOf(query, variables)).toBe(pointsOf('{ tenders(first: 150) { nodes { id } } }'));
  });

  it('takes 50 rows for a page of which nothing is said, and for null', () => {
    const fifty = pointsOf('{ tenders(first: 50) { nodes { id } } }');
    expect(pointsOf('{ tenders { nodes { id } } }')).toBe(fifty);
    expect(pointsOf('query ($n: Int) { tenders(first: $n) { nodes { id } } }', { n: null })).toBe(fifty);
  });

  it('multiplies pages within pages, by nodes and by edges', () => {
    const outer = (inner: string): number => pointsOf(`{ tenders(first: 100) { nodes { id ${inner} } } }`);
    const history = (first: number): string => `history(first: ${first}) { edges { node { id } } }`;
    expect(outer(history(200)) - outer(history(100))).toBeGreaterThan(100 * 100);
  });

  it('counts each alias, and one field once however often it is selected', () => {
    const one = pointsOf('{ tenders { nodes { id } } }');
    expect(pointsOf('{ a: tenders { nodes { id } } b: tenders { nodes { id } } }')).toBeGreaterThan(
      1.9 * one,
    );
    const thrice = '{ ...T tenders { nodes { id } } ...T } fragment T on Query { tenders { nodes { id } } }';
    expect(pointsOf(thrice)).toBe(one);
  });

  it('counts what a condition may leave out', () => {
    const query = 'query ($all: Boolean!) { tenders @include(if: $all) { nodes { id } } }';
    expect(pointsOf(query, { all: false })).toBe(pointsOf('{ tenders { nodes { id } } }'));
  });

  it('counts the items of lists among the arguments', () => {
    const query = 'query ($ids: [ID!]!) { nodes(ids: $ids) { id } }';
    expect(pointsOf(query, { ids: Array(100).fill('x') })).toBeGreaterThan(pointsOf(query, { ids: ['x'] }));
    const batch = 'mutation ($input: TrackLocationsInput!) { trackLocations(input: $input) { recorded } }';
    const fixes = (count: number) => pointsOf(batch, { input: { fixes: Array(count).fill({}) } });
    expect(fixes(1_000) - fixes(1)).toBeGreaterThan(10_000);
  });

  it('is more about the past', () => {
    const query = 'query ($at: DateTime) { tender(id: "1", asOf: $at) { id } }';
    expect(pointsOf(query, { at: '2026-01-01T00:00:00Z' })).toBeGreaterThan(10 * pointsOf(query, {}));
  });

  it('is that of the operation that is asked for', () => {
    const query = 'query A { __typename } query B { tenders(first: 200) { nodes { id } } }';
    expect(pointsOf(query, {}, 'B')).toBeGreaterThan(100 * pointsOf(query, {}, 'A'));
  });

  it('is found in one walk where fragments spread fragments, however many ways lead to a field', () => {
    expect(pointsOf(doubling(200, (next) => next))).toBeLessThan(10);
    expect(pointsOf(doubling(200, (next) => `a: node(id: "1") { id } ${next}`))).toBeLessThan(200);
    const paths = Array.from(
      { length: 40 },
      (_, at) => `fragment P${at} on Tender { vehicle { history { nodes { id } } }
      a: lastEvent { id } ...P${at + 1} }`,
    );
    expect(
      pointsOf(`{ tender(id: "1") { ...P0 } } ${paths.join(' ')} fragment P40 on Tender { id }`),
    ).toBeLessThan(5_000);
  });

  it('is beyond all limits where a document comes to more fields than one would count', () => {
    const level = (depth: number): string =>
      depth === 0
        ? 'name'
        : `a: ofType { ${depth > 5 ? `...L${depth - 1}` : level(depth - 1)} } b: ofType { ${depth > 5 ? `...L${depth - 1}` : level(depth - 1)} }`;
    const fragments = Array.from(
      { length: 20 },
      (_, at) => `fragment L${at + 5} on __Type { ${level(at + 5)} }`,
    );
    expect(pointsOf(`{ __type(name: "Query") { ...L24 } } ${fragments.join(' ')}`)).toBe(
      Number.POSITIVE_INFINITY,
    );
  });

  it('lets a tool read the schema', () => {
    expect(pointsOf(getIntrospectionQuery())).toBeLessThan(25_000);
  });
});
