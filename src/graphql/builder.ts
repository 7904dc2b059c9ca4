import SchemaBuilder from '@pothos/core';
import DataloaderPlugin from '@pothos/plugin-dataloader';
import RelayPlugin from '@pothos/plugin-relay';
import ScopeAuthPlugin from '@pothos/plugin-scope-auth';
import { type Context, isAuditor, isCarrier } from './context.ts';
import { forbidden, unauthenticated } from './errors.ts';
import { decodeGlobalId, encodeGlobalId } from './global-id.ts';
import { DateTime, Json } from './scalars.ts';

/** What Pothos knows of our types; fields are non-null unless they say otherwise. */
interface TypeSettings {
  Context: Context;
  DefaultFieldNullability: false;
  DefaultEdgesNullability: false;
  DefaultNodeNullability: false;
  Scalars: {
    ID: { Input: string; Output: string };
    DateTime: { Input: Date; Output: Date };
    JSON: { Input: unknown; Output: unknown };
  };
  /** `authScopes` of a field or type. */
  AuthScopes: {
    /** Anyone who proved who they are; holds for every root field already. */
    authenticated: boolean;
    /** Everyone of the tenant but its carriers. */
    tenantWide: boolean;
    /** Those who may read the log itself. */
    auditor: boolean;
    /** Those who may read the admin log. */
    administrator: boolean;
  };
}

/** The same, completed by Pothos' own defaults: the first parameter of its generic types. */
export type Types = PothosSchemaTypes.ExtendDefaultTypes<TypeSettings>;

/** Where every context puts its types and root fields. */
export const builder = new SchemaBuilder<TypeSettings>({
  plugins: [ScopeAuthPlugin, RelayPlugin, DataloaderPlugin],
  defaultFieldNullability: false,
  relay: {
    cursorType: 'String',
    encodeGlobalID: (typename, id) => encodeGlobalId(typename, String(id)),
    decodeGlobalID: (globalId) => decodeGlobalId(globalId) ?? { typename: '', id: globalId },
    // Declared in node.ts instead: there, what is no id or not the caller's to see is null and never an error.
    nodeQueryOptions: false,
    nodesQueryOptions: false,
    edgesFieldOptions: { nullable: false },
    nodeFieldOptions: { nullable: false },
    nodesOnConnection: true,
  },
  scopeAuth: {
    authorizeOnSubscribe: true,
    authScopes: ({ access }) => ({
      authenticated: access !== null,
      tenantWide: access !== null && !isCarrier(access),
      auditor: access !== null && isAuditor(access),
      administrator: access?.role === 'admin',
    }),
    unauthorizedError: (_parent, context) => (context.access === null ? unauthenticated() : forbidden()),
  },
});

builder.addScalarType('DateTime', DateTime);
builder.addScalarType('JSON', Json);

builder.queryType({ authScopes: { authenticated: true } });
builder.mutationType({ authScopes: { authenticated: true } });
builder.subscriptionType({ authScopes: { authenticated: true } });

/**
 * For `loaderOptions` of every loadable type: loads of one tick travel together, but nothing is kept. A subscription's
 * context lives for hours, and a second mutation of one request must not read what the first one has changed.
 */
export const uncached = { cache: false } as const;

/**
 * For `load` of every loadable type: null where there is nothing to see. Pothos passes null on as it should; its types
 * just do not allow for it.
 */
export function orAbsent<T>(rows: readonly (T | null)[]): T[] {
  return rows as T[];
}
