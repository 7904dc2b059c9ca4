import type { SeededRandom } from '../client/seeded-random.ts';
import { handle } from '../eventstore/command/handle.ts';
import { handleMany } from '../eventstore/command/handle-many.ts';
import type { Intent, Outcome } from '../eventstore/command/intent.ts';
import type { Store } from '../eventstore/command/store.ts';
import { newId } from '../eventstore/ids.ts';
import { fixEventId } from '../vehicle/position.ts';
import { checkRecorded } from './check/log.ts';
import { isSettled, sendUntilSettled } from './client/send-until-settled.ts';
import { baseOf, DRILL_TENANT, fleetOf, makeIntent, randomFor } from './data/commands.ts';
import { STREAM_KINDS } from './data/stream-kinds.ts';
import type { Scratch } from './drill.ts';
import { count, type DrillReport, rate } from './report.ts';

export interface DuplicatesDrill {
  /** Commands, each for one event. */
  readonly events: number;
  readonly streams: number;
  readonly seed: string;
}

/** A command and all that was answered to it. */
interface Submitted {
  readonly intent: Intent;
  readonly outcomes: Outcome[];
}

/** How often each is sent at once. */
const COPIES = { least: 2, most: 5 } as const;
/** Commands that are sent together. */
const WAVE_COMMANDS = 200;
/** How often one copy is sent at most, where the answer leaves open what has become of it. */
const MOST_TIMES = 20;
/** One key in so many is used for something else as well. */
const REUSED_ONE_IN = 20;

/**
 * Sends every command several times: at once, to two processes, in one batch, and again later to a process that has never seen
 * it, as a client does that lost the answer. Each must be recorded once, and all answers but one must say that it was a repeat.
 */
export async function drillDuplicates(
  scratch: Scratch,
  drill: DuplicatesDrill,
  report: DrillReport,
): Promise<void> {
  const stores = [await scratch.openStore(), await scratch.openStore()];
  const random = randomFor(drill.seed, 'duplicates');
  const commands = commandsOf(drill, random).map((intent) => ({ intent, outcomes: [] as Outcome[] }));
  await report.timed(
    async () => {
      for (const wave of waves(commands, drill.streams)) {
        scratch.signal.throwIfAborted();
        await Promise.all(stores.map((store) => submitBatch(store, shuffled(wave, random))));
        await Promise.all(wave.map((command) => submitCopies(stores, command, random)));
      }
    },
    (_, seconds) => {
      const sent = commands.reduce((sum, { outcomes }) => sum + outcomes.length, 0);
      return `${count(commands.length)} commands were sent ${count(sent)} times (${rate(sent, seconds)})`;
    },
  );
  const late = await scratch.openStore();
  await report.timed(
    async () => {
      for (const wave of waves(commands, 0)) await Promise.all(wave.map((command) => submit(late, command)));
    },
    () => 'all of them were sent once more to a process that has heard of none',
  );
  for (const command of commands) checkAnswers(command, report);
  await checkReuse(late, commands, report);
  await checkRecorded(late, new Set(commands.flatMap(({ outcomes }) => idsIn(outcomes))), report);
  if (drill.events !== commands.length) report.problem('the drill made another number of commands.');
}

/** First those that begin the streams, then what happens to them. */
function commandsOf({ events, streams }: DuplicatesDrill, random: SeededRandom): Intent[] {
  const begun = Array.from({ length: Math.min(streams, events) }, (_, index) => ({
    kind: STREAM_KINDS[index % STREAM_KINDS.length] ?? random.pick(STREAM_KINDS),
    id: newId(),
    index,
  }));
  const births = begun.map(({ kind, id, index }) =>
    makeIntent(kind, id, kind.begin(random, baseOf(random), fleetOf(index)), {
      key: newId(),
      creates: true,
    }),
  );
  const more = Array.from({ length: events - births.length }, () => {
    const { kind, id } = random.pick(begun);
    const command = kind.next(random, baseOf(random));
    // A fix without a key is identified by what it says.
    const named = command.type === 'TrackLocation' && random.chance(0.5);
    const eventId = fixEventId(DRILL_TENANT, id, newId(), command.occurredAt);
    return makeIntent(kind, id, command, named ? { eventId } : { key: newId() });
  });
  return [...births, ...more];
}

