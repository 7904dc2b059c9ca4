import { setTimeout as pause } from 'node:timers/promises';
import { z } from 'zod';
import { inFlight } from '../../client/in-flight.ts';
import { openTimes, type Times } from '../../client/times.ts';
import type { GatewayProcess } from '../process/gateway.ts';
import type { DrillReport } from '../report.ts';
import { sentAtOf, WATCH_NEWS } from './changing-tenders.ts';
import { openSubscribedSocket, type SubscribedSocket } from './socket.ts';

/** Readers that read as they should. */
export interface TenderReaders {
  /** From a change's being sent to its being told, since this was asked last. */
  takeTimes(): Times;
  /** Waits until each has been told so many changes, and looks for those that were not. */
  settle(changes: number): Promise<void>;
  cut(): void;
}

/** Sockets that are opened at once. */
const OPENED_AT_ONCE = 20;
/** How long the last changes may take to be told. */
const PATIENCE_MS = 30_000;
const LOOK_MS = 20;

const told = z.object({
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
  let times = openTimes();
  const counts = new Array<number>(readers).fill(0);
  let ending = false;

  const open = (reader: number): Promise<SubscribedSocket> => {
    const sequences = new Map<string, number>();
    const onMessage = (message: Buffer): void => {
      const now = performance.now();
      const read = told.safeParse(JSON.parse(String(message)));
      if (!read.success) return;
      const { event, tender } = read.data.payload.data.tenderChanges;
      if (event === undefined || tender === undefined) return;
      times.add(now - sentAtOf(tender.reference));
      counts[reader] = (counts[reader] ?? 0) + 1;
      // Every tender was created before anybody listened.
      const before = sequences.get(event.aggregateId) ?? 1;
      if (event.sequence !== before + 1)
        report.problem(`a reader was told ${event.sequence} of ${event.aggregateId} after ${before}.`);
      sequences.set(event.aggregateId, event.sequence);
    };
    return openSubscribedSocket({ url, token, query: WATCH_NEWS, onMessage });
  };

  const turn = inFlight(OPENED_AT_ONCE);
  const sockets = await Promise.all(counts.map((_, reader) => turn(() => open(reader))));
  for (const { closed } of sockets)
    closed.then((code) => {
      if (!ending) report.problem(`a reader that reads as it should was closed with ${code}.`);
    });
  return {
    takeTimes() {
      const taken = times;
      times = openTimes();
      return taken;
    },
    async settle(changes) {
      const deadline = performance.now() + PATIENCE_MS;
      while (counts.some((count) => count < changes) && performance.now() < deadline) await pause(LOOK_MS);
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
