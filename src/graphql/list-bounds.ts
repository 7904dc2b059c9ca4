/** How many values any list may have in the arguments of a query or a subscription. */
export const MAX_VALUES = 1_000;
/** How many characters the texts in those arguments may have together. */
export const MAX_ARGUMENT_CHARACTERS = 131_072;

/** What is wrong with the arguments of a read: where, and in words. */
export interface Excess {
  readonly at: string;
  readonly message: string;
}

/** Says of arguments what is more than a read may ask with; undefined where nothing is. It looks at no more than it lets pass. */
export function excessIn(args: object): Excess | undefined {
  return new Look().at(args, '');
}

class Look {
  #characters = 0;

  at(value: unknown, path: string): Excess | undefined {
    if (typeof value === 'string') {
      this.#characters += value.length;
      if (this.#characters <= MAX_ARGUMENT_CHARACTERS) return undefined;
      return {
        at: path,
        message: `The texts of the arguments are longer than ${MAX_ARGUMENT_CHARACTERS} characters together.`,
      };
    }
    if (typeof value !== 'object' || value === null || value instanceof Date) return undefined;
    const isList = Array.isArray(value);
    if (isList && value.length > MAX_VALUES)
      return { at: path, message: `${path} has more than ${MAX_VALUES} values.` };
    for (const [name, part] of Object.entries(value)) {
      const excess = this.at(part, isList ? path : path === '' ? name : `${path}.${name}`);
      if (excess !== undefined) return excess;
    }
    return undefined;
  }
}
