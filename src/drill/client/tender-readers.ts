import { z } from 'zod';
import { openTimesSeries, type Times } from '../../client/times.ts';
import type { GatewayProcess } from '../process/gateway.ts';
import type { DrillReport } from '../report.ts';
import { until } from '../until.ts';
import { FEW_FIELDS, sentAtOf } from './changing-tenders.ts';
import { openSubscribedSocket, openSubscribedSockets, type SubscribedSocket } from './socket.ts';

/** Subscribers to all tenders that read as they should. */
export interface TenderReaders {
  /** From sending a change to its arrival at a reader, of those since this was called last. */
  takeTimes(): Times;
  /** Waits until each has received so many changes, and reports those that did not. */
  settle(changes: number): Promise<void>;
  cut(): void;
}

/** How long the last changes may take to arrive. */
const LIMIT_MS = 30_000;

const itemMessage = z.object({
  payload: z.object({
    data: z.object({
      tenderChanges: z.object({
        event: z.object({ aggregateId: z.string(), sequence: z.number() }).optional(),
        tender: z.object({ reference: z.string() }).optional(),
      }),
    }),
  }),
});

/** Opens so many readers of every change, each of which must see all of them, in order. */
export async function openTenderReaders(
  { url, token }: GatewayProcess,
  readers: number,
  report: DrillReport,
): Promise<TenderReaders> {
  const times = openTimesSeries();
  const counts = new Array<number>(readers).fill(0);
  let ending = false;

  const open = (reader: number): Promise<SubscribedSocket> => {
    const sequences = new Map<string, number>();
    const onMessage = (message: Buffer): void => {
      const now = performance.now();
      const read = itemMessage.safeParse(JSON.parse(String(message)));
      if (!read.success) return;
      const { event, tender } = read.data.payload.data.tenderChanges;
      if (event === undefined || tender === undefined) return;
      times.add(now - sentAtOf(tender.reference));
      counts[reader] = (counts[reader] ?? 0) + 1;
      // Every tender was created before anybody subscribed.
      const before = sequences.get(event.aggregateId) ?? 1;
      if (event.sequence !== before + 1)
        report.problem(`a reader was told ${event.sequence} of ${event.aggregateId} after ${before}.`);
      sequences.set(event.aggregateId, event.sequence);
    };
    return openSubscribedSocket({ url, token, query: FEW_FIELDS, onMessage });
  };

  const sockets = await openSubscribedSockets(counts, (_, reader) => open(reader));
  for (const { closed } of sockets)
    closed.then((code) => {
      if (!ending) report.problem(`a reader that reads as it should was closed with ${code}.`);
    });
  return {
    takeTimes: () => times.take(),
    async settle(changes) {
      await until(() => counts.every((count) => count >= changes), { limitMs: LIMIT_MS });
      const wrong = counts.filter((count) => count !== changes);
      if (wrong.length > 0)
        report.problem(`${wrong.length} readers were told another number of changes than ${changes}.`);
    },
    cut() {
      ending = true;
      for (const socket of sockets) socket.cut();
    },
  };
}
