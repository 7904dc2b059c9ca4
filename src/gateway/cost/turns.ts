import { setImmediate } from 'node:timers/promises';
import { clientLeft, overloaded, tooLarge } from '../../graphql/errors.ts';
import type { Pace } from '../../graphql/pace.ts';
import type { ClientLimits } from '../../metrics/limits.ts';
import type { Metrics } from '../../metrics/metrics.ts';

/** What costs more than so many points takes its turn. */
export const DEAR = 5_000;
/** How many of these are executed at once: while one waits for the database, another goes on. */
const AT_ONCE = 2;
/** How many objects an answer may hold in its lists, whatever was thought before: some lists turn out longer. */
const MOST_OBJECTS = 100_000;
/** How long one of them may work before everybody else is served, in ms. */
const SLICE_MS = 2;

/** A dear operation that is executed. */
export interface Turn {
  readonly pace: Pace;
  /** To be called at the end, any number of times. */
  readonly done: () => void;
}

/**
 * Has dear operations take turns: callers one after the other, each with one operation, however many it has sent. Nothing else
 * waits for them.
 */
export interface Turns {
  /**
   * Waits for a turn.
   * @throws OVERLOADED where the caller has too many waiting; what `clientLeft` makes
   */
  take(caller: string, hasLeft: () => boolean): Promise<Turn>;
}

export function openTurns(
  { maxDearPerCaller }: Pick<ClientLimits, 'maxDearPerCaller'>,
  { limits }: Pick<Metrics, 'limits'>,
): Turns {
  /** In the order in which the callers' next turns come. */
  const callers = new Map<string, (() => void)[]>();
  let running = 0;

  const next = (): void => {
    while (running < AT_ONCE) {
      const [first] = callers;
      if (first === undefined) return;
      const [caller, waiting] = first;
      const one = waiting.shift();
      callers.delete(caller);
      if (waiting.length > 0) callers.set(caller, waiting);
      if (one === undefined) continue;
      running += 1;
      one();
    }
  };
  const wait = (caller: string): Promise<void> => {
    const waiting = callers.get(caller) ?? [];
    if (waiting.length >= maxDearPerCaller) {
      limits.inc({ limit: 'dear_per_caller' });
      throw overloaded();
    }
    return new Promise((begin) => {
      waiting.push(begin);
      callers.set(caller, waiting);
      next();
    });
  };

  return {
    async take(caller, hasLeft) {
      await wait(caller);
      let isDone = false;
      const done = (): void => {
        if (isDone) return;
        isDone = true;
        running -= 1;
        next();
      };
      if (hasLeft()) {
        done();
        throw clientLeft();
      }
      return { pace: paceOf(hasLeft), done };
    },
  };
}

/** Lets everybody else be served after each slice of work. */
function paceOf(hasLeft: () => boolean): Pace {
  let since = performance.now();
  let pause: Promise<void> | undefined;
  let left = MOST_OBJECTS;
  const leave = async (): Promise<void> => {
    await setImmediate();
    since = performance.now();
    pause = undefined;
    if (hasLeft()) throw clientLeft();
  };
  return {
    count(objects) {
      left -= objects;
      if (left < 0) throw tooLarge();
    },
    rest() {
      if (pause === undefined && performance.now() - since < SLICE_MS) return undefined;
      pause ??= leave();
      return pause;
    },
  };
}
