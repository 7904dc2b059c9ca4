// A JSON text can hold half of a surrogate pair ("\ud800"), which is no character. The database would store another
// character in its place, and answer that all is well: so it is refused wherever text comes in.

/** True for text that has no half of a surrogate pair in it. */
export function isWellFormed(text: string): boolean {
  return !/\p{Surrogate}/u.test(text);
}

/** What is said of text that is not well formed, after the name of its field. */
export const MALFORMED_TEXT = 'must be well-formed Unicode: it holds half of a surrogate pair';

/** Where the first text is that is not well formed, as a dotted path; undefined where all are. */
export function malformedPath(value: unknown): string | undefined {
  if (typeof value !== 'object' || value === null || value instanceof Date) return undefined;
  for (const name in value) {
    const part: unknown = Reflect.get(value, name);
    if (!isWellFormed(name)) return JSON.stringify(name);
    if (typeof part === 'string') {
      if (!isWellFormed(part)) return name;
    } else if (typeof part === 'object') {
      const path = malformedPath(part);
      if (path !== undefined) return `${name}.${path}`;
    }
  }
  return undefined;
}
