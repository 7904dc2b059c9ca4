import DataLoader from 'dataloader';
import { type Collection, UUID } from 'mongodb';
import type { StreamRef } from '../aggregate.ts';
import type { StoredEvent } from '../event.ts';

/** Reads streams to fold them; streams wanted in one tick travel as one query. */
export interface StreamReads {
  /**
   * Calls `take` with each event after `afterSequence` (up to `upTo`, where given) as it is stored, in order; resolves
   * when there is no more.
   */
  read(
    stream: StreamRef,
    afterSequence: number,
    take: (event: StoredEvent) => void,
    upTo?: number,
  ): Promise<void>;
}

interface Wanted {
  readonly stream: StreamRef;
  readonly afterSequence: number;
  readonly take: (event: StoredEvent) => void;
  readonly upTo: number | undefined;
}

/** How many streams go into one query: the server merges as many index scans. */
export const STREAM_READ_BATCH = 200;

export function openStreamReads(events: Collection<StoredEvent>): StreamReads {
  const loader = new DataLoader<Wanted, 'read'>((wanted) => readTogether(events, wanted), {
    // Never cached: a stream grows.
    cache: false,
    maxBatchSize: STREAM_READ_BATCH,
  });
  return {
    async read(stream, afterSequence, take, upTo) {
      await loader.load({ stream, afterSequence, take, upTo });
    },
  };
}

async function readTogether(
  events: Collection<StoredEvent>,
  wanted: readonly Wanted[],
): Promise<readonly ('read' | Error)[]> {
  const byStream = new Map<string, Wanted[]>();
  for (const one of wanted) {
    const key = one.stream.aggregateId;
    const known = byStream.get(key);
    if (known === undefined) byStream.set(key, [one]);
    else known.push(one);
  }
  const branches = wanted.map(
    ({ stream: { tenantId, aggregateType, aggregateId }, afterSequence, upTo }) => ({
      tenantId,
      aggregateType,
      aggregateId: new UUID(aggregateId),
      sequence: { $gt: afterSequence, ...(upTo === undefined ? {} : { $lte: upTo }) },
    }),
  );
  const filter = branches.length === 1 && branches[0] !== undefined ? branches[0] : { $or: branches };
  const failures = new Map<Wanted, Error>();
  for await (const event of events.find(filter).sort({ sequence: 1 }).batchSize(1_000)) {
    for (const one of byStream.get(event.aggregateId.toString()) ?? []) {
      if (failures.has(one) || !isWantedBy(one, event)) continue;
      try {
        one.take(event);
      } catch (error) {
        failures.set(one, error instanceof Error ? error : new Error(String(error)));
      }
    }
  }
  return wanted.map((one) => failures.get(one) ?? 'read');
}

function isWantedBy({ stream, afterSequence, upTo }: Wanted, event: StoredEvent): boolean {
  return (
    event.tenantId === stream.tenantId &&
    event.aggregateType === stream.aggregateType &&
    event.sequence > afterSequence &&
    (upTo === undefined || event.sequence <= upTo)
  );
}
