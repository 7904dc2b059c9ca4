import { builder } from './graphql/builder.ts';
import { paceLists } from './graphql/paced-lists.ts';
import { refuseMalformedText } from './graphql/well-formed.ts';
import './approval/graphql.ts';
import './audit/admin-graphql.ts';
import './audit/graphql.ts';
import './audit/log-graphql.ts';
import './audit/proof-graphql.ts';
import './graphql/node.ts';
import './tender/graphql.ts';
import './vehicle/graphql.ts';
import './route/graphql.ts';

/** The public schema: every context has put its types and root fields into the builder by being imported. */
export const schema = paceLists(refuseMalformedText(builder.toSchema()));
