import type { ExecutionResult } from 'graphql';
import type { ItemRequest } from '../../eventstore/feed/subscription.ts';
import type { ResultTally } from '../../metrics/result-tally.ts';
import type { ResultGroup, Shared } from './group.ts';
import type { EndableStream, FlushListener, ReadyResult, ReadySink } from './transport.ts';

/** Results go in one write until they come to this size: the system takes as long for a hundred bytes as for thousands. */
const GATHERED_BYTES = 16_384;

/** Where items come from: each answers one request. */
export interface ItemSource {
  ask(request: ItemRequest<unknown>): void;
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

/** Whoever reads the iterator, while it waits. */
interface Reader {
  resolve(step: Step): void;
  reject(error: unknown): void;
}

/**
 * The results of one subscription, made of the items of its feed. It asks for the next items when the last results have
 * left, so that a slow reader slows down nobody but itself; results that are ready at the same time leave together. For
 * what goes to a sink no promise is made, and few objects are touched: with thousands of subscribers, none of a
 * subscriber's objects is still in the processor's caches when its next item comes.
 */
export class Results
  implements
    AsyncIterableIterator<ExecutionResult, undefined>,
    ItemRequest<unknown>,
    FlushListener,
    EndableStream
{
  readonly #source: ItemSource;
  readonly #group: ResultGroup | undefined;
  readonly #sink: ReadySink | undefined;
  readonly #tally: ResultTally;
  readonly #options: Pick<ResultsOptions, 'alone' | 'onEnd'>;
  /** What the sink gets next. */
  readonly #ready: ReadyResult[] = [];
  #readyBytes = 0;
  /**
   * `asked`: the source owes an item. `making`: a result for everyone is being made. `alone`: one for this subscriber only is,
   * and the iterator's reader is the one to ask for the next. `ended`: the source has nothing more.
   */
  #phase: 'idle' | 'asked' | 'making' | 'alone' | 'ended' = 'idle';
  /** What the sink got last has not left yet. */
  #isFlushing = false;
  #reader: Reader | undefined;
  #isOver = false;
  /** What the reader gets yet when the gateway has ended the subscription; null when it has got that. */
  #last: ExecutionResult | null | undefined;

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

  /** One at a time: it must not be called again before it has answered, and graphql-ws and Yoga do not. */
  next(): Promise<Step> {
    if (this.#last !== undefined) return Promise.resolve(this.#farewell());
    return new Promise((resolve, reject) => {
      this.#reader = { resolve, reject };
      this.#ask();
    });
  }

  async return(): Promise<Step> {
    this.#ready.length = 0;
    this.#end();
    await this.#source.return?.();
    return { done: true, value: undefined };
  }

  /** Ends the subscription from this side. */
  endWith(last: ExecutionResult): void {
    if (this.#isOver) return;
    this.#ready.length = 0;
    this.#last = last;
    this.#end();
    if (this.#reader !== undefined) this.#answerReader(this.#farewell());
    void this.#source.return?.();
  }

  #farewell(): Step {
    const last = this.#last ?? undefined;
    this.#last = null;
    return last === undefined ? { done: true, value: undefined } : { done: false, value: last };
  }

  async throw(error: unknown): Promise<Step> {
    await this.return();
    throw error;
  }

  /** Called by the source: with the next item, or the end. */
  resolve({ done, value: item }: IteratorResult<unknown, undefined>): void {
    if (done === true) {
      this.#finish();
      this.#answerReader({ done, value: undefined });
      return;
    }
    this.#phase = 'idle';
    try {
      const shared = this.#group?.resultOf(item) ?? null;
      if (shared instanceof Promise) this.#deliverLater(item, shared);
      else this.#deliver(item, shared);
    } catch (error) {
      this.reject(error);
    }
  }

  /** Called by the source: it has failed. */
  reject(error: unknown): void {
    this.#finish();
    const reader = this.#reader;
    this.#reader = undefined;
    reader?.reject(error);
  }

  /** Sends what is ready to the sink, together with whatever the source has at once. */
  flush(): void {
    if (this.#isFlushing) return;
    while (this.#phase === 'idle' && this.#readyBytes < GATHERED_BYTES && !this.#isOver) this.#ask();
    // A result that is being made goes with the rest.
    if (this.#phase !== 'making') this.#send();
  }

  flushed(): void {
    this.#isFlushing = false;
    if (this.#ready.length > 0) flushSoon(this);
    else if (this.#phase === 'idle') this.#ask();
  }

  #ask(): void {
    this.#phase = 'asked';
    this.#source.ask(this);
  }

  #send(): void {
    if (this.#ready.length === 0) return;
    this.#isFlushing = true;
    const ready = this.#ready.splice(0);
    this.#readyBytes = 0;
    this.#sink?.sendReady(ready, this);
  }

  #deliverLater(item: unknown, making: Promise<Shared>): void {
    this.#phase = 'making';
    making
      .then((made) => {
        this.#phase = 'idle';
        const waits = this.#ready.length > 0;
        this.#deliver(item, made);
        if (waits) flushSoon(this);
      })
      .catch((error: unknown) => this.reject(error));
  }

  #deliver(item: unknown, shared: Shared): void {
    if (shared === null || this.#isOver) {
      this.#deliverAlone(item);
      return;
    }
    this.#tally.shared += 1;
    if (this.#sink === undefined) {
      this.#answerReader({ done: false, value: shared });
      return;
    }
    this.#ready.push(shared);
    this.#readyBytes += shared.last.length;
    if (this.#ready.length === 1) flushSoon(this);
  }

  #deliverAlone(item: unknown): void {
    // A subscription that is over drops the item, and asks until the source says that it has ended.
    if (this.#isOver) {
      this.#ask();
      return;
    }
    this.#phase = 'alone';
    this.#send();
    this.#tally.alone += 1;
    this.#options.alone(item).then(
      (value) => (this.#isOver ? this.#ask() : this.#answerReader({ done: false, value })),
      (error: unknown) => this.reject(error),
    );
  }

  #answerReader(step: Step): void {
    const reader = this.#reader;
    this.#reader = undefined;
    reader?.resolve(step);
  }

  /** What is ready leaves before the end does. */
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

let unflushed: Results[] = [];

/**
 * Flushes once the change at hand has reached every subscriber: a loop that does nothing but send finds more of what it
 * needs in the processor's caches.
 */
function flushSoon(results: Results): void {
  unflushed.push(results);
  if (unflushed.length === 1) queueMicrotask(flushAll);
}

function flushAll(): void {
  const all = unflushed;
  unflushed = [];
  for (const results of all) results.flush();
}
