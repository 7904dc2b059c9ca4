import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ContextFile } from './template.ts';

/** The texts of the files that list all contexts, with one more in them. @throws where a list is not found */
export function listed(root: string, name: string): ContextFile[] {
  return [inModel(root, name), inSchema(root, name), inImportRules(root, name)];
}

function inModel(root: string, name: string): ContextFile {
  return edited(root, 'src/model.ts', [
    [
      /^(?=import )/,
      `import { ${name}Events } from './${name}/events.ts';\nimport { ${name} } from './${name}/${name}.ts';\n`,
    ],
    [/(?<=export const eventDefinitions\b[^;]* = \[[^\]]*?)(?=,?\s*\];)/, `, ...${name}Events`],
    [/(?<=export const aggregates\b[^;]* = \[[^\]]*?)(?=,?\s*\];)/, `, ${name}`],
  ]);
}

function inSchema(root: string, name: string): ContextFile {
  return edited(root, 'src/schema.ts', [
    [/(?<=\nimport '\.\/\w+\/graphql\.ts';\n)(?!import)/, `import './${name}/graphql.ts';\n`],
  ]);
}

function inImportRules(root: string, name: string): ContextFile {
  const path = '.dependency-cruiser.cjs';
  // Some contexts have their place before they are there.
  const list = /(?<=const NAMES = \[)[^\]]*/.exec(readFileSync(join(root, path), 'utf8'))?.[0];
  if (list?.includes(`'${name}'`)) return edited(root, path, []);
  return edited(root, path, [[/(?<=const NAMES = \[[^\]]*?)(?=,?\s*\];)/, `, '${name}'`]]);
}

/** The text of a file with something inserted at places that are each found once. */
function edited(root: string, path: string, inserts: readonly (readonly [RegExp, string])[]): ContextFile {
  let text = readFileSync(join(root, path), 'utf8');
  for (const [place, added] of inserts) {
    if (!place.test(text))
      throw new Error(`${path} no longer looks like what test/context/register.ts knows.`);
    text = text.replace(place, () => added);
  }
  return { path, text };
}
