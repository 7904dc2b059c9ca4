import { seededRandom } from '../../src/client/seeded-random.ts';

/** Between two fixes, and from a fix to when it is told at once, in ms. */
export const FIX_EVERY_MS = 10_000;
const TOLD_AFTER_MS = 300;
/** From one line of an import to the next, in ms. */
const LINE_EVERY_MS = 1;
/** The fixes of a day stand in one file. */
const FILE = 8_640;
/** A device is without a network for an hour of two. */
const AWAY = 360;

/** A fix: the how manieth it is in the order of time, and when it is told, in ms from the beginning. */
export interface ToldFix {
  readonly index: number;
  readonly toldMs: number;
}

/** The fixes of a vehicle in the order in which they are told. */
export type Order = (count: number) => ToldFix[];

const live = (index: number): ToldFix => ({ index, toldMs: (index + 1) * FIX_EVERY_MS });

/** All at once, one after another, when the last has been taken. */
const imported = (indexes: readonly number[]): ToldFix[] =>
  indexes.map((index, line) => ({ index, toldMs: indexes.length * FIX_EVERY_MS + line * LINE_EVERY_MS }));

function shuffled<T>(items: readonly T[], seed: string): T[] {
  const random = seededRandom(seed);
  return items
    .map((item) => ({ item, place: random.between(0, 1) }))
    .sort((a, b) => a.place - b.place)
    .map(({ item }) => item);
}

const upTo = (count: number): number[] => Array.from({ length: count }, (_, index) => index);

/** One fix in fifty is held up on the way by up to ten minutes. */
export const mostlyInOrder: Order = (count) =>
  upTo(count)
    .map((index) => {
      const { toldMs } = live(index);
      return { index, toldMs: index % 50 === 0 ? toldMs + ((index * 7_919) % 600_000) : toldMs };
    })
    .sort((a, b) => a.toldMs - b.toldMs);

/** For an hour nothing gets through; in the next one, each fix brings one of those that could not be told. */
export const backlog: Order = (count) =>
  upTo(count).flatMap((index) => {
    const place = index % (2 * AWAY);
    if (place < AWAY) return index + AWAY < count ? [] : [live(index)];
    return [live(index), { index: index - AWAY, toldMs: live(index).toldMs + TOLD_AFTER_MS }];
  });

/** For an hour nothing gets through; then all of it is told, the newest first. */
export const newestFirst: Order = (count) =>
  upTo(count).flatMap((index) => {
    const place = index % (2 * AWAY);
    if (place < AWAY && index + AWAY - place < count) return [];
    if (place !== AWAY) return [live(index)];
    const missed = upTo(AWAY).map((ago) => ({ index: index - 1 - ago, toldMs: live(index).toldMs }));
    return [live(index), ...missed];
  });

/** A file a day, imported in any order of the files. */
export const filesInAnyOrder: Order = (count) => {
  const files = shuffled(upTo(Math.ceil(count / FILE)), 'files');
  return imported(files.flatMap((file) => upTo(count).slice(file * FILE, (file + 1) * FILE)));
};

/** Imported without any order at all. */
export const inNoOrder: Order = (count) => imported(shuffled(upTo(count), 'lines'));
