import { turn } from './turn.ts';

/** What became of one member of a group. */
export type MemberResult = { readonly ok: true } | { readonly ok: false; readonly error: unknown };

/** Gathers what arrives while the previous group is in flight, and sends it as the next. */
export interface Groups<T> {
  /** Resolves or rejects with this member's own result. */
  submit(member: T): Promise<void>;
}

interface Waiting<T> {
  readonly member: T;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Group commit without a timer: an idle group sends at once, a busy one lets its members gather.
 * @param send writes a group and tells each member's result, in order; a throw is every member's error.
 * @param weight how much of `limit` a member takes; a heavier one than the limit travels alone.
 * @param inFlight how many groups may be on their way at once.
 */
export function openGroups<T>(
  send: (members: readonly T[]) => Promise<readonly MemberResult[]>,
  weight: (member: T) => number,
  limit: number,
  inFlight: number,
): Groups<T> {
  let waiting: Waiting<T>[] = [];
  let runners = 0;

  const takeGroup = (): Waiting<T>[] => {
    let total = 0;
    const end = waiting.findIndex(({ member }, index) => {
      total += weight(member);
      return index > 0 && total > limit;
    });
    const group = end === -1 ? waiting : waiting.slice(0, end);
    waiting = end === -1 ? [] : waiting.slice(end);
    return group;
  };

  const run = async (): Promise<void> => {
    for (;;) {
      // One turn of the event loop, so that all who are ready now travel at once.
      await turn();
      if (waiting.length === 0) break;
      const group = takeGroup();
      const results = await send(group.map(({ member }) => member)).catch((error: unknown) =>
        group.map((): MemberResult => ({ ok: false, error })),
      );
      group.forEach(({ resolve, reject }, index) => {
        const result = results[index];
        if (result?.ok) resolve();
        else reject(result?.error ?? new Error('A group told no result for one of its members.'));
      });
    }
    runners -= 1;
  };

  return {
    submit(member) {
      return new Promise((resolve, reject) => {
        waiting.push({ member, resolve, reject });
        if (runners === inFlight) return;
        runners += 1;
        void run();
      });
    },
  };
}
