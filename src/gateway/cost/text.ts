import { tooLarge } from '../../graphql/errors.ts';
import type { Pace } from '../../graphql/pace.ts';

/** How long the text of an answer may be, in characters; V8 has no strings of more than 512 Mi of them. */
const LONGEST = 128 * 1_048_576;
/** So far down an answer is taken apart: `data`, a page, its list, an item. What is below is small, and made in one go. */
const DEPTH = 4;

interface Writing {
  readonly pace: Pace;
  readonly parts: string[];
  length: number;
}

/**
 * What `JSON.stringify` makes of a dear query's answer, made at its pace: that of a large one keeps everybody else waiting.
 * @throws MAX_COST_EXCEEDED for what is too long, and where the client has left
 */
export async function textOf(answer: object, pace: Pace): Promise<string> {
  const writing: Writing = { pace, parts: [], length: 0 };
  await write(writing, answer, DEPTH);
  return writing.parts.join('');
}

async function write(writing: Writing, value: unknown, depth: number): Promise<void> {
  const rest = writing.pace.rest();
  if (rest !== undefined) await rest;
  if (Array.isArray(value)) return writeItems(writing, value, depth);
  if (depth === 0 || typeof value !== 'object' || value === null || 'toJSON' in value)
    return put(writing, JSON.stringify(value) ?? 'null');
  let separator = '{';
  for (const [name, field] of Object.entries(value)) {
    if (field === undefined) continue;
    put(writing, `${separator}${JSON.stringify(name)}:`);
    separator = ',';
    if (typeof field === 'object' && field !== null) await write(writing, field, depth - 1);
    else put(writing, JSON.stringify(field));
  }
  put(writing, separator === '{' ? '{}' : '}');
}

async function writeItems(writing: Writing, items: readonly unknown[], depth: number): Promise<void> {
  put(writing, '[');
  for (const [index, item] of items.entries()) {
    if (index > 0) put(writing, ',');
    if (depth > 0 && typeof item === 'object' && item !== null) await write(writing, item, depth - 1);
    else put(writing, JSON.stringify(item) ?? 'null');
  }
  put(writing, ']');
}

function put(writing: Writing, text: string): void {
  writing.length += text.length;
  if (writing.length > LONGEST) throw tooLarge();
  writing.parts.push(text);
}
