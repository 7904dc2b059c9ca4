import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

const SCHEMA = resolve(import.meta.dirname, '../../schema');

/** One request of an `.http` file, its variables put in. */
export interface HttpRequest {
  readonly title: string;
  readonly method: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
}

/**
 * Reads the part of the format that VS Code's REST Client and JetBrains' HTTP Client share: `###` before a request,
 * `@name = value` variables, `#` comments, headers, a blank line, a body.
 * @param given values that replace those of the file's variables
 */
export function readHttpFile(text: string, given: Readonly<Record<string, string>>): HttpRequest[] {
  const [preamble = '', ...blocks] = text.split(/^### /m);
  const variables = new Map<string, string>();
  const fill = (line: string): string =>
    line.replace(/\{\{(\w+)\}\}/g, (_, name: string) => {
      const value = variables.get(name);
      if (value === undefined) throw new Error(`The variable ${name} is not set before it is used.`);
      return value;
    });
  for (const [, name = '', value = ''] of preamble.matchAll(/^@(\w+) *= *(.+)$/gm)) {
    variables.set(name, given[name] ?? fill(value.trim()));
  }
  return blocks.map((block) => readRequest(fill(block)));
}

function readRequest(block: string): HttpRequest {
  const [head = '', ...rest] = block.split('\n\n');
  const [title = '', ...lines] = head.split('\n').filter((line) => line !== '' && !line.startsWith('# '));
  const [method = '', url = ''] = (lines[0] ?? '').split(' ');
  const headers = lines.slice(1).map((line) => line.split(/: */, 2));
  const body = rest.join('\n\n').trim();
  return {
    title,
    method,
    url,
    headers: Object.fromEntries(headers),
    ...(body === '' ? {} : { body }),
  };
}

/** The texts of the files of ready-made requests: `requests.http`, and `requests-trailer.http` of a context of its own. */
export function requestFiles(): string[] {
  return readdirSync(SCHEMA)
    .filter((name) => name.endsWith('.http'))
    .map((name) => readFileSync(join(SCHEMA, name), 'utf8'));
}
