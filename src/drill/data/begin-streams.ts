import { inFlight } from '../../client/in-flight.ts';
import type { SeededRandom } from '../../client/seeded-random.ts';
import { handle } from '../../eventstore/command/handle.ts';
import type { Store } from '../../eventstore/command/store.ts';
import { newId } from '../../eventstore/ids.ts';
import { baseOf, fleetOf, makeIntent } from './commands.ts';
import type { StreamKind } from './stream-kinds.ts';

/** A stream that was begun. */
export interface BegunStream {
  readonly kind: StreamKind;
  /** A UUID in text form. */
  readonly id: string;
}

/** Commands on their way at once. */
const UNDER_WAY = 50;

/** Begins so many streams of each kind, by the command path. */
export async function beginStreams(
  store: Store,
  kinds: readonly StreamKind[],
  ofEach: number,
  random: SeededRandom,
): Promise<BegunStream[]> {
  const streams = kinds.flatMap((kind) => Array.from({ length: ofEach }, () => ({ kind, id: newId() })));
  const turn = inFlight(UNDER_WAY);
  const begin = ({ kind, id }: BegunStream, index: number): Promise<unknown> => {
    const command = kind.begin(random, baseOf(random), fleetOf(index));
    return turn(() => handle(store, makeIntent(kind, id, command, { key: newId(), creates: true })));
  };
  await Promise.all(streams.map(begin));
  return streams;
}
