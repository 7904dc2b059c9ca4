/** Bounds and paces of a projector. */
export interface ProjectorLimits {
  /** Events folded in one transaction, at most. */
  readonly batchEvents: number;
  /** After a batch of so many events the projector rests for `restMs`, so that more events of a row meet in one write. */
  readonly busyEvents: number;
  /** In ms. After a smaller batch it rests in proportion, so an event that comes alone is folded at once. */
  readonly restMs: number;
  /** Rows kept in memory per projection. */
  readonly cachedRows: number;
  /** How often the checkpoint is saved while nothing happens, in ms. */
  readonly idleSaveMs: number;
  /** How long a projector that died keeps others waiting, in ms. Renewed three times as often. */
  readonly leaseMs: number;
  /** How often a waiting projector asks for the lease, in ms. */
  readonly leasePollMs: number;
}

export const PROJECTOR_LIMITS: ProjectorLimits = {
  batchEvents: 5_000,
  busyEvents: 200,
  // 500 vehicles reporting as fast as they can: mongod spends 0.6 of the CPU a fix that it does without a rest and with
  // 1,000 events a batch, and the projector keeps up where it fell behind.
  restMs: 100,
  cachedRows: 20_000,
  idleSaveMs: 2_000,
  leaseMs: 3_000,
  leasePollMs: 500,
};

/** Called by the projector, to be measured. Every call is cheap and never throws. */
export interface ProjectorObserver {
  /** A batch is in its read model; `lagSeconds` is how long its oldest event had been recorded by then. */
  folded(projection: string, events: number, lagSeconds: number): void;
  /** Something failed and is tried again. */
  retried(projection: string): void;
  /** A row was left behind: an event that cannot be folded. */
  poisoned(projection: string): void;
}
