import type { ExecutionResult } from 'graphql';
import type { Shared } from './result-group.ts';
import type { ResultTally } from './result-tally.ts';

/** Results of one subscription, as its transport pulls them. */
export type Results = AsyncIterableIterator<ExecutionResult, undefined>;

export interface ResultsOptions {
  /** The result that everyone of a group is given; null where there is none. */
  readonly shared: (item: unknown) => Shared | Promise<Shared>;
  /** The result for this subscriber only. Never throws. */
  readonly alone: (item: unknown) => Promise<ExecutionResult>;
  readonly tally: ResultTally;
  /** Called once, when the subscription is over, from whichever side. */
  readonly onEnd: () => void;
}

type Step = IteratorResult<ExecutionResult, undefined>;

/** Makes results of a feed's items. Written by hand, since for thousands of subscribers each promise counts. */
export function openResults(source: AsyncIterator<unknown>, options: ResultsOptions): Results {
  const { shared, alone, tally } = options;
  let isOver = false;
  const end = (): void => {
    if (isOver) return;
    isOver = true;
    options.onEnd();
  };
  const executeAlone = async (item: unknown): Promise<Step> => {
    tally.alone += 1;
    return { done: false, value: await alone(item) };
  };
  const hand = (item: unknown, result: Shared): Step | Promise<Step> => {
    if (result === null) return executeAlone(item);
    tally.shared += 1;
    return { done: false, value: result };
  };
  const step = ({ done, value: item }: IteratorResult<unknown>): Step | Promise<Step> => {
    if (done === true) {
      end();
      return { done: true, value: undefined };
    }
    const result = shared(item);
    return result instanceof Promise ? result.then((made) => hand(item, made)) : hand(item, result);
  };
  const fail = (error: unknown): never => {
    end();
    throw error;
  };
  return {
    next: () => source.next().then(step, fail),
    async return() {
      end();
      await source.return?.();
      return { done: true, value: undefined };
    },
    async throw(error) {
      end();
      await source.return?.();
      throw error;
    },
    [Symbol.asyncIterator]() {
      return this;
    },
  };
}
