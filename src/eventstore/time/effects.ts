import type { StoredEvent } from '../event.ts';
import type { Log } from '../log/log.ts';
import type { Registry } from '../registry.ts';
import type { inStream } from './until.ts';

/** Tells when the events of a stream took effect. */
export interface Effects {
  /** Looks up what the events themselves do not say, before `at` is asked about them. */
  learn(events: readonly StoredEvent[]): Promise<void>;
  /** When an event took effect, in ms since 1970; the first of its stream by its occurredAt alone. */
  at(event: StoredEvent): number;
}

export function openEffects(
  { events, registry }: Pick<Log, 'events' | 'registry'>,
  stream: ReturnType<typeof inStream>,
): Effects {
  const { all: observations } = registry.observations(stream.aggregateType);
  /** Of late decisions that do not say when they took effect, by sequence. */
  const learnt = new Map<number, number>();

  return {
    async learn(found) {
      const silent = found.filter((event) => isSilent(registry, event) && !learnt.has(event.sequence));
      if (silent.length === 0) return;
      // Of a log of before it was noted: all decisions that stand earlier are looked through.
      const upTo = Math.max(...silent.map(({ sequence }) => sequence));
      const decisions = events
        .find({ ...stream, sequence: { $gt: 1, $lte: upTo }, type: { $nin: [...observations] } })
        .project<Pick<StoredEvent, 'sequence' | 'occurredAt'>>({ _id: 0, sequence: 1, occurredAt: 1 })
        .sort({ sequence: 1 });
      let newest = Number.NEGATIVE_INFINITY;
      for await (const { sequence, occurredAt } of decisions) {
        newest = Math.max(newest, occurredAt.getTime());
        learnt.set(sequence, newest);
      }
    },
    at(event) {
      const told = learnt.get(event.sequence);
      if (told !== undefined) return told;
      const at = registry.timing(event) === 'decision' ? event.metadata.effectiveAt : undefined;
      return (at ?? event.occurredAt).getTime();
    },
  };
}

/** True for a late decision from before it was noted when one takes effect. */
function isSilent(registry: Registry, event: StoredEvent): boolean {
  if (registry.timing(event) !== 'decision') return false;
  const { lateWithinMs, effectiveAt } = event.metadata;
  return lateWithinMs !== undefined && effectiveAt === undefined;
}
