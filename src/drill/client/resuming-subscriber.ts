import { setTimeout as pause } from 'node:timers/promises';
import { z } from 'zod';
import { type Connection, openConnection, type Transport } from './connection.ts';

/** What a follower follows: the whole log, the board of tenders with each change of it, or the map of vehicles. */
export type Subscribed = 'events' | 'tenders' | 'vehicles';

export interface ResumingSubscriberOptions {
  readonly of: Subscribed;
  readonly transport: Transport;
  readonly token: string;
  /** Where a gateway is, asked before each connection; undefined where none is just now. */
  gateway(): string | undefined;
  /** Something was told that must not be: an error, or a gap. */
  onTrouble(what: string): void;
  /** For one that must be told of gaps. */
  onGap?(reason: string): void;
}

/** Somebody who follows for good: whenever the line breaks, it comes back and goes on after the last cursor. */
export interface ResumingSubscriber {
  readonly of: Subscribed;
  /** Ids of the events it was told, in order. */
  readonly told: readonly string[];
  /** What is on the screen: id to lastSequence. */
  readonly shown: ReadonlyMap<string, number>;
  /** How often it had to come back. */
  readonly returns: number;
  /** The longest time between two events since this was asked last, the present silence included, in ms. */
  takeSilenceMs(): number;
  /** Resolves when the subscription has begun for the first time. */
  readonly began: Promise<void>;
  /** Leaves without a word. @returns how to come back */
  leave(): () => void;
  stop(): Promise<void>;
}

/** Who comes back waits that long, by chance, so that not all of them come at once. */
const RETURN_MS = { least: 50, most: 500 } as const;

const event = z.object({ id: z.string(), sequence: z.number() });
const row = z.object({ id: z.string(), lastEvent: event });
const change = z.object({
  __typename: z.string(),
  cursor: z.string(),
  complete: z.boolean().optional(),
  reason: z.string().optional(),
  event: event.optional(),
  /** Of a snapshot, or of a frame. */
  rows: z.array(row).optional(),
  row: row.optional(),
  gone: z.union([z.string(), z.array(z.string())]).optional(),
});
const told = z.object({ change });

const QUERIES: Readonly<Record<Subscribed, string>> = {
  events: `subscription ($after: String) { change: eventsAppended(after: $after) {
    __typename ... on Change { cursor } ... on EventAppended { event { id sequence } } ... on Gap { reason } } }`,
  tenders: `subscription ($after: String) { change: tenderChanges(after: $after) {
    __typename ... on Change { cursor }
    ... on TendersSnapshot { complete rows: tenders { id lastEvent { id sequence } } }
    ... on TenderUpdated { event { id sequence } row: tender { id lastEvent { id sequence } } }
    ... on TenderLeft { gone: id } ... on Gap { reason } } }`,
  vehicles: `subscription ($after: String) { change: vehicleChanges(after: $after) {
    __typename ... on Change { cursor }
    ... on VehiclesSnapshot { complete rows: vehicles { id lastEvent { id sequence } } }
    ... on VehiclesMoved { rows: vehicles { id lastEvent { id sequence } } }
    ... on VehiclesLeft { gone: ids } ... on Gap { reason } } }`,
};

export function follow(options: ResumingSubscriberOptions): ResumingSubscriber {
  const ids: string[] = [];
  const shown = new Map<string, number>();
  let after: string | undefined;
  let line: Connection | undefined;
  let [stopped, away, inSnapshot, returns] = [false, false, false, 0];
  let [heardAt, silenceMs] = [performance.now(), 0];
  let begin: () => void = () => undefined;
  const began = new Promise<void>((resolve) => {
    begin = resolve;
  });

  const hear = (): void => {
    const now = performance.now();
    silenceMs = Math.max(silenceMs, now - heardAt);
    heardAt = now;
  };
  const show = ({ complete, rows = [], row: one, gone = [] }: z.infer<typeof change>): void => {
    if (complete !== undefined && !inSnapshot) shown.clear();
    inSnapshot = complete === false;
    for (const { id, lastEvent } of one === undefined ? rows : [one]) shown.set(id, lastEvent.sequence);
    for (const id of [gone].flat()) shown.delete(id);
  };
  const take = (data: unknown, id: string | undefined): void => {
    const item = told.parse(data).change;
    after = id ?? item.cursor;
    show(item);
    if (item.event !== undefined) {
      hear();
      ids.push(item.event.id);
    } else if (item.reason !== undefined) {
      if (options.onGap === undefined) options.onTrouble(`a gap (${item.reason})`);
      else options.onGap(item.reason);
    }
    if (item.complete !== false && item.reason === undefined) begin();
  };

  const run = async (): Promise<void> => {
    while (!stopped) {
      const url = away ? undefined : options.gateway();
      if (url !== undefined) {
        line = openConnection(options.transport, {
          url,
          token: options.token,
          query: QUERIES[options.of],
          after,
          onData: take,
          onErrors: (errors) => options.onTrouble(JSON.stringify(errors)),
        });
        await line.ended;
        returns += 1;
        // The rest of a snapshot does not come any more: the next one begins anew.
        inSnapshot = false;
      }
      if (!stopped) await pause(RETURN_MS.least + Math.random() * (RETURN_MS.most - RETURN_MS.least));
    }
  };
  const running = run();
  return {
    of: options.of,
    told: ids,
    shown,
    began,
    get returns() {
      return returns;
    },
    takeSilenceMs() {
      const ms = Math.max(silenceMs, performance.now() - heardAt);
      silenceMs = 0;
      heardAt = performance.now();
      return ms;
    },
    leave() {
      away = true;
      line?.cut();
      return () => {
        away = false;
      };
    },
    async stop() {
      stopped = true;
      line?.cut();
      await running;
    },
  };
}
