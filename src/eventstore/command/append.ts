import { backoff } from '../backoff.ts';
import type { StoredEvent } from '../event.ts';
import { isDuplicateKey, isPassing } from '../faults.ts';
import type { Job } from './intent.ts';
import type { Store } from './store.ts';
import type { Unit } from './unit.ts';

/** How a try to append ended (design section 5). */
export type Appended =
  | { readonly kind: 'committed' }
  /** The command's first event is in the log, by an earlier submission. */
  | { readonly kind: 'earlier'; readonly first: StoredEvent }
  /** Someone else took the sequence. */
  | { readonly kind: 'raced' }
  /** The deadline passed without an answer. */
  | { readonly kind: 'unknown' };

/** How long one command may take, with all its tries. */
export const COMMAND_DEADLINE_MS = 15_000;

/**
 * Appends a command's events, whose ids are fixed. On any error the first event is read back: a lost reply, an
 * unknown commit and a lost race look alike to the driver, and only the log tells them apart.
 * @param deadline on the clock of `performance.now()`.
 * @throws what is neither a conflict nor a passing fault: a bug.
 */
export async function append(store: Store, job: Job, unit: Unit, deadline: number): Promise<Appended> {
  const [own] = unit.events;
  if (own !== undefined) job.tried.push(own);
  for (let failures = 0; ; failures++) {
    let failure: unknown;
    try {
      await store.committer.commit(unit);
      return { kind: 'committed' };
    } catch (error) {
      if (!isDuplicateKey(error) && !isPassing(error)) throw error;
      failure = error;
    }
    const first = await readBack(store, job);
    if (first !== null && first !== 'unreadable') {
      return isOwn(store, job, first) ? { kind: 'committed' } : { kind: 'earlier', first };
    }
    if (first === null && isDuplicateKey(failure)) return { kind: 'raced' };
    if (performance.now() > deadline) return { kind: 'unknown' };
    // That it is not there yet proves nothing: the write may still be on its way. The same ids are inserted again.
    store.observer.retried('unknown');
    await backoff(failures);
  }
}

async function readBack(store: Store, job: Job): Promise<StoredEvent | null | 'unreadable'> {
  try {
    return await store.pointReads.event(job.eventId(0));
  } catch (error) {
    if (isPassing(error)) return 'unreadable';
    throw error;
  }
}

/**
 * True for an event that this very job wrote, in a try whose reply was lost. The id alone does not tell: the same fix
 * may stand twice in one request, and the events of both have the same id, producer and correlation.
 */
export function isOwn(store: Store, job: Job, event: StoredEvent): boolean {
  return (
    event.metadata.producerId === store.producerId &&
    job.tried.some(
      ({ sequence, recordedAt }) =>
        sequence === event.sequence && recordedAt.getTime() === event.recordedAt.getTime(),
    )
  );
}
