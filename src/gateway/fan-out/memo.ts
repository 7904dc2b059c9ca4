import type { ClientLimits } from '../../metrics/limits.ts';

/** What all groups of subscribers may remember together: characters of text, nearly as many bytes. */
export type MemoLimits = Pick<ClientLimits, 'maxSharedBytes'>;

/** What an entry takes beside its text, about. */
const ENTRY_BYTES = 100;

/** What all memos of a process may hold. Whenever they have grown by half of that, each forgets its older half. */
export class MemoBudget {
  readonly #half: number;
  readonly #memos = new Set<ResultMemo<unknown>>();
  #young = 0;
  #old = 0;

  constructor({ maxSharedBytes }: MemoLimits) {
    this.#half = maxSharedBytes / 2;
  }

  /** An upper bound of what is remembered now. */
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

/** Remembers for a while what was made of an object: many want it at once, and nobody later. */
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

  /** Forgets what was there already at the last call. */
  age(): void {
    this.#old = this.#young;
    this.#young = new Map();
  }

  close(): void {
    this.#budget.leave(this);
  }
}
