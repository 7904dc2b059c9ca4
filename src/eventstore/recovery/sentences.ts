import type { ReadModels } from '../projection/read-models.ts';
import { type DoubtCause, doubtsOf } from './proof.ts';
import { LogReplaced, type LogWatch } from './watch.ts';

const CAUSES: Readonly<Record<DoubtCause, string>> = {
  'other log':
    'its rows are not known to be of this log: the database was restored, or is seen for the first time',
  'other collection': 'its collection was dropped or replaced',
  'fewer rows': 'rows of it were deleted',
};

/** Why this process should not be asked for anything yet, each reason one sentence for the operator. @throws what MongoDB throws */
export async function doubtSentences(store: ReadModels, watch: LogWatch): Promise<string[]> {
  try {
    await watch.look();
  } catch (error) {
    if (error instanceof LogReplaced) return [error.message];
    throw error;
  }
  const doubts = await doubtsOf(store);
  return doubts.map(({ projection: { name, version }, cause }) => {
    const isRebuilt = store.live.pointer({ name }).version !== version;
    return `${name} is being ${isRebuilt ? 'rebuilt from' : 'compared with'} the log: ${CAUSES[cause]}.`;
  });
}
