import { describe, expect, it } from 'vitest';
import { openPace } from '../../src/eventstore/pace.ts';

/** A clock that goes on only while somebody waits, and keeps what was waited for. */
function clock() {
  const waited: number[] = [];
  let at = 1_000;
  return {
    waited,
    now: () => at,
    wait: async (ms: number) => {
      waited.push(ms);
      at += ms;
    },
    pass: (ms: number) => {
      at += ms;
    },
  };
}

const signal = new AbortController().signal;

describe('a pace', () => {
  it('is kept, whatever the batches', async () => {
    const time = clock();
    const pace = openPace(200, signal, time);
    for (const events of [50, 1, 149, 200]) await pace.done(events);
    expect(time.now()).toBe(1_000 + (400 / 200) * 1_000);
  });

  it('counts the time that the work itself takes, and takes a pause for no credit', async () => {
    const time = clock();
    const pace = openPace(1_000, signal, time);
    await pace.done(100);
    time.pass(60);
    await pace.done(100);
    time.pass(10_000);
    await pace.done(100);
    await pace.done(100);
    expect(time.waited).toEqual([100, 40, 0, 100]);
  });
});
