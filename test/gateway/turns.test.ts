import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { textOf } from '../../src/gateway/cost/text.ts';
import { openTurns } from '../../src/gateway/cost/turns.ts';
import { openMetrics } from '../../src/metrics/metrics.ts';

const stays = (): boolean => false;

describe('dear queries', () => {
  it('take turns by caller, however many one caller sends', async () => {
    const turns = openTurns({ maxDearPerCaller: 64 }, openMetrics());
    const order: string[] = [];
    const work = async (caller: string): Promise<void> => {
      const { done } = await turns.take(caller, stays);
      order.push(caller);
      await new Promise(setImmediate);
      done();
    };
    await Promise.all([...Array.from({ length: 20 }, () => work('greedy')), work('a'), work('b')]);
    expect(order.slice(0, 5).toSorted()).toEqual(['a', 'b', 'greedy', 'greedy', 'greedy']);
    expect(order).toHaveLength(22);
  });

  it('wait in a line that has an end', async () => {
    const metrics = openMetrics();
    const turns = openTurns({ maxDearPerCaller: 3 }, metrics);
    const taken = Array.from({ length: 5 }, () => turns.take('a', stays));
    await expect(turns.take('a', stays)).rejects.toMatchObject({ extensions: { code: 'OVERLOADED' } });
    const { values } = await metrics.limits.get();
    expect(values.find(({ labels }) => labels.limit === 'dear_per_caller')?.value).toBe(1);
    for (const one of taken) (await one).done();
    (await turns.take('a', stays)).done();
  });

  it('are not begun for clients that have left, and stop where they leave', async () => {
    const turns = openTurns({ maxDearPerCaller: 64 }, openMetrics());
    await expect(turns.take('a', () => true)).rejects.toMatchObject({
      extensions: { code: 'CLIENT_CLOSED_REQUEST' },
    });
    let hasLeft = false;
    const { pace, done } = await turns.take('a', () => hasLeft);
    hasLeft = true;
    const rests = async (): Promise<void> => {
      for (;;) await pace.rest();
    };
    await expect(rests()).rejects.toMatchObject({ extensions: { code: 'CLIENT_CLOSED_REQUEST' } });
    done();
  });

  it('are refused where they come to more than was thought', async () => {
    const turns = openTurns({ maxDearPerCaller: 64 }, openMetrics());
    const { pace, done } = await turns.take('a', stays);
    pace.count(100_000);
    expect(() => pace.count(1)).toThrow('There is more to be shown');
    done();
  });
});

describe('the text of a dear answer', () => {
  const pace = { rest: () => undefined, count: () => undefined };

  it('is what JSON has', { tags: ['property'] }, async () => {
    await fc.assert(
      fc.asyncProperty(fc.dictionary(fc.string(), fc.jsonValue()), async (data) => {
        const answer = { data: { ...data, absent: undefined, at: new Date(0) }, extensions: { cost: 1 } };
        expect(await textOf(answer, pace)).toBe(JSON.stringify(answer));
      }),
    );
  });
});
