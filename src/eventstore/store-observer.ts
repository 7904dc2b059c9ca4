/** What the store tells whoever measures it. Every call is cheap and never throws. */
export interface StoreObserver {
  /** A group of appends went to the database in one stroke. */
  committed(kind: 'insert' | 'transaction', members: number, events: number, seconds: number): void;
  /** An append was tried again: a lost race, or an unknown outcome. */
  retried(reason: 'race' | 'unknown'): void;
  /** What became of folds that make a snapshot; what is dropped is missed by nobody but the clock. */
  snapshots(fate: 'written' | 'dropped', count: number): void;
}

export const SILENT: StoreObserver = { committed() {}, retried() {}, snapshots() {} };
