import type { ExecutionResult } from 'graphql';
import { type Departing, departSoon, type Leaver } from './departures.ts';
import type { ReadyResult, ReadySink } from './ready-result.ts';
import type { ResultGroup, Shared } from './result-group.ts';
import type { ResultTally } from './result-tally.ts';

/** Whom items are handed to. */
export interface ItemTaker {
  resolve(result: IteratorResult<unknown, undefined>): void;
  reject(error: unknown): void;
}

/** Where items come from: each is handed to a taker that has asked for it. */
export interface ItemSource {
  ask(taker: ItemTaker): void;
  return?(): Promise<unknown>;
}

export interface ResultsOptions {
  /** With whom results are shared, if with anybody. */
  readonly group: ResultGroup | undefined;
  /** The result for this subscriber only. Never throws. */
  readonly alone: (item: unknown) => Promise<ExecutionResult>;
  /** Takes ready results past the iterator, which then hands over the others only. */
  readonly sink: ReadySink | undefined;
  readonly tally: ResultTally;
  /** Called once, when the subscription is over, from whichever side. */
  readonly onEnd: () => void;
}

type Step = IteratorResult<ExecutionResult, undefined>;

interface Waiter {
  resolve(step: Step): void;
  reject(error: unknown): void;
}

/**
 * Results of one subscription, made of the items that its feed tells. It asks for the next one when the last has left, so
 * that a slow reader slows down nobody but itself. For what goes to a sink no promise is made, and few objects are looked
 * at: with thousands of subscribers, none of theirs is in the processor's caches any more when the next item comes.
 */
export class Results
  implements AsyncIterableIterator<ExecutionResult, undefined>, ItemTaker, Leaver, Departing
{
  readonly #source: ItemSource;
  readonly #group: ResultGroup | undefined;
  readonly #sink: ReadySink | undefined;
  readonly #tally: ResultTally;
  readonly #options: Pick<ResultsOptions, 'alone' | 'onEnd'>;
  #ready: ReadyResult | undefined;
  #waiter: Waiter | undefined;
  #isOver = false;

  constructor(source: ItemSource, options: ResultsOptions) {
    this.#source = source;
    this.#group = options.group;
    this.#sink = options.sink;
    this.#tally = options.tally;
    this.#options = options;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  /** One at a time, as every reader of ours asks. */
  next(): Promise<Step> {
    return new Promise((resolve, reject) => {
      this.#waiter = { resolve, reject };
      this.#source.ask(this);
    });
  }

  async return(): Promise<Step> {
    this.#end();
    await this.#source.return?.();
    return { done: true, value: undefined };
  }

  async throw(error: unknown): Promise<Step> {
    await this.return();
    throw error;
  }

  /** From the source: the next item, or the end. */
  resolve({ done, value: item }: IteratorResult<unknown, undefined>): void {
    if (done === true) {
      this.#end();
      this.#hand({ done, value: undefined });
      return;
    }
    try {
      const shared = this.#group?.resultOf(item) ?? null;
      if (shared instanceof Promise)
        shared.then((made) => this.#give(item, made)).catch((error: unknown) => this.reject(error));
      else this.#give(item, shared);
    } catch (error) {
      this.reject(error);
    }
  }

  /** From the source: it has failed. */
  reject(error: unknown): void {
    this.#end();
    const waiter = this.#waiter;
    this.#waiter = undefined;
    waiter?.reject(error);
  }

  depart(): void {
    if (this.#ready !== undefined) this.#sink?.sendReady(this.#ready, this);
  }

  left(): void {
    this.#ready = undefined;
    this.#source.ask(this);
  }

  #give(item: unknown, shared: Shared): void {
    if (shared === null || this.#isOver) {
      this.#giveAlone(item);
      return;
    }
    this.#tally.shared += 1;
    if (this.#sink === undefined) this.#hand({ done: false, value: shared });
    else {
      this.#ready = shared;
      departSoon(this);
    }
  }

  #giveAlone(item: unknown): void {
    // Who is over hears so, and nothing else any more.
    if (this.#isOver) {
      this.#source.ask(this);
      return;
    }
    this.#tally.alone += 1;
    this.#options.alone(item).then(
      (value) => (this.#isOver ? this.#source.ask(this) : this.#hand({ done: false, value })),
      (error: unknown) => this.reject(error),
    );
  }

  #hand(step: Step): void {
    const waiter = this.#waiter;
    this.#waiter = undefined;
    waiter?.resolve(step);
  }

  #end(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#options.onEnd();
  }
}
