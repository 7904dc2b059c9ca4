import { turn } from '../next-turn.ts';

/** Serialises the work on each stream within this process, and hands it over in runs. */
export interface Lanes {
  /** Queues a job on a stream; `work` gets every job that has gathered, in order. */
  submit<J>(stream: string, job: J, work: (jobs: readonly J[]) => Promise<void>): void;
  /** Takes a stream that nobody works on, and keeps others waiting until it is released. */
  claim(stream: string): boolean;
  /** Gives a claimed stream back; `work` gets what has gathered meanwhile. */
  release<J>(stream: string, work: (jobs: readonly J[]) => Promise<void>): void;
  /** Streams with work in hand. */
  readonly size: number;
}

/** Jobs in one run: a run is one unit of the log, so it stays within a group. */
export const RUN_LENGTH = 200;

/**
 * Opens the lanes. Commands on one stream wait for the append before them, then are decided one after another
 * and appended as one: a busy stream costs one stroke per run, not one lost race per command.
 */
export function openLanes(): Lanes {
  const lanes = new Map<string, unknown[]>();
  const run = async <J>(
    stream: string,
    lane: J[],
    work: (jobs: readonly J[]) => Promise<void>,
  ): Promise<void> => {
    for (;;) {
      // One turn of the event loop, so that commands given at once make one run.
      await turn();
      if (lane.length === 0) break;
      await work(lane.splice(0, RUN_LENGTH));
    }
    lanes.delete(stream);
  };
  return {
    submit(stream, job, work) {
      const lane = lanes.get(stream);
      if (lane !== undefined) {
        lane.push(job);
        return;
      }
      const opened = [job];
      lanes.set(stream, opened);
      void run(stream, opened, work);
    },
    claim(stream) {
      if (lanes.has(stream)) return false;
      lanes.set(stream, []);
      return true;
    },
    release<J>(stream: string, work: (jobs: readonly J[]) => Promise<void>) {
      const lane = lanes.get(stream) ?? [];
      if (lane.length === 0) lanes.delete(stream);
      else void run(stream, lane as J[], work);
    },
    get size() {
      return lanes.size;
    },
  };
}
