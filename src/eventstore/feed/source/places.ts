import type { Timestamp } from 'mongodb';
import { ALL, type Place } from '../cursor.ts';

/** How far a stream has come: what `Place` counts, counted. */
export interface Places {
  /** A change of `name` comes, committed at `time`. @returns the place behind it */
  take(name: string, time: Timestamp): Place;
  /** Everything before `time` has come. */
  reach(time: Timestamp): void;
  /** How far it is, as to the changes of `name`. */
  of(name: string): Place;
}

/** Counts from a moment on, up to which everything is done. */
export function openPlaces(from: Timestamp): Places {
  let time = from;
  let isDone = true;
  const counts = new Map<string, number>();
  const reach = (next: Timestamp): void => {
    if (!next.greaterThan(time)) return;
    time = next;
    isDone = false;
    counts.clear();
  };
  return {
    take(name, at) {
      reach(at);
      const ordinal = (counts.get(name) ?? 0) + 1;
      counts.set(name, ordinal);
      return { time: at, ordinal };
    },
    reach,
    of: (name) => ({ time, ordinal: isDone ? ALL : (counts.get(name) ?? 0) }),
  };
}
