import { readFile } from 'node:fs/promises';
import {
  type DefinitionNode,
  type FieldDefinitionNode,
  GraphQLEnumType,
  GraphQLInputObjectType,
  GraphQLInterfaceType,
  type GraphQLNamedType,
  GraphQLObjectType,
  GraphQLUnionType,
  type InputValueDefinitionNode,
  isRequiredArgument,
  isRequiredInputField,
  Kind,
  parse,
  print,
} from 'graphql';
import { describe, expect, it } from 'vitest';
import { schema } from '../../src/schema.ts';

type Typed = Extract<DefinitionNode, { readonly name?: unknown }> & { readonly name: { value: string } };

/** The settled core of the public schema, as clients were given it. */
const contract = parse(await readFile(new URL('../fixtures/contract.graphql', import.meta.url), 'utf8'));
const definitions = contract.definitions.filter(
  (node): node is Typed =>
    'name' in node && node.name !== undefined && node.kind !== Kind.DIRECTIVE_DEFINITION,
);

describe('the settled core of the public schema', () => {
  it.each(definitions.map((node) => [node.name.value, node] as const))('%s is kept', (name, node) => {
    const type = schema.getType(name);
    expect(type, `${name} exists`).toBeDefined();
    if (type !== undefined) check(node, type);
  });

  it('every mutation takes one input, and every input has the common fields', () => {
    for (const field of Object.values(schema.getMutationType()?.getFields() ?? {})) {
      expect(
        field.args.map((arg) => arg.name),
        field.name,
      ).toEqual(['input']);
      const input = schema.getType(String(field.args[0]?.type).replaceAll('!', ''));
      expect(input).toBeInstanceOf(GraphQLInputObjectType);
      // Fixes, and corrections of them, carry these themselves, one by one.
      if (
        ['trackLocations', 'correctLocations'].includes(field.name) ||
        !(input instanceof GraphQLInputObjectType)
      )
        continue;
      const common = input.getFields();
      expect(String(common.idempotencyKey?.type), field.name).toBe('String');
      expect(String(common.occurredAt?.type), field.name).toBe('DateTime');
    }
  });

  it('every type and field says what it is', () => {
    const silent: string[] = [];
    for (const type of Object.values(schema.getTypeMap())) {
      if (type.name.startsWith('__')) continue;
      if (type instanceof GraphQLEnumType || type instanceof GraphQLInputObjectType) {
        if (!type.description) silent.push(type.name);
      }
    }
    expect(silent).toEqual([]);
  });
});

function check(node: Typed, type: GraphQLNamedType): void {
  switch (node.kind) {
    case Kind.OBJECT_TYPE_DEFINITION:
    case Kind.INTERFACE_TYPE_DEFINITION: {
      if (!(type instanceof GraphQLObjectType || type instanceof GraphQLInterfaceType)) {
        throw new Error(`${type.name} has no fields.`);
      }
      const implemented = type.getInterfaces().map((each) => each.name);
      for (const each of node.interfaces ?? []) expect(implemented).toContain(each.name.value);
      for (const field of node.fields ?? []) checkField(field, type);
      return;
    }
    case Kind.INPUT_OBJECT_TYPE_DEFINITION:
      if (!(type instanceof GraphQLInputObjectType)) throw new Error(`${type.name} is no input.`);
      checkInput(node.fields ?? [], type);
      return;
    case Kind.UNION_TYPE_DEFINITION:
      if (!(type instanceof GraphQLUnionType)) throw new Error(`${type.name} is no union.`);
      expect(
        type
          .getTypes()
          .map((each) => each.name)
          .sort(),
      ).toEqual((node.types ?? []).map((each) => each.name.value).sort());
      return;
    case Kind.ENUM_TYPE_DEFINITION:
      if (!(type instanceof GraphQLEnumType)) throw new Error(`${type.name} is no enum.`);
      expect(
        type
          .getValues()
          .map((each) => each.name)
          .sort(),
      ).toEqual((node.values ?? []).map((each) => each.name.value).sort());
      return;
    default:
      throw new Error(`The contract has a ${node.kind}.`);
  }
}

function checkField(node: FieldDefinitionNode, type: GraphQLObjectType | GraphQLInterfaceType): void {
  const field = type.getFields()[node.name.value];
  const name = `${type.name}.${node.name.value}`;
  expect(field && String(field.type), name).toBe(print(node.type));
  for (const arg of node.arguments ?? []) {
    const own = field?.args.find((each) => each.name === arg.name.value);
    expect(own && String(own.type), `${name}(${arg.name.value})`).toBe(print(arg.type));
  }
  const known = new Set((node.arguments ?? []).map((arg) => arg.name.value));
  const added = (field?.args ?? []).filter((arg) => !known.has(arg.name) && isRequiredArgument(arg));
  expect(
    added.map((arg) => arg.name),
    `${name} demands no more`,
  ).toEqual([]);
}

function checkInput(nodes: readonly InputValueDefinitionNode[], type: GraphQLInputObjectType): void {
  const fields = type.getFields();
  for (const node of nodes) {
    const name = `${type.name}.${node.name.value}`;
    expect(fields[node.name.value] && String(fields[node.name.value]?.type), name).toBe(print(node.type));
  }
  const known = new Set(nodes.map((node) => node.name.value));
  const added = Object.values(fields).filter(
    (field) => !known.has(field.name) && isRequiredInputField(field),
  );
  expect(
    added.map((field) => field.name),
    `${type.name} demands no more`,
  ).toEqual([]);
}
