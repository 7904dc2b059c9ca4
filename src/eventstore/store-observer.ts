/** What the store reports to whoever measures it. Every call is cheap and never throws. */
export interface StoreObserver {
  /** A group of appends went to the database in one stroke. */
  committed(kind: 'insert' | 'transaction', members: number, events: number, seconds: number): void;
  /** An append was tried again: a lost race, or an unknown outcome. */
  retried(reason: 'race' | 'unknown'): void;
  /** What became of folds that make a snapshot. A dropped one costs whoever reads its stream time, and nothing else. */
  snapshots(fate: 'written' | 'dropped', count: number): void;
  /** Something was met that only a newer version understands. */
  metNewer(of: 'event' | 'read_model'): void;
}

/** For a store that nobody measures. */
export const SILENT_STORE: StoreObserver = { committed() {}, retried() {}, snapshots() {}, metNewer() {} };
