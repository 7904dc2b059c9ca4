import { setTimeout as pause } from 'node:timers/promises';
import type { Store } from '../../eventstore/command/store.ts';
import { randomFor } from '../data/commands.ts';
import { openWrite, type WriteOptions, type Written } from './write.ts';

/** Writes while a drill goes on, as gateways do on behalf of their users. */
export interface Writers {
  /** What has been written so far. */
  readonly done: Written;
  /** Ends the writing; resolves when every command is answered. */
  stop(): Promise<void>;
}

export interface WritersOptions extends Pick<WriteOptions, 'kind' | 'report'> {
  /** Each a process of its own, as far as the database can tell. */
  readonly stores: readonly Store[];
  readonly ids: readonly string[];
  readonly perSecond: number;
  readonly seed: string;
}

/** Between two looks at how many commands are due, in ms. */
const TICK_MS = 20;
/** At most as many commands are under way as are due in so many seconds: a slow machine is given fewer. */
const UNDER_WAY_S = 1;
/** Share of commands that reach another gateway than the one that the stream's readers are connected to. */
const ELSEWHERE = 0.05;

/** Gives commands at a steady rate. */
export function startWriters({ stores, ids, perSecond, seed, ...more }: WritersOptions): Writers {
  const random = randomFor(seed, 'writers');
  const write = openWrite({ ...more, random });
  /** The streams of each gateway's users. */
  const known = stores.map((_, turn) => ids.filter((__, index) => index % stores.length === turn));
  const underWay = new Set<Promise<void>>();
  const most = Math.max(1, perSecond * UNDER_WAY_S);
  let stopped = false;

  const work = async (): Promise<void> => {
    let lookedAt = performance.now();
    let [due, turn] = [0, 0];
    while (!stopped) {
      const now = performance.now();
      due = Math.min(most, due + ((now - lookedAt) / 1_000) * perSecond);
      lookedAt = now;
      for (; due >= 1 && underWay.size < most; due -= 1) {
        const own = known[turn++ % known.length];
        const store = stores[(turn + (random.chance(ELSEWHERE) ? 1 : 0)) % stores.length];
        if (store === undefined || own === undefined) return;
        const giving: Promise<void> = write.give(store, own).finally(() => underWay.delete(giving));
        underWay.add(giving);
      }
      await pause(TICK_MS);
    }
    await Promise.all(underWay);
  };

  const working = work();
  return {
    done: write.done,
    stop() {
      stopped = true;
      return working;
    },
  };
}
