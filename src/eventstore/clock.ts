import { setTimeout as pause } from 'node:timers/promises';
import type { Db } from 'mongodb';
import type { Logger } from 'pino';

/**
 * The database's clock, as this process knows it. Everything that another process may compare with its own is dated by
 * it, so that it does not matter how this machine's clock is set, or that somebody sets it while the process runs.
 */
export interface Clock {
  /** The present moment by the database's clock, in ms since 1970. */
  now(): number;
  /** How far this machine's clock is ahead of the database's, in ms; negative where it is behind. */
  skewMs(): number;
}

/** The clocks that the database's is reckoned by. */
export interface MachineClocks {
  /** What this machine says the time is, in ms since 1970. Somebody may set it. */
  readonly wall: () => number;
  /** The ms that have passed; nobody can set it. */
  readonly steady: () => number;
}

const MACHINE: MachineClocks = { wall: Date.now, steady: () => performance.now() };

/** Questions at a time, of which the quickest answer counts: it was under way for the shortest time. */
const SAMPLES = 4;
/** After so many ms the database is asked again. Quartz drifts by less than 2 ms meanwhile. */
const FRESH_MS = 15_000;
/** Where the machine's two clocks part by more than this, somebody has set one of them, or the machine slept. In ms. */
const STEP_MS = 500;
/** A skew that is worth a line of the log. In ms. */
const LARGE_SKEW_MS = 1_000;

/** What the database said, and how long it took to say so. */
interface Sample {
  readonly databaseMs: number;
  /** When it said so, by the steady clock. */
  readonly at: number;
  /** How far off that may be. */
  readonly withinMs: number;
}

/**
 * Asks the database for the time, and goes on from there by a clock that nobody can set. It is asked again while the
 * clock is in use, and at once where this machine's clock was set.
 * @throws what MongoDB throws
 */
export async function openClock(db: Db, log: Logger, machine: MachineClocks = MACHINE): Promise<Clock> {
  const { wall, steady } = machine;
  const apart = (): number => wall() - steady();
  let base = await measure(db, steady);
  let apartThen = apart();
  let loggedSkewMs = 0;
  let askedAt = steady();
  let asking = false;

  const reckon = (): number => base.databaseMs + (steady() - base.at);
  const skewMs = (): number => wall() - reckon();
  const tell = (): void => {
    const ms = Math.round(skewMs());
    if (Math.abs(ms - loggedSkewMs) < LARGE_SKEW_MS) return;
    loggedSkewMs = ms;
    const isLarge = Math.abs(ms) >= LARGE_SKEW_MS;
    log[isLarge ? 'warn' : 'info']({ skewMs: ms }, "this machine's clock differs from the database's");
  };
  const ask = async (): Promise<void> => {
    const sample = await measure(db, steady);
    const offMs = sample.databaseMs - (base.databaseMs + (sample.at - base.at));
    // Asking again is no reason to jump by what the asking itself cannot tell.
    if (Math.abs(offMs) > sample.withinMs + base.withinMs || sample.withinMs < base.withinMs) base = sample;
    if (Math.abs(offMs) > LARGE_SKEW_MS)
      log.warn({ jumpMs: Math.round(offMs) }, "the database's clock jumped");
    tell();
  };
  /** Looked at whenever the time is asked for: a timer of its own would outlive whoever uses the clock. */
  const watch = (): void => {
    const stepMs = apart() - apartThen;
    const isSet = Math.abs(stepMs) > STEP_MS;
    if (asking || (!isSet && steady() - askedAt < FRESH_MS)) return;
    if (isSet) log.warn({ stepMs: Math.round(stepMs) }, "this machine's clock was set");
    asking = true;
    apartThen = apart();
    askedAt = steady();
    ask()
      .catch((error: unknown) => log.debug({ err: error }, 'the database did not tell the time'))
      .finally(() => {
        asking = false;
      });
  };

  tell();
  return {
    now() {
      watch();
      return Math.floor(reckon());
    },
    skewMs() {
      watch();
      return skewMs();
    },
  };
}

/** Asks a few times, and takes the answer that was under way for the shortest time. */
async function measure(db: Db, steady: () => number): Promise<Sample> {
  let best = await ask(db, steady);
  for (let samples = 1; samples < SAMPLES; samples++) {
    // What slowed one question down should not slow down the next one.
    await pause(1);
    const sample = await ask(db, steady);
    if (sample.withinMs < best.withinMs) best = sample;
  }
  return best;
}

async function ask(db: Db, steady: () => number): Promise<Sample> {
  const sentAt = steady();
  const { localTime } = await db.command({ hello: 1 });
  const roundTripMs = steady() - sentAt;
  if (!(localTime instanceof Date)) throw new Error('The database did not tell the time.');
  // It was read somewhere on the way there and back: half a round trip either way, and what is less than 1 ms it leaves out.
  return {
    databaseMs: localTime.getTime() + 0.5,
    at: sentAt + roundTripMs / 2,
    withinMs: roundTripMs / 2 + 1,
  };
}
