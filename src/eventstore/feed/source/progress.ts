import type { Timestamp } from 'mongodb';
import type { Signal } from '../../changes.ts';
import type { Clock } from '../../clock.ts';
import { ALL, isBehind, justAfter, type Place } from '../cursor.ts';

/** Counts the changes of a stream into places, from a moment up to which everything is done. */
export class PlaceCounter {
  #time: Timestamp;
  #isDone = true;
  readonly #counts = new Map<string, number>();

  constructor(from: Timestamp) {
    this.#time = from;
  }

  /** A change of `name` comes, committed at `time`. @returns the place behind it */
  take(name: string, time: Timestamp): Place {
    this.reach(time);
    const ordinal = (this.#counts.get(name) ?? 0) + 1;
    this.#counts.set(name, ordinal);
    return { time, ordinal };
  }

  /** Everything before `time` has come. */
  reach(time: Timestamp): void {
    if (!time.greaterThan(this.#time)) return;
    this.#time = time;
    this.#isDone = false;
    this.#counts.clear();
  }

  /** How far it is, as to the changes of `name`. */
  of(name: string): Place {
    return { time: this.#time, ordinal: this.#isDone ? ALL : (this.#counts.get(name) ?? 0) };
  }
}

/** An idle stream is heard of every second; twice that is no lag. */
const PACE_MS = 2_000;

/** How far a change stream has come, and how far it is behind what is committed. */
export class StreamProgress {
  #from: Timestamp;
  #places: PlaceCounter;
  readonly #clock: Clock;
  #currentAt: number;
  #waiting: (() => void)[] = [];
  #closed = false;

  constructor(from: Timestamp, clock: Clock) {
    this.#clock = clock;
    this.#currentAt = clock.now();
    this.#from = from;
    this.#places = new PlaceCounter(from);
  }

  /** A change of `name` is about to be delivered. @returns the place behind it */
  take(name: string, time: Timestamp): Place {
    return this.#places.take(name, time);
  }

  of(name: string): Place {
    return this.#places.of(name);
  }

  /** Another stream takes over, from a later moment. */
  restart(from: Timestamp): void {
    this.#from = from;
    this.#places = new PlaceCounter(from);
  }

  /** All changes of a reply have been delivered. */
  passed({ changes, upTo }: Extract<Signal, { kind: 'changes' }>): void {
    // A stream that has only just begun may name a moment at which nothing can have happened yet.
    if (upTo?.greaterThan(justAfter(this.#from))) this.#places.reach(upTo);
    this.#currentAt = changes.at(-1)?.committedAt.getTime() ?? this.#clock.now();
    this.#wake();
  }

  /** How long ago what was passed on last was committed, or nothing was left to pass on, in ms; 0 while it keeps up. */
  lagMs(): number {
    const ms = this.#clock.now() - this.#currentAt;
    return ms > PACE_MS ? ms : 0;
  }

  /** Whether everything before `place` has been delivered. */
  isAt(name: string, place: Place): boolean {
    const now = this.of(name);
    return !isBehind(place, now) || (place.ordinal === ALL && place.time.equals(now.time));
  }

  /** Waits until that is so. @returns false where it takes longer, or the stream is closed */
  async waitFor(name: string, place: Place, longestMs: number): Promise<boolean> {
    const since = performance.now();
    while (!this.isAt(name, place) && !this.#closed && performance.now() - since < longestMs)
      await new Promise<void>((resolve) => void this.#waiting.push(resolve));
    return this.isAt(name, place);
  }

  close(): void {
    this.#closed = true;
    this.#wake();
  }

  #wake(): void {
    const woken = this.#waiting;
    this.#waiting = [];
    for (const resolve of woken) resolve();
  }
}
