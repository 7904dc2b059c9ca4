import { setTimeout as pause } from 'node:timers/promises';
import type { Db } from 'mongodb';
import { readPointer } from '../../eventstore/projection/generation/pointer.ts';
import type { Projection } from '../../eventstore/projection.ts';
import { rebuildsOf } from '../../eventstore/rebuild/progress.ts';
import type { Scratch } from '../drill.ts';
import { count, type DrillReport } from '../report.ts';
import { startProgram } from './program.ts';

export interface KilledRebuild {
  readonly db: Db;
  readonly projection: Projection;
  /** How often it is killed in the middle. */
  readonly kills: number;
  readonly scratch: Scratch;
  readonly report: DrillReport;
}

/** How far a rebuild is: ranges of the log that are in place, of how many. */
interface Progress {
  readonly done: number;
  readonly ranges: number;
  /** Who has announced a switch that is not made yet. */
  readonly switching: string | undefined;
}

/** Between two looks at how far it is, in ms. */
const LOOK_MS = 5;

/**
 * Runs `waybill rebuild` in a process of its own, kills it like a power cut in the middle, and runs it again until it
 * ends by itself. With two kills or more, the last one comes when the switch is announced.
 */
export async function rebuildKilled(how: KilledRebuild): Promise<void> {
  const { projection, kills, scratch, report } = how;
  let killed = 0;
  for (;;) {
    scratch.signal.throwIfAborted();
    const program = startProgram(scratch, { args: ['rebuild', projection.name] });
    const stop = (): void => void program.kill();
    scratch.signal.addEventListener('abort', stop);
    try {
      if (killed < kills && (await reaches(how, killed + 1, program.ended))) {
        await program.kill();
        killed += 1;
        report.say(`killed the rebuild (${killed} of ${kills}) ${describe(await progressOf(how))}`);
        continue;
      }
      const code = await program.ended;
      scratch.signal.throwIfAborted();
      if (code !== 0)
        report.problem(`the rebuild of ${projection.name} ended with ${code}: ${program.lastOutput()}`);
      if (killed < kills)
        report.problem(`the rebuild was over before it could be killed ${kills} times: take more --events.`);
      return;
    } finally {
      scratch.signal.removeEventListener('abort', stop);
    }
  }
}

/** Waits until the rebuild is where the n-th kill is due. @returns false where it has ended before */
async function reaches(how: KilledRebuild, kill: number, end: Promise<unknown>): Promise<boolean> {
  const { kills } = how;
  const atSwitch = kills > 1 && kill === kills;
  let ended = false;
  end.then(
    () => (ended = true),
    () => (ended = true),
  );
  const started = await progressOf(how);
  while (!ended) {
    const { done, ranges, switching } = await progressOf(how);
    // One that was killed before may have left its own announcement.
    if (switching !== undefined && switching !== started.switching) return true;
    // Each further than the one before: every run must have done something.
    const due = Math.max(started.done + 1, Math.ceil((ranges * kill) / (kills + 1)));
    if (!atSwitch && ranges > 0 && done >= due) return true;
    await pause(LOOK_MS);
  }
  return false;
}

async function progressOf({ db, projection }: KilledRebuild): Promise<Progress> {
  const [[progress], pointer] = await Promise.all([
    rebuildsOf(db)
      .aggregate<{ done: number; ranges: number }>([
        { $match: { _id: projection.name } },
        { $project: { done: { $size: '$done' }, ranges: { $size: '$ranges' } } },
      ])
      .toArray(),
    readPointer(db, projection.name),
  ]);
  const { done = 0, ranges = 0 } = progress ?? {};
  return { done, ranges, switching: pointer?.sealing?.by };
}

function describe({ done, ranges, switching }: Progress): string {
  if (switching !== undefined) return 'when its switch was announced';
  return `with ${count(done)} of ${count(ranges)} parts of the log in place`;
}
