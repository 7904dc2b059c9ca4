/** The longest time that setTimeout takes. */
const MAX_TIMER_MS = 2 ** 31 - 1;

/** Everything that ends at one moment, and the one timer for it. */
interface Deadline {
  readonly ends: Set<Ending>;
  timer: NodeJS.Timeout | undefined;
}

/** What is called at its moment. */
export interface Ending {
  expired(): void;
}

/** Calls what ends at a moment, by one timer for all that end at the same. */
export class Deadlines {
  readonly #deadlines = new Map<number, Deadline>();

  /** @param moment in ms since 1970; one that has passed comes at once, but not before this has returned */
  add(moment: number, ending: Ending): void {
    const deadline = this.#deadlines.get(moment) ?? this.#open(moment);
    deadline.ends.add(ending);
  }

  delete(moment: number, ending: Ending): void {
    const deadline = this.#deadlines.get(moment);
    if (!deadline?.ends.delete(ending) || deadline.ends.size > 0) return;
    clearTimeout(deadline.timer);
    this.#deadlines.delete(moment);
  }

  #open(moment: number): Deadline {
    const deadline: Deadline = { ends: new Set(), timer: undefined };
    this.#deadlines.set(moment, deadline);
    this.#wait(moment, deadline);
    return deadline;
  }

  /** Timers come up to a millisecond early by the clock, and some are too far away for one: it is looked at again. */
  #wait(moment: number, deadline: Deadline): void {
    const look = (): void =>
      Date.now() >= moment ? this.#finish(moment, deadline) : this.#wait(moment, deadline);
    deadline.timer = setTimeout(look, Math.min(Math.max(0, moment - Date.now()), MAX_TIMER_MS)).unref();
  }

  #finish(moment: number, { ends }: Deadline): void {
    this.#deadlines.delete(moment);
    for (const ending of ends) ending.expired();
  }
}
