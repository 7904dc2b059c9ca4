import type { Role } from '../../src/eventstore/event.ts';
import { openAdmission } from '../../src/gateway/engine/guards.ts';
import { contextOf } from '../../src/gateway/engine/operation-context.ts';
import { SERVER_LIMITS } from '../../src/gateway/server.ts';
import type { Context } from '../../src/graphql/context.ts';
import type { TestGateway } from '../gateway.ts';

/** The context of a request, as the gateway makes it for somebody of this role. */
export function contextFor(
  { store, feed, personal, metrics }: TestGateway,
  role: Role,
  carrierId?: string,
): Context {
  const admission = openAdmission(SERVER_LIMITS, metrics);
  const access = { tenantId: 'demo', sub: 'me', role, ...(carrierId === undefined ? {} : { carrierId }) };
  return contextOf(
    { store, feed, personal, admission, projections: async () => [] },
    { access, header: () => undefined, onOverflow: () => undefined },
  );
}
