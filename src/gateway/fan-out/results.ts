import type { ExecutionResult } from 'graphql';
import type { ResultTally } from '../../metrics/result-tally.ts';
import { type Departing, departSoon } from './flush.ts';
import type { ResultGroup, Shared } from './group.ts';
import type { Leaver, ReadyResult, ReadySink } from './transport.ts';

/** Results go in one write until they come to so much: the system takes as long for a hundred bytes as for thousands. */
const GATHERED_BYTES = 16_384;

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
 * Results of one subscription, made of the items that its feed tells. It asks for the next ones when the last have left,
 * so that a slow reader slows down nobody but itself; what is due at once leaves together. For what goes to a sink no
 * promise is made, and few objects are looked at: with thousands of subscribers, none of theirs is in the processor's
 * caches any more when the next item comes.
 */
export class Results
  implements AsyncIterableIterator<ExecutionResult, undefined>, ItemTaker, Leaver, Departing
{
  readonly #source: ItemSource;
  readonly #group: ResultGroup | undefined;
  readonly #sink: ReadySink | undefined;
  readonly #tally: ResultTally;
  readonly #options: Pick<ResultsOptions, 'alone' | 'onEnd'>;
  /** What the sink gets next. */
  readonly #due: ReadyResult[] = [];
  #dueBytes = 0;
  /**
   * `asked`: the source owes an item. `making`: its result is being made, for everyone. `alone`: for this subscriber
   * only, and the reader of the iterator is the one to ask for the next. `ended`: the source has nothing more.
   */
  #phase: 'idle' | 'asked' | 'making' | 'alone' | 'ended' = 'idle';
  /** What the sink got last has not left yet. */
  #isLeaving = false;
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
      this.#ask();
    });
  }

  async return(): Promise<Step> {
    this.#due.length = 0;
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
      this.#finish();
      this.#hand({ done, value: undefined });
      return;
    }
    this.#phase = 'idle';
    try {
      const shared = this.#group?.resultOf(item) ?? null;
      if (shared instanceof Promise) this.#giveLater(item, shared);
      else this.#give(item, shared);
    } catch (error) {
      this.reject(error);
    }
  }

  /** From the source: it has failed. */
  reject(error: unknown): void {
    this.#finish();
    const waiter = this.#waiter;
    this.#waiter = undefined;
    waiter?.reject(error);
  }

  depart(): void {
    if (this.#isLeaving) return;
    while (this.#phase === 'idle' && this.#dueBytes < GATHERED_BYTES && !this.#isOver) this.#ask();
    // What is being made will depart with the rest.
    if (this.#phase !== 'making') this.#send();
  }

  left(): void {
    this.#isLeaving = false;
    if (this.#due.length > 0) departSoon(this);
    else if (this.#phase === 'idle') this.#ask();
  }

  #ask(): void {
    this.#phase = 'asked';
    this.#source.ask(this);
  }

  #send(): void {
    if (this.#due.length === 0) return;
    this.#isLeaving = true;
    const due = this.#due.splice(0);
    this.#dueBytes = 0;
    this.#sink?.sendReady(due, this);
  }

  #giveLater(item: unknown, making: Promise<Shared>): void {
    this.#phase = 'making';
    making
      .then((made) => {
        this.#phase = 'idle';
        const waits = this.#due.length > 0;
        this.#give(item, made);
        if (waits) departSoon(this);
      })
      .catch((error: unknown) => this.reject(error));
  }

  #give(item: unknown, shared: Shared): void {
    if (shared === null || this.#isOver) {
      this.#giveAlone(item);
      return;
    }
    this.#tally.shared += 1;
    if (this.#sink === undefined) {
      this.#hand({ done: false, value: shared });
      return;
    }
    this.#due.push(shared);
    this.#dueBytes += shared.last.length;
    if (this.#due.length === 1) departSoon(this);
  }

  #giveAlone(item: unknown): void {
    // Who is over hears so, and nothing else any more.
    if (this.#isOver) {
      this.#ask();
      return;
    }
    this.#phase = 'alone';
    this.#send();
    this.#tally.alone += 1;
    this.#options.alone(item).then(
      (value) => (this.#isOver ? this.#ask() : this.#hand({ done: false, value })),
      (error: unknown) => this.reject(error),
    );
  }

  #hand(step: Step): void {
    const waiter = this.#waiter;
    this.#waiter = undefined;
    waiter?.resolve(step);
  }

  /** What is due leaves before the end does. */
  #finish(): void {
    this.#phase = 'ended';
    this.#send();
    this.#end();
  }

  #end(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#options.onEnd();
  }
}
