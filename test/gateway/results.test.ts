import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ItemRequest } from '../../src/eventstore/feed/subscription.ts';
import { ResultGroup } from '../../src/gateway/fan-out/group.ts';
import { MemoBudget } from '../../src/gateway/fan-out/memo.ts';
import { type ItemSource, Results } from '../../src/gateway/fan-out/results.ts';
import type { FlushListener, ReadyResult, ReadySink } from '../../src/gateway/fan-out/transport.ts';

/** `updated` items are made once for all, some at once and some later; `heartbeat` items for each subscriber. */
interface Item {
  readonly kind: 'updated' | 'heartbeat';
  readonly n: number;
  readonly later: boolean;
  readonly bytes: number;
}

const item = (n: number, over: Partial<Item> = {}): Item => ({
  ...{ kind: 'updated', n, later: false, bytes: 10 },
  ...over,
});

/** Hands over what it has been given, each item to who has asked for it. */
class Given implements ItemSource {
  readonly #items: (Item | 'end')[] = [];
  #request: ItemRequest<unknown> | undefined;
  asked = 0;

  ask(request: ItemRequest<unknown>): void {
    expect(this.#request).toBeUndefined();
    this.asked += 1;
    this.#request = request;
    this.#hand();
  }

  give(...items: (Item | 'end')[]): void {
    this.#items.push(...items);
    this.#hand();
  }

  #hand(): void {
    const request = this.#request;
    const next = request === undefined ? undefined : this.#items.shift();
    if (request === undefined || next === undefined) return;
    this.#request = undefined;
    request.resolve(next === 'end' ? { done: true, value: undefined } : { done: false, value: next });
  }
}

/** Keeps what it gets; while it is slow, what it gets leaves when it is told so. */
class Kept implements ReadySink {
  readonly sent: string[][] = [];
  readonly #log: string[];
  readonly waiting: FlushListener[] = [];
  isSlow = false;

  constructor(log: string[]) {
    this.#log = log;
  }

  sendReady(results: readonly ReadyResult[], listener: FlushListener): void {
    this.sent.push(results.map(({ stringify }) => stringify()));
    this.#log.push(...(this.sent.at(-1) ?? []));
    if (this.isSlow) this.waiting.push(listener);
    else listener.flushed();
  }

  flow(): void {
    this.isSlow = false;
    for (const listener of this.waiting.splice(0)) listener.flushed();
  }
}

const textOf = ({ n, bytes }: Item): string => JSON.stringify({ data: { n, text: 'x'.repeat(bytes) } });

function open() {
  const source = new Given();
  const log: string[] = [];
  const sink = new Kept(log);
  const result = ({ n, bytes }: Item) => ({ data: { n, text: 'x'.repeat(bytes) } });
  const run = (told: object) => {
    const made = result(told as Item);
    return (told as Item).later ? Promise.resolve(made) : made;
  };
  const results = new Results(source, {
    group: new ResultGroup(run, new MemoBudget({ maxSharedBytes: 1_000_000 })),
    alone: async (told) => result(told as Item),
    sink,
    tally: { shared: 0, alone: 0, bytes: () => 0 },
    onEnd: () => log.push('over'),
  });
  /** As graphql-ws does: sends a result, then asks for the next. */
  const reading = (async () => {
    for await (const told of results) log.push(JSON.stringify(told));
  })();
  return { source, sink, log, results, reading };
}

const turn = (): Promise<void> => new Promise(setImmediate);

describe('results for a socket', () => {
  it('go in one write where they are due at once', async () => {
    const { source, sink } = open();
    const items = [1, 2, 3].map((n) => item(n));
    source.give(...items);
    await turn();
    expect(sink.sent).toEqual([items.map(textOf)]);
  });

  it('wait for the one that is being made, and go with it', async () => {
    const { source, sink } = open();
    const items = [item(1), item(2, { later: true }), item(3)];
    source.give(...items);
    await turn();
    expect(sink.sent).toEqual([items.map(textOf)]);
  });

  it('are not gathered without end', async () => {
    const { source, sink } = open();
    const items = Array.from({ length: 10 }, (_, n) => item(n, { bytes: 6_000 }));
    source.give(...items);
    await turn();
    expect(sink.sent.map(({ length }) => length)).toEqual([3, 3, 3, 1]);
  });

  it('are asked for no further than one while the last have not left', async () => {
    const { source, sink } = open();
    sink.isSlow = true;
    source.give(item(1));
    await turn();
    const { asked } = source;
    source.give(...[2, 3, 4, 5].map((n) => item(n)));
    await turn();
    expect(sink.sent).toHaveLength(1);
    expect(source.asked).toBe(asked);
    sink.flow();
    await turn();
    expect(sink.sent.slice(1)).toEqual([[2, 3, 4, 5].map((n) => textOf(item(n)))]);
  });

  it('that were due are not sent any more when the client has gone', async () => {
    const { source, log, results } = open();
    source.give(item(1));
    await results.return();
    await turn();
    expect(log).toEqual(['over']);
  });

  it('come each once and in order, then the end, however they are made and however they leave', async () => {
    const step = fc.oneof(
      fc.record({
        kind: fc.constantFrom('updated' as const, 'updated' as const, 'heartbeat' as const),
        later: fc.boolean(),
        bytes: fc.constantFrom(1, 100, 9_000),
      }),
      fc.constantFrom('turn' as const, 'slow' as const, 'flow' as const),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
        const { source, sink, log, reading } = open();
        const given: Item[] = [];
        for (const next of steps) {
          if (next === 'turn') await turn();
          else if (next === 'slow') sink.isSlow = true;
          else if (next === 'flow') sink.flow();
          else {
            given.push(item(given.length, next));
            source.give(...given.slice(-1));
          }
        }
        source.give('end');
        sink.flow();
        await reading;
        expect(log).toEqual([...given.map(textOf), 'over']);
      }),
      { numRuns: 500 },
    );
  });
});
