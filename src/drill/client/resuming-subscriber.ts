import { setTimeout as pause } from 'node:timers/promises';
import { type Connection, openConnection, type SubscriptionTransport } from './connection.ts';
import { type Item, itemData, openScreen, QUERIES, type Subscribed } from './subscriptions.ts';

export interface ResumingSubscriberOptions {
  readonly of: Subscribed;
  readonly transport: SubscriptionTransport;
  readonly token: string;
  /** Where a gateway is, asked before each connection; undefined where none is just now. */
  gateway(): string | undefined;
  /** Called where something comes that must not: an error, or a gap. */
  onTrouble(what: string): void;
  /** Called with a gap's reason, for a subscriber that has to receive gaps. */
  onGap?(reason: string): void;
}

/** A subscriber that stays: whenever its connection breaks, it comes back and resumes after the last cursor. */
export interface ResumingSubscriber {
  readonly of: Subscribed;
  /** Ids of the events it received, in order. */
  readonly received: readonly string[];
  /** What is on the screen: id to lastSequence. */
  readonly shown: ReadonlyMap<string, number>;
  /** How often it had to come back. */
  readonly returns: number;
  /** The longest time between two events since this was asked last, the present silence included, in ms. */
  takeSilenceMs(): number;
  /** Resolves when the subscription has begun for the first time. */
  readonly began: Promise<void>;
  /** Cuts its connection and stays away. @returns how to come back */
  leave(): () => void;
  stop(): Promise<void>;
}

/** The wait before it comes back, by chance, so that not all of them come at once. */
const RETURN_MS = { least: 50, most: 500 } as const;

export function subscribeResuming(options: ResumingSubscriberOptions): ResumingSubscriber {
  const { of, transport, token } = options;
  const received: string[] = [];
  const screen = openScreen();
  const silence = openSilence();
  let after: string | undefined;
  let connection: Connection | undefined;
  let [stopped, away, returns] = [false, false, 0];
  let begin: () => void = () => undefined;
  const began = new Promise<void>((resolve) => {
    begin = resolve;
  });

  const take = (item: Item, id: string | undefined): void => {
    after = id ?? item.cursor;
    screen.show(item);
    if (item.event !== undefined) {
      silence.end();
      received.push(item.event.id);
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
        connection = openConnection(transport, {
          ...{ url, token, query: QUERIES[of], after },
          onData: (data, id) => take(itemData.parse(data).change, id),
          onErrors: (errors) => options.onTrouble(JSON.stringify(errors)),
        });
        await connection.ended;
        returns += 1;
        screen.forgetPart();
      }
      if (!stopped) await pause(RETURN_MS.least + Math.random() * (RETURN_MS.most - RETURN_MS.least));
    }
  };

  const running = run();
  return {
    ...{ of, received, began, shown: screen.rows, takeSilenceMs: silence.takeMs },
    get returns() {
      return returns;
    },
    leave() {
      away = true;
      connection?.cut();
      return () => {
        away = false;
      };
    },
    async stop() {
      stopped = true;
      connection?.cut();
      await running;
    },
  };
}

/** Measures the times in which nothing comes. */
function openSilence() {
  let [since, longestMs] = [performance.now(), 0];
  const end = (): void => {
    const now = performance.now();
    longestMs = Math.max(longestMs, now - since);
    since = now;
  };
  return {
    /** Something has come. */
    end,
    /** The longest since this was asked last. */
    takeMs(): number {
      end();
      const ms = longestMs;
      longestMs = 0;
      return ms;
    },
  };
}
