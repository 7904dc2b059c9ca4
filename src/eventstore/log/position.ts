import { type Timestamp, UUID } from 'mongodb';
import type { StoredEvent } from '../event.ts';

/** A place between two events, in the order in which the database stamped them. */
export interface StampedPlace {
  readonly loggedAt: Timestamp;
  readonly recordedAt: Date;
  readonly id: UUID;
}

/** A place between two events that have no stamp, in the order of recordedAt. */
export interface UnstampedPlace {
  readonly recordedAt: Date;
  readonly id: UUID;
}

/** An event that was shown while others might still appear before it. */
export interface ShownAhead {
  readonly loggedAt: Timestamp;
  readonly id: UUID;
}

/**
 * How far a reader has come in a tenant's log. What is settled, nothing can appear before; beyond it a reader may have
 * seen some events and not yet others, which it will be shown when they appear: so those that it has seen are listed.
 */
export interface LogPosition {
  /** The last event without a stamp that was shown: from before there were stamps. They come before all others. */
  readonly unstamped?: UnstampedPlace | undefined;
  /** Everything up to here has been shown. */
  readonly settled?: StampedPlace | undefined;
  /** What has been shown beyond. */
  readonly ahead: readonly ShownAhead[];
}

export const LOG_START: LogPosition = { ahead: [] };

/** The most events that are shown ahead of what is settled: a cursor has 24 bytes of each. */
export const MAX_AHEAD = 500;

/** An event of a page, and the reader's position behind it: made when it is asked for, since most never are. */
export interface LogItem {
  readonly event: StoredEvent;
  position(): LogPosition;
}

/** One page of the log. */
export interface LogPage {
  readonly items: readonly LogItem[];
  /** The position behind the page, also behind what was looked at and did not fit. */
  readonly end: LogPosition;
  /** Whether there is more than the page has; some of it may have to settle first. */
  readonly more: boolean;
}

/** Goes through events in their order, and keeps the position behind each. */
export class PageInProgress {
  readonly #horizon: Timestamp;
  readonly #limit: number;
  readonly #items: LogItem[] = [];
  readonly #ahead: ShownAhead[];
  #unstamped: UnstampedPlace | undefined;
  #settled: StampedPlace | undefined;
  #isFull = false;

  constructor(after: LogPosition, horizon: Timestamp, limit: number) {
    this.#horizon = horizon;
    this.#limit = limit;
    this.#unstamped = after.unstamped;
    this.#settled = after.settled;
    this.#ahead = [...after.ahead];
  }

  /** How many events more the page takes. */
  get room(): number {
    return this.#isFull ? 0 : this.#limit - this.#items.length;
  }

  /** True once something did not fit. */
  get isFull(): boolean {
    return this.#isFull;
  }

  /** Takes an event without a stamp. */
  addUnstamped(event: StoredEvent): void {
    this.#isFull = this.room === 0;
    if (this.#isFull) return;
    this.#unstamped = { recordedAt: event.recordedAt, id: event._id };
    this.#push(event);
  }

  /** All events without a stamp have been looked at, up to `place`. */
  passedUnstamped(place: UnstampedPlace): void {
    if (!this.#isFull) this.#unstamped = place;
  }

  /** Takes the next event in the order of stamps, unless the page is full, or too many events have been shown ahead. */
  add(event: StoredEvent): void {
    const { loggedAt, recordedAt, _id: id } = event;
    if (loggedAt === undefined) throw new Error(`Event ${id} has no stamp.`);
    const isSettled = loggedAt.lessThan(this.#horizon);
    // All that is settled comes before it, and has been looked at.
    if (!isSettled) this.passed();
    this.#isFull = this.room === 0 || (!isSettled && this.#ahead.length >= MAX_AHEAD);
    if (this.#isFull) return;
    if (isSettled) this.#settled = { loggedAt, recordedAt, id };
    else this.#ahead.push({ loggedAt, id });
    this.#push(event);
  }

  /** All events up to `place` have been looked at; up to any, where it is not given. */
  passed(place?: StampedPlace): void {
    if (this.#isFull) return;
    const isSettled = place?.loggedAt.lessThan(this.#horizon) === true;
    const reached = isSettled ? place : placeAt(this.#horizon);
    if (this.#settled === undefined || isBehind(this.#settled, reached)) this.#settled = reached;
    const left = beyond(this.#settled, this.#ahead);
    this.#ahead.splice(0, this.#ahead.length, ...left);
  }

  /** @param more true where not all was looked at */
  page(more: boolean): LogPage {
    return { items: this.#items, end: this.#position()(), more: more || this.#isFull };
  }

  #push(event: StoredEvent): void {
    this.#items.push({ event, position: this.#position() });
  }

  #position(): () => LogPosition {
    const [unstamped, settled, ahead] = [this.#unstamped, this.#settled, [...this.#ahead]];
    return () => ({ unstamped, settled, ahead: settled === undefined ? ahead : beyond(settled, ahead) });
  }
}

const BEFORE_ALL = new Date(-8.64e15);
const NO_ID = new UUID('00000000-0000-0000-0000-000000000000');

/** The place before everything that has this stamp or a later one. */
export function placeAt(loggedAt: Timestamp): StampedPlace {
  return { loggedAt, recordedAt: BEFORE_ALL, id: NO_ID };
}

/** Whether `place` comes before `other`. */
export function isBehind(place: StampedPlace, other: StampedPlace): boolean {
  if (!place.loggedAt.equals(other.loggedAt)) return place.loggedAt.lessThan(other.loggedAt);
  const ms = place.recordedAt.getTime() - other.recordedAt.getTime();
  return ms === 0 ? Buffer.compare(place.id.buffer, other.id.buffer) < 0 : ms < 0;
}

function beyond({ loggedAt }: StampedPlace, shown: readonly ShownAhead[]): ShownAhead[] {
  return shown.filter((each) => each.loggedAt.greaterThanOrEqual(loggedAt));
}
