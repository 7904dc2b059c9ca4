import type { Mongo } from '../../src/mongo/mongo.ts';
import { openListeners, type Subscription } from './listeners.ts';
import type { ListenersMessage, ListenersOrder } from './listeners-process.ts';
import type { Contender } from './measure.ts';
import { openRequests, type Requests } from './requests.ts';
import { type ServerProcess, startProcess } from './server-process.ts';
import { gatewaySettings } from './stage.ts';

/** Sockets in a process of their own that count what they hear. */
export interface Audience {
  /** From now on so many messages are expected. @returns resolves when they have been heard */
  expect(messages: number): Promise<() => Promise<void>>;
  close(): Promise<void>;
}

/** What fan-out is measured with: nothing but telling is done by the process that is measured. */
export interface FanOutStage {
  /** Tells subscribers, and nothing else. */
  readonly gateway: ServerProcess;
  /** Another gateway on the same database, which records events. */
  readonly writer: Requests;
  /** `ws.send`, and nothing else. */
  readonly raw: ServerProcess & { broadcast(): Promise<unknown> };
  /** Yoga and graphql-ws out of the box. */
  readonly stock: ServerProcess;
  /** Of a dispatcher. */
  readonly token: string;
  audience(message: ListenersMessage): Promise<Audience>;
  close(): Promise<void>;
}

/** Opens it on a database of its own. */
export async function openFanOutStage(
  mongo: Mongo,
  database: string,
  profileDir?: string,
): Promise<FanOutStage> {
  const { settings, token } = await gatewaySettings(mongo, database);
  const processes: ServerProcess[] = [];
  const doors: Requests[] = [];
  const start = async (module: string, message: unknown, profile?: string): Promise<ServerProcess> => {
    const started = await startProcess(module, message, profile);
    processes.push(started);
    return started;
  };
  const doorOf = (url: string): Requests => {
    const door = openRequests(url, token);
    doors.push(door);
    return door;
  };
  const writer = await start('gateway-process', settings);
  const gateway = await start('gateway-process', { ...settings, WAYBILL_ROLE: 'gateway' }, profileDir);
  const raw = await start('bare-process', {});
  const broadcast = doorOf(raw.url.replace(/graphql$/, 'broadcast'));
  return {
    gateway,
    writer: doorOf(writer.url),
    raw: { ...raw, broadcast: () => broadcast.post(Buffer.alloc(0)) },
    stock: await start('stock-process', {}),
    token,
    async audience(message) {
      const listeners = await start('listeners-process', message);
      return {
        expect: async (messages) => {
          await listeners.tell({ expect: messages } satisfies ListenersOrder);
          return () => listeners.tell('wait' satisfies ListenersOrder);
        },
        close: () => listeners.close(),
      };
    },
    close: async () => {
      for (const door of doors) door.close();
      // Those who listen first, so that nobody is told of a socket that breaks.
      for (const process of processes.toReversed()) await process.close();
    },
  };
}

/** A way of telling everybody of an audience. */
export interface Telling {
  readonly name: string;
  readonly audience: Audience;
  /** Of the audience. */
  readonly subscribers: number;
  readonly server: Pick<ServerProcess, 'cpu'>;
  /** Makes the next event happen, of which each of the audience hears once. */
  send(): Promise<unknown>;
}

/**
 * Measures what one s of a server's CPU time is good for, in messages: its clients take more of the machine than the
 * server does, so that the wall's clock would measure them.
 * @param inFlight how many events may happen before the first one has been heard
 */
export function telling(
  { name, audience, subscribers, server, send }: Telling,
  events: number,
  inFlight: number,
): Contender {
  return {
    name,
    clock: () => server.cpu(),
    async run() {
      for (let left = events; left > 0; left -= inFlight) {
        const now = Math.min(left, inFlight);
        const heard = await audience.expect(now * subscribers);
        await Promise.all(Array.from({ length: now }, send));
        await heard();
      }
      return events * subscribers;
    },
  };
}

/** The message that a subscriber gets of what `happen` brings about. */
export async function messageOf(
  url: string,
  subscription: Subscription,
  marker: string,
  happen: () => Promise<unknown>,
): Promise<string> {
  const listener = await openListeners(url, 1, marker, subscription);
  const heard = listener.heard(1);
  await happen();
  await heard;
  listener.close();
  return listener.last();
}
