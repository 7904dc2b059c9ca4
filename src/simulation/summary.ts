/** What came of a simulation, so far or in all. */
export interface Summary {
  fixes: number;
  /** Rounds of fixes that were left out because the gateway had not taken the one before. */
  skippedRounds: number;
  created: number;
  completed: number;
  cancelled: number;
  /** Tenders that were under way at the end, and were cancelled to free their vehicles. */
  cleared: number;
  readonly refused: Map<string, number>;
}

export function newSummary(): Summary {
  return {
    ...{ fixes: 0, skippedRounds: 0, created: 0, completed: 0, cancelled: 0, cleared: 0 },
    refused: new Map(),
  };
}

export function countRefusal(summary: Summary, code: string): void {
  summary.refused.set(code, (summary.refused.get(code) ?? 0) + 1);
}
