/** Measured times, of which percentiles are asked. */
export interface Times {
  readonly count: number;
  add(ms: number): void;
  /** The time that this share of them (0 to 1) did not exceed, in ms; 0 where there are none. */
  percentileMs(share: number): number;
}

/** Times that are measured all along, and taken in parts. */
export interface TimesSeries {
  add(ms: number): void;
  /** The times since this was called last. */
  take(): Times;
}

export function openTimesSeries(): TimesSeries {
  let times = openTimes();
  return {
    add: (ms) => times.add(ms),
    take() {
      const taken = times;
      times = openTimes();
      return taken;
    },
  };
}

export function openTimes(): Times {
  const all: number[] = [];
  let sorted = true;
  return {
    get count() {
      return all.length;
    },
    add(ms) {
      all.push(ms);
      sorted = false;
    },
    percentileMs(share) {
      if (!sorted) all.sort((a, b) => a - b);
      sorted = true;
      return all[Math.min(all.length - 1, Math.floor(all.length * share))] ?? 0;
    },
  };
}