/** Commands that are sent together; those that begin streams come before those that need the streams. */
function* waves(commands: readonly Submitted[], births: number): Generator<readonly Submitted[]> {
  for (const part of [commands.slice(0, births), commands.slice(births)])
    for (let first = 0; first < part.length; first += WAVE_COMMANDS)
      yield part.slice(first, first + WAVE_COMMANDS);
}

/** In one batch, some of them twice. */
async function submitBatch(store: Store, wave: readonly Submitted[]): Promise<void> {
  const batch = [...wave.slice(0, WAVE_COMMANDS / 4), ...wave.slice(0, WAVE_COMMANDS / 8)];
  const outcomes = await handleMany(
    store,
    batch.map(({ intent }) => intent),
  );
  for (const [index, outcome] of outcomes.entries()) batch[index]?.outcomes.push(outcome);
}

async function submitCopies(
  stores: readonly Store[],
  command: Submitted,
  random: SeededRandom,
): Promise<void> {
  const copies = random.whole(COPIES.least, COPIES.most);
  await Promise.all(Array.from({ length: copies }, () => submit(random.pick(stores), command)));
}

/** Sends it until an answer says what has become of it. */
async function submit(store: Store, { intent, outcomes }: Submitted): Promise<void> {
  outcomes.push(...(await sendUntilSettled(store, intent, MOST_TIMES)));
}

/** One answer says that it was recorded, all others that it had been; all of them name the same event. */
function checkAnswers({ intent, outcomes }: Submitted, report: DrillReport): void {
  const what = `${intent.command.type} of ${intent.id}`;
  const settled = outcomes.filter(isSettled);
  const refused = settled.find((outcome) => outcome.kind === 'refused');
  if (refused?.kind === 'refused') {
    report.problem(`${what} was refused: ${refused.refusal.message}`);
    return;
  }
  const first = settled.filter((outcome) => outcome.kind === 'recorded' && !outcome.repeated).length;
  if (first !== 1)
    report.problem(`${what} was sent ${outcomes.length} times, and ${first} answers said that it was new.`);
  // What it asks of other streams is recorded with it.
  const own = settled.flatMap(({ events }) => events.filter((event) => event.aggregateId.equals(intent.id)));
  const ids = new Set(own.map(({ _id }) => _id.toString()));
  if (ids.size !== 1) report.problem(`${what} was recorded as ${ids.size} events.`);
}

/** A key that was used is refused with any other input. */
async function checkReuse(store: Store, commands: readonly Submitted[], report: DrillReport): Promise<void> {
  const reused = commands.filter((_, index) => index % REUSED_ONE_IN === 0);
  const answers = await Promise.all(
    reused.map(({ intent }) => handle(store, { ...intent, input: 'something else' })),
  );
  for (const [index, answer] of answers.entries()) {
    const code = answer.kind === 'refused' ? answer.refusal.code : answer.kind;
    if (code !== 'IDEMPOTENCY_KEY_REUSED')
      report.problem(`a key of ${reused[index]?.intent.command.type} was taken for something else: ${code}.`);
  }
  report.say(`${count(reused.length)} keys were tried for something else`);
}

function idsIn(outcomes: readonly Outcome[]): string[] {
  return outcomes.flatMap(({ events }) => events.map(({ _id }) => _id.toString()));
}

function shuffled<T>(list: readonly T[], random: SeededRandom): T[] {
  return list
    .map((item) => ({ item, at: random.between(0, 1) }))
    .sort((a, b) => a.at - b.at)
    .map(({ item }) => item);
}
