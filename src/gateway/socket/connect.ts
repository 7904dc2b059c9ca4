import { GraphQLError } from 'graphql';
import type { Context } from 'graphql-ws';
import type { Access } from '../../access/access.ts';
import { type Authenticate, credentialsOfConnection, type HeaderReader } from '../../access/authenticate.ts';
import type { Metrics } from '../../metrics/metrics.ts';
import type { Mask } from '../engine/masking.ts';
import { atEndOfProof } from '../engine/proof-end.ts';
import { CLOSE, type CloseReason } from './close.ts';
import type { IdleWatch } from './idle.ts';
import type { Outflow } from './outflow.ts';

/** What is kept beside each connection. */
export interface Extra {
  readonly headers: HeaderReader;
  /** Closes with a code, and cuts the line where that is not read. */
  readonly close: (reason: CloseReason) => void;
  readonly isOpen: () => boolean;
  readonly outflow: Outflow;
  /** Who calls; set by `connect`, as is what follows. */
  access?: Access;
  /** To be called when an operation begins. */
  touch?: () => void;
  /** To be called when the socket is closed. */
  leave?: () => void;
}

/** A socket as graphql-ws knows it. */
export type SocketContext = Context<Record<string, unknown>, Extra>;

export interface ConnectOptions {
  readonly authenticate: Authenticate;
  readonly mask: Mask;
  readonly metrics: Pick<Metrics, 'limits' | 'unauthenticated'>;
}

/** How many sockets each tenant holds open on this process. */
export class SocketTally {
  readonly #open = new Map<string, number>();
  readonly #max: number;

  constructor(max: number) {
    this.#max = max;
  }

  /** Takes a place; false where the tenant has none left. */
  enter(tenantId: string): boolean {
    const open = this.#open.get(tenantId) ?? 0;
    if (open >= this.#max) return false;
    this.#open.set(tenantId, open + 1);
    return true;
  }

  /** Gives a place back. */
  leave(tenantId: string): void {
    const open = this.#open.get(tenantId) ?? 0;
    if (open > 1) this.#open.set(tenantId, open - 1);
    else this.#open.delete(tenantId);
  }
}

/**
 * Answers `connection_init`: finds out who is calling, and takes one of the tenant's places.
 * @returns false where the socket has been closed instead: with 4401 for a proof that is not good, 1013 where the proof
 * cannot be checked now, 4429 where the tenant has too many sockets
 */
export async function connect(
  { authenticate, metrics, mask }: ConnectOptions,
  tally: SocketTally,
  idle: IdleWatch,
  connection: SocketContext,
): Promise<boolean> {
  const { extra } = connection;
  const refuse = (reason: string, close: CloseReason): false => {
    metrics.unauthenticated.inc({ reason });
    extra.close(close);
    return false;
  };
  const credentials = credentialsOfConnection(connection.connectionParams, extra.headers);
  // They hold the token, and would be kept for as long as the socket is open.
  Reflect.deleteProperty(connection, 'connectionParams');
  const proof = await authenticate(credentials).catch(mask);
  if (proof instanceof GraphQLError) return refuse('unavailable', CLOSE.TRY_LATER);
  if (proof.access === null) return refuse(proof.reason, [CLOSE.UNAUTHENTICATED[0], proof.message]);
  if (!extra.isOpen()) return false;
  if (!tally.enter(proof.access.tenantId)) {
    metrics.limits.inc({ limit: 'sockets_per_tenant' });
    extra.close(CLOSE.TOO_MANY);
    return false;
  }
  admit(connection, proof.access, metrics, tally, idle);
  return true;
}

/** From here on the socket is closed when its token expires, or when it has been idle for too long. */
function admit(
  { extra, subscriptions }: SocketContext,
  access: Access,
  { limits }: ConnectOptions['metrics'],
  tally: SocketTally,
  idle: IdleWatch,
): void {
  const stop = atEndOfProof(access, () => {
    limits.inc({ limit: 'token_lifetime' });
    extra.close([CLOSE.UNAUTHENTICATED[0], 'The token has expired.']);
  });
  const watched = idle.watch({
    isBusy: () => Object.keys(subscriptions).length > 0,
    onIdle: () => {
      limits.inc({ limit: 'idle_time' });
      extra.close(CLOSE.IDLE);
    },
  });
  extra.access = access;
  extra.touch = watched.touch;
  extra.leave = () => {
    stop();
    watched.forget();
    tally.leave(access.tenantId);
  };
}
