/** The noun of a context in the forms that its files need. */
export interface Noun {
  /** `trailer` */
  readonly one: string;
  /** `trailers` */
  readonly many: string;
}

const LETTERS = /^[a-z]{2,24}$/;

/** What is wrong with a name as such, in one sentence; undefined where nothing is. */
export function findFault(name: string | undefined): string | undefined {
  if (name === undefined || name === '') return 'Give the name of the context: npm run context trailer.';
  if (!LETTERS.test(name))
    return `"${name}" must be one English noun in lower-case letters, 2 to 24 of them, such as trailer.`;
  // Of these, only the singular ends so: class, bus, chassis.
  if (/[^sui]s$/.test(name)) return `"${name}" looks like a plural: give the singular, such as trailer.`;
  return undefined;
}

/** The forms of a noun whose plural is regular. */
export function nounOf(one: string): Noun {
  if (/(s|x|z|ch|sh)$/.test(one)) return { one, many: `${one}es` };
  if (/[^aeiou]y$/.test(one)) return { one, many: `${one.slice(0, -1)}ies` };
  return { one, many: `${one}s` };
}

/** `trailer` → `Trailer` */
export function capital(word: string): string {
  return word.charAt(0).toUpperCase() + word.slice(1);
}

/** `a trailer`, `an axle`: by the first letter, which is right for most nouns. */
export function withArticle(word: string): string {
  return `${/^[aeio]/.test(word) ? 'an' : 'a'} ${word}`;
}
