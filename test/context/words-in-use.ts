import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { buildSchema } from 'graphql';
import { capital, type Noun, nounOf } from './noun.ts';
import type { ContextFile } from './template.ts';

/** A noun that no code contains: what else stands in a file that is made with it is every context's. */
const NEUTRAL = nounOf('qzk');

const COMMENTS_AND_TEXTS = /\/\*[\s\S]*?\*\/|\/\/.*|'[^'\n]*'|`[^`]*`/g;

/**
 * Whether the code of a context could bear this noun: what it would call its own must be a word that neither JavaScript nor
 * the code of every context has for something else.
 * @param filled gives the files of a context by a noun
 * @returns what is wrong, in one sentence
 */
export function findClash(noun: Noun, filled: (noun: Noun) => readonly ContextFile[]): string | undefined {
  const neutral = [...wordsIn(filled(NEUTRAL))];
  const isOwn = (word: string): boolean => word.toLowerCase().includes(NEUTRAL.one);
  const common = new Set(neutral.filter((word) => !isOwn(word)));
  const own = neutral
    .filter(isOwn)
    .map((word) =>
      word
        .replace(NEUTRAL.many, noun.many)
        .replace(capital(NEUTRAL.many), capital(noun.many))
        .replace(NEUTRAL.one, noun.one)
        .replace(capital(NEUTRAL.one), capital(noun.one)),
    );
  const clash = own.find((word) => common.has(word) || isReserved(word));
  if (clash === undefined) return undefined;
  return `"${noun.one}" cannot be its name, since ${clash} means something else in JavaScript or in the code of every context.`;
}

function wordsIn(files: readonly ContextFile[]): Set<string> {
  const code = files.filter(({ path }) => path.endsWith('.ts'));
  return new Set(
    code.flatMap(({ text }) => text.replace(COMMENTS_AND_TEXTS, ' ').match(/[A-Za-z_$][\w$]*/g) ?? []),
  );
}

/** Whether JavaScript keeps a word for itself, which the language itself knows best. */
function isReserved(word: string): boolean {
  try {
    new Function(`'use strict'; const ${word} = 0;`);
    return false;
  } catch {
    return true;
  }
}

/** Whether the public schema has a type or a root field of this name already; what is wrong, in one sentence. */
export function findInSchema(root: string, { one, many }: Noun): string | undefined {
  const schema = buildSchema(readFileSync(join(root, 'schema/waybill.graphql'), 'utf8'));
  const type = Object.keys(schema.getTypeMap()).find((name) => name === capital(one));
  const fields = Object.keys(schema.getQueryType()?.getFields() ?? {});
  const taken = type ?? fields.find((field) => field === one || field === many);
  return taken === undefined
    ? undefined
    : `"${one}" cannot be its name, since the schema has ${taken} already.`;
}
