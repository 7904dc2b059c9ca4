import type { Aggregate, Command } from '../aggregate.ts';
import { loadStream } from './load.ts';
import type { Store } from './store.ts';

/**
 * The states of several streams of one kind, in the order of `ids`, for questions that may be answered from memory:
 * a stream that is cached is not read again, the others are read together. Decisions do not go this way.
 */
export function statesOf<S, C extends Command>(
  store: Store,
  tenantId: string,
  aggregate: Aggregate<S, C>,
  ids: readonly string[],
): Promise<S[]> {
  return Promise.all(
    ids.map(async (aggregateId) => {
      const stream = { tenantId, aggregateType: aggregate.type, aggregateId };
      const { folded } = await loadStream(store, stream, aggregate, 'cached');
      return folded.state as S;
    }),
  );
}
