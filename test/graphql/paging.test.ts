import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  decodeCursor,
  encodeCursor,
  keysetPage,
  MAX_PAGE,
  type Order,
  type PageQuery,
  type RelayConnection,
} from '../../src/graphql/paging.ts';

interface Item {
  readonly rank: number;
  readonly _id: string;
}

/** Understands as much of MongoDB's query language as a page asks for. */
function fits(item: Item, filter: unknown): boolean {
  return Object.entries(filter as Record<string, unknown>).every(([key, condition]) => {
    if (key === '$and') return (condition as unknown[]).every((each) => fits(item, each));
    if (key === '$or') return (condition as unknown[]).some((each) => fits(item, each));
    const value = item[key as keyof Item];
    if (typeof condition !== 'object' || condition === null) return value === condition;
    const { $gt, $lt, $gte, $lte } = condition as Record<string, string | number | undefined>;
    return (
      ($gt === undefined || value > $gt) &&
      ($lt === undefined || value < $lt) &&
      ($gte === undefined || value >= $gte) &&
      ($lte === undefined || value <= $lte)
    );
  });
}

function compare(sort: PageQuery['sort']) {
  return (a: Item, b: Item): number => {
    for (const [key, way] of Object.entries(sort)) {
      const [x, y] = [a[key as keyof Item], b[key as keyof Item]];
      if (x !== y) return x < y ? -way : way;
    }
    return 0;
  };
}

function finder(items: readonly Item[]) {
  return async ({ filter, sort, limit }: PageQuery): Promise<Item[]> =>
    items
      .filter((item) => fits(item, filter))
      .sort(compare(sort))
      .slice(0, limit);
}

const order = fc.tuple(fc.constantFrom(1 as const, -1 as const), fc.constantFrom(1 as const, -1 as const));
const items = fc.uniqueArray(fc.record({ rank: fc.integer({ min: 0, max: 5 }), _id: fc.string() }), {
  selector: (item) => item._id,
  maxLength: 40,
});

describe('an empty page', () => {
  const three = [1, 2, 3].map((rank) => ({ rank, _id: `${rank}` }));
  const by: Order<Item> = [
    ['rank', 1],
    ['_id', 1],
  ];
  const page = (args: object, all = three) => keysetPage(args, by, finder(all));

  it('says whether there is more, from either end and behind any cursor', async () => {
    expect((await page({ first: 0 })).pageInfo.hasNextPage).toBe(true);
    expect((await page({ last: 0 })).pageInfo.hasPreviousPage).toBe(true);
    expect((await page({ first: 0 }, [])).pageInfo.hasNextPage).toBe(false);
    expect((await page({ last: 0 }, [])).pageInfo.hasPreviousPage).toBe(false);
    const whole = await page({ first: 3 });
    expect((await page({ first: 0, after: whole.edges[1]?.cursor })).pageInfo.hasNextPage).toBe(true);
    expect((await page({ first: 0, after: whole.edges[2]?.cursor })).pageInfo.hasNextPage).toBe(false);
    expect((await page({ last: 0, before: whole.edges[0]?.cursor })).pageInfo.hasPreviousPage).toBe(false);
    expect((await page({ first: 0 })).edges).toEqual([]);
  });
});

describe('a cursor that a client has made', () => {
  it('holds no moment beyond the years that a moment may have', () => {
    const forged = (date: string) => Buffer.from(JSON.stringify([{ date }])).toString('base64url');
    expect(decodeCursor(forged('2026-01-01T00:00:00Z'), 1, 'after')).toHaveLength(1);
    for (const date of ['+010000-01-01T00:00:00Z', '-000001-12-31T23:59:59Z', 'never'])
      expect(() => decodeCursor(forged(date), 1, 'after')).toThrow('is no cursor of this list');
  });
});

describe('pages by keyset', () => {
  it('put together are the whole list, in order, from either end', async () => {
    await fc.assert(
      fc.asyncProperty(items, order, fc.integer({ min: 1, max: 7 }), async (all, [first, second], size) => {
        const by: Order<Item> = [
          ['rank', first],
          ['_id', second],
        ];
        const whole = [...all].sort(compare({ rank: first, _id: second }));
        const forwards: Item[] = [];
        for (let after: string | null = null; ; ) {
          const page: RelayConnection<Item> = await keysetPage({ first: size, after }, by, finder(all));
          forwards.push(...page.edges.map((edge) => edge.node));
          expect(page.pageInfo.hasPreviousPage).toBe(after !== null);
          after = page.pageInfo.endCursor;
          if (!page.pageInfo.hasNextPage) break;
        }
        expect(forwards).toEqual(whole);
        const backwards: Item[] = [];
        for (let before: string | null = null; ; ) {
          const page: RelayConnection<Item> = await keysetPage({ last: size, before }, by, finder(all));
          backwards.unshift(...page.edges.map((edge) => edge.node));
          before = page.pageInfo.startCursor;
          if (!page.pageInfo.hasPreviousPage) break;
        }
        expect(backwards).toEqual(whole);
      }),
    );
  });

  it('hold 50 unless asked otherwise, never more than the maximum, and none when asked for none', async () => {
    const all = Array.from({ length: 300 }, (_, n) => ({ rank: 1, _id: String(n).padStart(3, '0') }));
    const by: Order<Item> = [['_id', 1]];
    const sizes = await Promise.all(
      [{}, { first: 1_000 }, { last: 1_000 }, { first: 0 }].map((args) => keysetPage(args, by, finder(all))),
    );
    expect(sizes.map((page) => page.edges.length)).toEqual([50, MAX_PAGE, MAX_PAGE, 0]);
    expect(sizes[1]?.pageInfo.hasNextPage).toBe(true);
  });

  it('refuse what makes no sense, naming the argument', async () => {
    const by: Order<Item> = [['_id', 1]];
    const ask = (args: object) => keysetPage(args, by, finder([]));
    const refused = { extensions: { code: 'INVALID_INPUT' } };
    await expect(ask({ first: -1 })).rejects.toMatchObject(refused);
    await expect(ask({ first: 1, last: 1 })).rejects.toMatchObject(refused);
    for (const after of ['', 'nonsense', encodeCursor(['a', 'b']), encodeCursor([{ $gt: '' }])]) {
      await expect(ask({ after }), after).rejects.toMatchObject(refused);
    }
  });
});

describe('a cursor', () => {
  it('keeps texts, numbers and dates', () => {
    const keys = ['a', 1.5, true, new Date('2026-03-01T00:00:00.123Z')];
    expect(decodeCursor(encodeCursor(keys), 4, 'after')).toEqual(keys);
  });
});
