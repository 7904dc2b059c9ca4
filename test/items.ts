import { expect } from 'vitest';
import { eventually } from './eventually.ts';
import type { Data } from './gateway.ts';

/** What a subscription has yielded so far. */
export interface Items {
  readonly all: readonly Data[];
  /** Waits until an item fits and returns it; fails the test where none comes in time. */
  until(fits: (item: Data) => boolean): Promise<Data>;
  /** How it ended: undefined while it runs. */
  readonly end: { readonly error?: unknown } | undefined;
  stop(): void;
}

/** Collects the items of a subscription: what `iterate` of a graphql-ws client returns, or an event stream. */
export function collect(iterable: AsyncIterable<{ data?: Data; errors?: Data }>, field: string): Items {
  const all: Data[] = [];
  const iterator = iterable[Symbol.asyncIterator]();
  let end: { error?: unknown } | undefined;
  const pump = async (): Promise<void> => {
    for (;;) {
      const { done, value } = await iterator.next();
      if (done === true) return;
      if (value.errors) throw new Error(JSON.stringify(value.errors));
      all.push(value.data[field]);
    }
  };
  pump().then(
    () => {
      end = {};
    },
    (error: unknown) => {
      end = { error };
    },
  );
  return {
    all,
    get end() {
      return end;
    },
    until: (fits) =>
      eventually(
        () => {
          const found = all.find(fits);
          expect(
            found,
            `none of ${all.length} items fits: ${JSON.stringify(all).slice(0, 2_000)}`,
          ).toBeDefined();
          return found;
        },
        { lookMs: 10 },
      ),
    stop: () => void iterator.return?.(),
  };
}
