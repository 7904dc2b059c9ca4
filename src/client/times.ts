/** Times, to be asked how long most of them were. */
export interface Times {
  readonly count: number;
  add(ms: number): void;
  /** The time that this share of them (0 to 1) did not exceed, in ms; 0 where there are none. */
  percentileMs(share: number): number;
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
