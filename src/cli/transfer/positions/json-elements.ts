/** An object that stands in a list of a document, or text that should be one. `line` is where it begins, from 1. */
export type JsonElement = { readonly line: number } & (
  | { readonly value: unknown }
  | { readonly fault: string }
);

/** A longer element is no position. */
const MAX_CHARACTERS = 262_144;

const OPENING: Readonly<Record<string, string>> = { '}': '{', ']': '[' };

/**
 * Finds the objects in the outermost lists of a JSON document as it comes, in constant memory: `entity` of a feed,
 * `features` of GeoJSON, a plain list. Each is read by itself, so one that is broken costs itself only: reading goes on at
 * the next brace that stands where an element of a list may begin.
 */
export function openElements() {
  let elements: JsonElement[] = [];
  /** What is not settled yet; an element begins it. */
  let held = '';
  let place = 0;
  let line = 1;
  /** The brackets that are open around `place`; within an element, those of the element. */
  let brackets: string[] = [];
  let [isText, isEscaped, isElement] = [false, false, false];
  let hasList = false;
  /** After something broken: which brackets are open is not known. `before` is the last character that is no blank. */
  let [isSeeking, before] = [false, ''];

  /** Gives up text from the beginning of `held`. */
  const drop = (length: number): void => {
    for (let at = held.indexOf('\n'); at >= 0 && at < length; at = held.indexOf('\n', at + 1)) line += 1;
    held = held.slice(length);
    place = 0;
  };
  const begin = (): void => {
    drop(place - 1);
    place = 1;
    [brackets, isElement, isSeeking] = [['{'], true, false];
  };
  const giveUp = (): void => {
    elements.push({ line, fault: 'not JSON' });
    drop(1);
    [brackets, isText, isEscaped, isElement] = [['['], false, false, false];
    [isSeeking, before] = [true, ''];
  };
  const complete = (): void => {
    try {
      elements.push({ line, value: JSON.parse(held.slice(0, place)) });
      drop(place);
      [brackets, isElement] = [['['], false];
    } catch {
      giveUp();
    }
  };

  const takeInText = (character: string): void => {
    if (isEscaped) isEscaped = false;
    else if (character === '\\') isEscaped = true;
    else if (character === '"') isText = false;
    else if (character !== '\n') return;
    // A line break within a text: a quote is missing, or one too many.
    else if (isElement) giveUp();
    else isText = false;
  };
  const take = (character: string): void => {
    if (character === '"') isText = true;
    else if (character === '{' && !isElement && brackets.at(-1) === '[') begin();
    else if (character === '{' || character === '[') {
      hasList ||= character === '[';
      brackets.push(character);
    } else if (brackets.at(-1) === OPENING[character]) {
      brackets.pop();
      if (isElement && brackets.length === 0) complete();
    }
  };
  const seek = (character: string): void => {
    if (character === '{' && (before === ',' || before === '[')) begin();
    else if (character.trim() !== '') before = character;
  };
  const scan = (): JsonElement[] => {
    while (place < held.length) {
      const character = held[place] ?? '';
      place += 1;
      if (isSeeking) seek(character);
      else if (isText) takeInText(character);
      else take(character);
      if (isElement && place > MAX_CHARACTERS) giveUp();
    }
    if (!isElement) drop(held.length);
    const found = elements;
    elements = [];
    return found;
  };
  return {
    add(chunk: string): JsonElement[] {
      held += chunk;
      return scan();
    },
    /** Whether there was a list at all, be it an empty one. */
    hasList: () => hasList,
    end(): JsonElement[] {
      const found: JsonElement[] = [];
      while (isElement) {
        giveUp();
        found.push(...scan());
      }
      return found;
    },
  };
}
