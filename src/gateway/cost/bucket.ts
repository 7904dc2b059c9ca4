/** How many seconds' worth of points a caller may use at once after a pause. */
const BURST_SECONDS = 10;

/**
 * What one caller may use: points come at a steady rate, and are kept up to a burst. Whoever has any left may begin an operation,
 * whatever it costs, and waits until what it overdrew has come again: else a dear one could never begin.
 */
export class Bucket {
  readonly key: string;
  readonly #perSecond: number;
  #points: number;
  /** When points came last, in s. */
  #at: number;
  /** What was taken here since it was last asked, for the other processes to know. */
  #taken = 0;
  /** What the caller had used everywhere when that was last heard; undefined where it never was. */
  #everywhere: number | undefined;
  /** False once it has been forgotten, as full as it was in the beginning: the caller then gets another one. */
  isKept = true;

  /** @param now in s, of a clock that only goes on */
  constructor(key: string, perSecond: number, now: number) {
    this.key = key;
    this.#perSecond = perSecond;
    this.#points = perSecond * BURST_SECONDS;
    this.#at = now;
  }

  /** How many seconds until there are points again; 0 where there are some. */
  wait(now: number): number {
    this.#refill(now);
    return this.#points > 0 ? 0 : Math.max(1, Math.ceil(-this.#points / this.#perSecond));
  }

  take(points: number): void {
    this.#points -= points;
    this.#taken += points;
  }

  /** True where there is nothing to remember: it is full, and nobody has taken anything since the last second began. */
  isIdle(now: number): boolean {
    this.#refill(now);
    return this.#taken === 0 && this.#points >= this.#perSecond * BURST_SECONDS;
  }

  /**
   * What was taken since the last call that said so; undefined where it is so little that the other processes need not know: even
   * at `processes` of them, all of that together is within the rate.
   */
  taken(processes: number, seconds: number): number | undefined {
    return this.#taken * processes <= this.#perSecond * seconds ? undefined : this.#taken;
  }

  /** Takes what others took. @param taken what was told of here, and is part of `everywhere` now */
  heard(everywhere: number, taken: number): void {
    this.#taken -= taken;
    const others = this.#everywhere === undefined ? 0 : everywhere - this.#everywhere - taken;
    this.#everywhere = everywhere;
    // Less than before: what was counted has been forgotten meanwhile.
    if (others > 0) this.#points -= others;
  }

  /** Begins a new second: what was too little to be told is not told later either. */
  settle(): void {
    this.#taken = 0;
  }

  #refill(now: number): void {
    this.#points = Math.min(
      this.#perSecond * BURST_SECONDS,
      this.#points + (now - this.#at) * this.#perSecond,
    );
    this.#at = now;
  }
}
