import { resolveNodes } from '@pothos/plugin-relay';
import { type GraphQLResolveInfo, isObjectType } from 'graphql';
import { builder } from './builder.ts';
import type { Context } from './context.ts';
import { invalidInput } from './errors.ts';
import { decodeGlobalId } from './global-id.ts';

/** How many ids one `nodes` may name. */
const MAX_NODES = 200;

/** Node by id; null for what is no id, what does not exist and what is not the caller's to see. */
async function load(ids: readonly string[], context: Context, info: GraphQLResolveInfo): Promise<unknown[]> {
  const known = ids.map((id) => {
    const decoded = decodeGlobalId(id);
    return decoded !== null && isNodeType(info, decoded.typename) ? decoded : null;
  });
  return resolveNodes(builder, context, info, known);
}

/** The schema knows which types were declared as nodes, so that no list of them has to be kept. */
function isNodeType({ schema }: GraphQLResolveInfo, typename: string): boolean {
  const type = schema.getType(typename);
  return isObjectType(type) && type.getInterfaces().some(({ name }) => name === 'Node');
}

builder.queryFields((t) => ({
  node: t.field({
    type: builder.nodeInterfaceRef(),
    nullable: true,
    args: { id: t.arg.id({ required: true }) },
    resolve: async (_root, { id }, context, info) => (await load([id], context, info))[0] ?? null,
  }),
  nodes: t.field({
    type: [builder.nodeInterfaceRef()],
    nullable: { list: false, items: true },
    description: `At most ${MAX_NODES}, in the order of \`ids\`.`,
    args: { ids: t.arg.idList({ required: true }) },
    resolve: (_root, { ids }, context, info) => {
      if (ids.length > MAX_NODES) throw invalidInput(`At most ${MAX_NODES} ids at once.`, 'ids');
      return load(ids, context, info);
    },
  }),
}));
