import type { ClientLimits } from '../../metrics/limits.ts';

/** What all groups of subscribers may remember together: characters of text, nearly as many bytes. */
export type MemoLimits = Pick<ClientLimits, 'maxSharedBytes'>;

/** Beside its text, an entry takes about so much. */
const ENTRY_BYTES = 100;

/** The bound of all memos of a process: when they have grown by half of it, each forgets its older half. */
export class MemoBudget {
  readonly #half: number;
  readonly #memos = new Set<ResultMemo<unknown>>();
  #young = 0;
  #old = 0;

  constructor({ maxSharedBytes }: MemoLimits) {
    this.#half = maxSharedBytes / 2;
  }

  /** How much is remembered, at most. */
  get bytes(): number {
    return this.#young + this.#old;
  }

  enter(memo: ResultMemo<unknown>): void {
    this.#memos.add(memo);
  }

  leave(memo: ResultMemo<unknown>): void {
    this.#memos.delete(memo);
  }

  spend(bytes: number): void {
    this.#young += bytes;
    if (this.#young < this.#half) return;
    this.#old = this.#young;
    this.#young = 0;
    for (const memo of this.#memos) memo.age();
  }
}

/** What was made of an object, for a while: it is wanted again at once by many, and then never more. */
export class ResultMemo<V> {
  readonly #budget: MemoBudget;
  #young = new Map<object, V>();
  #old = new Map<object, V>();

  constructor(budget: MemoBudget) {
    this.#budget = budget;
    budget.enter(this);
  }

  get(key: object): V | undefined {
    const value = this.#young.get(key);
    return value === undefined ? this.#old.get(key) : value;
  }

  /** @param length of the text, in characters */
  set(key: object, value: V, length: number): void {
    this.#young.set(key, value);
    this.#budget.spend(length + ENTRY_BYTES);
  }

  /** Forgets what is older than the last time. */
  age(): void {
    this.#old = this.#young;
    this.#young = new Map();
  }

  close(): void {
    this.#budget.leave(this);
  }
}
