import { turn } from '../next-turn.ts';

/** What became of one member of a group. */
export type MemberResult = { readonly ok: true } | { readonly ok: false; readonly error: unknown };

/** Gathers what arrives while the previous group is in flight, and sends it as the next. */
export interface Groups<T> {
  /** Resolves with each member's own result, in order, once all of them have theirs. */
  submit(members: readonly T[]): Promise<readonly MemberResult[]>;
}

/** Members that were submitted together, and wait for their results together. */
interface Party {
  readonly results: MemberResult[];
  left: number;
  readonly resolve: (results: readonly MemberResult[]) => void;
}

interface Waiting<T> {
  readonly member: T;
  readonly party: Party;
  readonly place: number;
}

const UNTOLD: MemberResult = {
  ok: false,
  error: new Error('A group told no result for one of its members.'),
};

/**
 * Group commit without a timer: an idle group sends at once, a busy one lets its members gather.
 * @param send writes a group and tells each member's result, in order; a throw is every member's error.
 * @param weight how much of `limit` a member takes; a heavier one than the limit travels alone.
 */
export function openGroups<T>(
  send: (members: readonly T[]) => Promise<readonly MemberResult[]>,
  weight: (member: T) => number,
  limit: number,
): Groups<T> {
  let waiting: Waiting<T>[] = [];
  let busy = false;

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
      for (const [index, { party, place }] of group.entries()) tell(party, place, results[index] ?? UNTOLD);
    }
    busy = false;
  };

  return {
    submit(members) {
      return new Promise((resolve) => {
        if (members.length === 0) return resolve([]);
        const party: Party = { results: [], left: members.length, resolve };
        for (const [place, member] of members.entries()) waiting.push({ member, party, place });
        if (busy) return;
        busy = true;
        void run();
      });
    },
  };
}

function tell(party: Party, place: number, result: MemberResult): void {
  party.results[place] = result;
  party.left -= 1;
  if (party.left === 0) party.resolve(party.results);
}
