import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { capital, type Noun, withArticle } from './noun.ts';

const ENDING = '.template';

/** A file of a new context. */
export interface ContextFile {
  /** From the top of the repository. */
  readonly path: string;
  readonly text: string;
}

/**
 * The templates with a noun in the place of `specimen`, in paths too, and `values` in the places of `<<name>>`.
 * @param folder where the templates are, laid out like the repository
 * @throws where a template asks for a value that is not given
 */
export function fill(folder: string, noun: Noun, values: Readonly<Record<string, string>>): ContextFile[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith(ENDING))
    .sort()
    .map((path) => ({
      path: inWords(path.slice(0, -ENDING.length), noun),
      text: inWords(readFileSync(join(folder, path), 'utf8'), noun).replace(
        /<<(\w+)>>/g,
        (_, name: string) => {
          const value = values[name];
          if (value === undefined) throw new Error(`${path} asks for ${name}, which is not given.`);
          return value;
        },
      ),
    }));
}

function inWords(text: string, { one, many }: Noun): string {
  return text
    .replaceAll('specimens', many)
    .replaceAll('Specimens', capital(many))
    .replace(/\b([Aa]) specimen/g, (_, a: string) =>
      a === 'A' ? capital(withArticle(one)) : withArticle(one),
    )
    .replaceAll('specimen', one)
    .replaceAll('Specimen', capital(one))
    .replaceAll('SPECIMEN', one.toUpperCase());
}
