import { resolveNodes } from '@pothos/plugin-relay';
import type { GraphQLResolveInfo } from 'graphql';
import { builder } from './builder.ts';
import type { Context } from './context.ts';
import { invalidInput } from './errors.ts';
import { decodeGlobalId, NODE_TYPES } from './global-id.ts';

/** How many ids one `nodes` may name. */
const MAX_NODES = 200;

/** Node by id; null for what is no id, what does not exist and what is not the caller's to see. */
async function load(ids: readonly string[], context: Context, info: GraphQLResolveInfo): Promise<unknown[]> {
  const known = ids.map((id) => {
    const decoded = decodeGlobalId(id);
    return NODE_TYPES.some((type) => type === decoded?.typename) ? decoded : null;
  });
  return resolveNodes(builder, context, info, known);
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
