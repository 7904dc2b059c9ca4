import type { ExecutionResult } from 'graphql';
import { type Frame, FrameTexts, type RowText, type Run } from './frame-texts.ts';
import { type MemoBudget, ResultMemo } from './memo.ts';
import { ReadyResult } from './transport.ts';

/** The result of an item for everyone of the group; null where each subscriber has to execute the item. */
export type Shared = ReadyResult | null;

/** Kinds of items that the feed hands to all subscribers as one object; another item is seen by one subscriber only. */
const SHARED_KINDS: ReadonlySet<unknown> = new Set(['updated', 'appended', 'left']);

/**
 * Subscribers who are shown the same: an item is executed and serialised once for all of them. A result with errors is not
 * shared: each subscriber then executes the item for itself, and gets errors of its own.
 */
export class ResultGroup {
  readonly #run: Run;
  readonly #items: ResultMemo<Shared | Promise<Shared>>;
  readonly #rows: ResultMemo<RowText>;
  readonly #frames: FrameTexts;
  /** Counted by whoever joins and leaves. */
  members = 0;

  /** @param run executes the group's operation on an item, in the name of all of them */
  constructor(run: Run, budget: MemoBudget) {
    this.#run = run;
    this.#items = new ResultMemo(budget);
    this.#rows = new ResultMemo(budget);
    this.#frames = new FrameTexts(run, this.#rows);
  }

  /** At once where it is known or can be made at once. */
  resultOf(item: unknown): Shared | Promise<Shared> {
    if (isFrame(item)) return this.#frames.resultOf(item);
    if (!isShared(item)) return null;
    const known = this.#items.get(item);
    return known === undefined ? this.#make(item) : known;
  }

  close(): void {
    this.#items.close();
    this.#rows.close();
  }

  #make(item: object): Shared | Promise<Shared> {
    const result = this.#run(item);
    if (!(result instanceof Promise)) return this.#keep(item, result);
    const making = result.then(
      (settled) => this.#keep(item, settled),
      () => null,
    );
    this.#items.set(item, making, 0);
    return making;
  }

  #keep(item: object, result: ExecutionResult): Shared {
    const text = result.errors === undefined ? JSON.stringify(result) : '';
    const shared = text === '' ? null : new ReadyResult(text);
    this.#items.set(item, shared, text.length);
    return shared;
  }
}

function isFrame(item: unknown): item is Frame {
  return kindOf(item) === 'moved';
}

function isShared(item: unknown): item is object {
  return SHARED_KINDS.has(kindOf(item));
}

function kindOf(item: unknown): unknown {
  return typeof item === 'object' && item !== null && 'kind' in item ? item.kind : undefined;
}
