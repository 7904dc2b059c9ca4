import { setTimeout as pause } from 'node:timers/promises';
import { z } from 'zod';
import { type DrillTransport, type Line, openLine } from './drill-line.ts';

/** What a follower follows: the whole log, or the board of tenders with each change of it. */
export type Followed = 'events' | 'tenders';

export interface FollowerOptions {
  readonly of: Followed;
  readonly transport: DrillTransport;
  readonly token: string;
  /** Where a gateway is, asked before each connection; undefined where none is just now. */
  gateway(): string | undefined;
  /** Something was told that must not be: a gap, an error. */
  onTrouble(what: string): void;
}

/** Somebody who follows for good: whenever the line breaks, it comes back and goes on after the last cursor. */
export interface Follower {
  readonly of: Followed;
  /** Ids of the events it was told, in order. */
  readonly told: readonly string[];
  /** How often it had to come back. */
  readonly returns: number;
  /** The longest time between two events since this was asked last, the present silence included, in ms. */
  takeSilenceMs(): number;
  /** Resolves when the subscription has begun for the first time. */
  readonly began: Promise<void>;
  /** Leaves without a word, and comes back. */
  cut(): void;
  stop(): Promise<void>;
}

/** Who comes back waits that long, by chance, so that not all of them come at once. */
const RETURN_MS = { least: 50, most: 500 } as const;

const change = z.object({
  __typename: z.string(),
  cursor: z.string(),
  complete: z.boolean().optional(),
  reason: z.string().optional(),
  event: z.object({ id: z.string() }).optional(),
});
const told = z.record(z.string(), change);

const QUERIES: Readonly<Record<Followed, string>> = {
  events: `subscription ($after: String) { change: eventsAppended(after: $after) {
    __typename ... on Change { cursor } ... on EventAppended { event { id } } ... on Gap { reason } } }`,
  tenders: `subscription ($after: String) { change: tenderChanges(after: $after) {
    __typename ... on Change { cursor } ... on TendersSnapshot { complete }
    ... on TenderUpdated { event { id } } ... on Gap { reason } } }`,
};

export function follow(options: FollowerOptions): Follower {
  const ids: string[] = [];
  let [after, line, stopped, returns]: [string | undefined, Line | undefined, boolean, number] = [
    undefined,
    undefined,
    false,
    0,
  ];
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
  const take = (data: unknown, id: string | undefined): void => {
    const item = told.parse(data).change;
    if (item === undefined) return;
    after = id ?? item.cursor;
    if (item.event !== undefined) {
      hear();
      ids.push(item.event.id);
    } else if (item.__typename === 'Gap') options.onTrouble(`a gap (${item.reason})`);
    if (item.complete !== false) begin();
  };

  const run = async (): Promise<void> => {
    while (!stopped) {
      const url = options.gateway();
      if (url !== undefined) {
        line = openLine(options.transport, {
          url,
          token: options.token,
          query: QUERIES[options.of],
          after,
          onData: take,
          onErrors: (errors) => options.onTrouble(JSON.stringify(errors)),
        });
        await line.ended;
        returns += 1;
      }
      if (!stopped) await pause(RETURN_MS.least + Math.random() * (RETURN_MS.most - RETURN_MS.least));
    }
  };
  const running = run();
  return {
    of: options.of,
    told: ids,
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
    cut: () => line?.cut(),
    async stop() {
      stopped = true;
      line?.cut();
      await running;
    },
  };
}
