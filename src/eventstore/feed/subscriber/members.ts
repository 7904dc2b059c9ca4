import type { LaneName } from '../observer.ts';

/** A subscriber, seen from the feed. */
export interface Member {
  readonly laneName: LaneName;
  /** How much waits for the client. */
  readonly waiting: number;
  tick(now: number): void;
  end(): void;
}

/** The subscribers of one feed, from their first request to their end. */
export class Members {
  readonly #members = new Set<Member>();
  readonly #ticking: NodeJS.Timeout;
  #closed = false;

  /** @param tickMs how often quiet and stalled subscribers are looked for */
  constructor(tickMs: number) {
    this.#ticking = setInterval(() => {
      const now = performance.now();
      for (const member of this.#members) member.tick(now);
    }, tickMs).unref();
  }

  /** @throws where the feed is closed */
  enter(member: Member): void {
    if (this.#closed) throw new Error('The feed is closed.');
    this.#members.add(member);
  }

  leave(member: Member): void {
    this.#members.delete(member);
  }

  /** Items that wait for clients, by lane. */
  waiting(): Readonly<Record<LaneName, number>> {
    const sum = { ordered: 0, latest: 0, log: 0 };
    for (const { laneName, waiting } of this.#members) sum[laneName] += waiting;
    return sum;
  }

  close(): void {
    this.#closed = true;
    clearInterval(this.#ticking);
    for (const member of [...this.#members]) member.end();
  }
}
