import type { Logger } from 'pino';
import type { StoreObserver } from './store-observer.ts';

// While a newer version is rolled out, both write to one database. What only the newer one understands is no bug: the
// older one leaves it alone, goes on with everything else, and says so.

/**
 * Something that a newer Waybill wrote, and that this one can't judge: an event of a type or version that it does not
 * know, or rows of a later version. Whoever meets it decides nothing, writes nothing, and lets a newer process do it.
 */
export class NewerVersion extends Error {
  override readonly name = 'NewerVersion';
  /** What it is, in few words: `TenderSplit v1`, or `tenders_read version 4`. */
  readonly what: string;
  readonly of: 'event' | 'read_model';

  constructor(of: NewerVersion['of'], what: string, message: string) {
    super(message);
    this.of = of;
    this.what = what;
  }
}

/** What of newer versions a process has met. */
export interface NewerMet {
  /** Notes it; the first time it is logged. */
  note(error: NewerVersion): void;
  /** What was met so far, in few words each, sorted. */
  list(): readonly string[];
}

/** What is listed by name at most: a log may hold anything. */
const LISTED = 100;

export function openNewerMet(log: Logger, observer: Pick<StoreObserver, 'metNewer'>): NewerMet {
  const met = new Set<string>();
  return {
    note({ of, what, message }) {
      observer.metNewer(of);
      if (met.has(what) || met.size >= LISTED) return;
      met.add(what);
      log.warn(
        { newer: what, reason: message },
        'met what a newer Waybill wrote: it is left to a newer one, everything else goes on',
      );
    },
    list: () => [...met].sort(),
  };
}
