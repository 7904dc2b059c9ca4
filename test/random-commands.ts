import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import type { Command } from '../src/eventstore/aggregate.ts';

/** A command without its times and its giver, which are put in when it is given. */
export type Told<C extends Command = Command> = C extends Command
  ? Omit<C, 'at' | 'occurredAt' | 'by'>
  : never;

/** Commands on a stream of one kind: the one that begins it, then any that may follow; they may well be refused. */
export interface CommandsOfAKind<C extends Command = Command> {
  readonly first: fc.Arbitrary<Told<C>>;
  readonly further: fc.Arbitrary<Told<C>>;
}

/** By the type of the aggregate; each context has its own in `random-commands.ts`. */
export type CommandsByKind = Readonly<Record<string, CommandsOfAKind>>;

/** Those of all contexts. */
export async function commandsByKind(): Promise<CommandsByKind> {
  const here = import.meta.dirname;
  const files = readdirSync(here)
    .map((context) => join(here, context, 'random-commands.ts'))
    .filter((file) => existsSync(file));
  const found = await Promise.all(files.map((file) => import(/* @vite-ignore */ file)));
  return Object.assign({}, ...found.map(({ COMMANDS }) => COMMANDS));
}

/** One of a few ids, so that commands meet. */
export const someId: fc.Arbitrary<string> = fc
  .integer({ min: 1, max: 3 })
  .map((n) => `019503a0-0000-7000-8000-00000000000${n}`);
