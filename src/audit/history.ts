import type { StoredEvent } from '../eventstore/event.ts';
import type { Context } from '../graphql/context.ts';
import { invalidInput } from '../graphql/errors.ts';
import {
  connectionOf,
  decodeCursor,
  encodeCursor,
  type PageArgs,
  pageSize,
  type RelayConnection,
} from '../graphql/paging.ts';

/** The aggregate whose history is asked for. */
export interface Subject {
  readonly aggregateType: string;
  /** A UUID in text form. */
  readonly id: string;
}

/**
 * One page of all that was recorded of an aggregate, in the order of recording.
 * @param show the event as the caller may see it; null where it is to be left out
 * @throws INVALID_INPUT for a cursor of something else
 */
export async function historyOf(
  context: Context,
  { aggregateType, id }: Subject,
  args: Pick<PageArgs, 'first' | 'after'>,
  show: (event: StoredEvent) => StoredEvent | null = (event) => event,
): Promise<RelayConnection<StoredEvent>> {
  const { size } = pageSize(args);
  const shown: StoredEvent[] = [];
  let after = sequenceIn(args.after);
  // What is left out makes a page of the stream shorter, so that one page of the history may take several of them.
  for (let more = true; more && shown.length <= size; ) {
    const page = await context.store.pageStream(aggregateType, id, { after, limit: size + 1 });
    shown.push(...page.map(show).filter((event) => event !== null));
    after = page.at(-1)?.sequence ?? after;
    more = page.length > size;
  }
  return connectionOf(shown, args, ({ sequence }) => encodeCursor([sequence]));
}

function sequenceIn(cursor: string | null | undefined): number {
  if (cursor === null || cursor === undefined) return 0;
  const [sequence] = decodeCursor(cursor, 1, 'after');
  if (typeof sequence === 'number') return sequence;
  throw invalidInput('after is no cursor of this list.', 'after');
}
