import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import {
  buildSchema,
  type DocumentNode,
  Kind,
  parse,
  TypeInfo,
  validate,
  visit,
  visitWithTypeInfo,
} from 'graphql';
import { describe, expect, it } from 'vitest';
import { readHttpFile, requestFiles } from './http-file.ts';

const SCHEMA = resolve(import.meta.dirname, '../../schema');
/** The committed contract; that it is current is checked with the other generated files. */
const schema = buildSchema(readFileSync(join(SCHEMA, 'waybill.graphql'), 'utf8'));
const FOLDER = join(SCHEMA, 'operations');

const documents: [string, DocumentNode][] = readdirSync(FOLDER).map((name) => [
  name,
  parse(readFileSync(join(FOLDER, name), 'utf8')),
]);

const ROOTS = [schema.getQueryType(), schema.getMutationType(), schema.getSubscriptionType()];
const rootFields = ROOTS.flatMap((type) =>
  Object.keys(type?.getFields() ?? {}).map((field) => `${type?.name}.${field}`),
);

/** `Query.tender` …: what a document asks the root types for. */
function askedFields(document: DocumentNode): string[] {
  const asked: string[] = [];
  const typeInfo = new TypeInfo(schema);
  visit(
    document,
    visitWithTypeInfo(typeInfo, {
      Field: ({ name }) => {
        asked.push(`${typeInfo.getParentType()?.name}.${name.value}`);
      },
    }),
  );
  return asked;
}

describe('the documents of each kind of client', () => {
  it.each(documents)('%s is valid against the schema', (_name, document) => {
    expect(validate(schema, document)).toEqual([]);
  });

  it.each(documents)('%s names every operation, each once', (_name, document) => {
    const names = document.definitions.map((node) =>
      node.kind === Kind.OPERATION_DEFINITION || node.kind === Kind.FRAGMENT_DEFINITION
        ? node.name?.value
        : undefined,
    );
    expect(names).not.toContain(undefined);
    expect(new Set(names).size).toBe(names.length);
  });

  it('use every operation of the contract (V-07)', () => {
    const asked = new Set(documents.flatMap(([, document]) => askedFields(document)));
    expect(rootFields.filter((field) => !asked.has(field))).toEqual([]);
  });
});

/** A person's own, or of several: each goes on from what an answer showed, which a file of requests cannot. */
const BY_SEVERAL_PEOPLE = new Set([
  ...['Query.approval', 'Query.adminActions', 'Mutation.requestApproval', 'Mutation.voteOnApproval'],
  ...['Mutation.cancelApproval', 'Mutation.breakGlass'],
]);

describe('the files of ready-made requests', () => {
  const requests = requestFiles().flatMap((text) => readHttpFile(text, {}));
  const queries = requests.flatMap(({ body }) => (body === undefined ? [] : [parse(JSON.parse(body).query)]));

  it('have a request for every operation of the contract (V-07)', () => {
    const asked = new Set(queries.flatMap(askedFields));
    expect(rootFields.filter((field) => !asked.has(field) && !BY_SEVERAL_PEOPLE.has(field))).toEqual([]);
  });

  it('are valid against the schema', () => {
    expect(queries.flatMap((query) => validate(schema, query))).toEqual([]);
  });
});
