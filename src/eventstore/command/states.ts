import type { Aggregate, Command } from '../aggregate.ts';
import { NewerVersion } from '../newer.ts';
import { loadStream } from './load.ts';
import type { Store } from './store.ts';

/**
 * The states of several streams of one kind, in the order of `ids`, for questions that may be answered from memory:
 * a stream that is cached is not read again, the others are read together. Decisions do not go this way.
 * @returns null for a stream that only a newer version understands: the others are answered all the same
 */
export function statesOf<S, C extends Command>(
  store: Store,
  tenantId: string,
  aggregate: Aggregate<S, C>,
  ids: readonly string[],
): Promise<(S | null)[]> {
  return Promise.all(
    ids.map(async (aggregateId) => {
      const stream = { tenantId, aggregateType: aggregate.type, aggregateId };
      try {
        const { folded } = await loadStream(store, stream, aggregate, 'cached');
        return folded.state as S;
      } catch (error) {
        if (error instanceof NewerVersion) return null;
        throw error;
      }
    }),
  );
}
