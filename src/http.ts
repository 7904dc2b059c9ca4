import type { IncomingMessage, ServerResponse } from 'node:http';
import { type Authenticate, credentialsOfHeaders } from './access/authenticate.ts';
import { contextOf, type Services } from './caller.ts';
import type { Context } from './context.ts';
import { unauthenticated } from './errors.ts';
import { openFastLane } from './fast-lane.ts';
import type { Gateway } from './gateway.ts';
import type { Mask } from './masking.ts';
import type { Metrics } from './metrics.ts';
import { atEndOfProof } from './proof-end.ts';

export interface HttpLimits {
  /** Largest request. */
  readonly maxBodyBytes: number;
  /** How long a response that is to end may take to drain before it is cut. */
  readonly closeGraceMs: number;
}

export interface HttpOptions {
  readonly gateway: Gateway;
  readonly services: Services;
  readonly authenticate: Authenticate;
  readonly mask: Mask;
  readonly limits: HttpLimits;
  readonly metrics: Metrics;
}

/** The HTTP side of the gateway. */
export interface Http {
  answer(request: IncomingMessage, response: ServerResponse): void;
  /**
   * Lets every answer be the last on its line, and begins no event stream any more.
   * @returns how to cut those that there are, so that their clients come back elsewhere
   */
  stop(): readonly (() => void)[];
}

/** Hands HTTP requests to the GraphQL engine, and knows which answers are under way. */
export function openHttp(options: HttpOptions): Http {
  const underWay = new Set<ServerResponse>();
  const streams = new WeakSet<ServerResponse>();
  let stopping = false;
  const answer = openFastLane({ ...options, maxBodyBytes: options.limits.maxBodyBytes });
  return {
    answer(request, response) {
      if (!URL.canParse(`http://${request.headers.host ?? 'localhost'}`)) {
        // The engine would show the stack of what it cannot make an URL of.
        response.writeHead(400, { connection: 'close' }).end();
        return;
      }
      underWay.add(response);
      response.once('close', () => underWay.delete(response));
      if (stopping) response.setHeader('connection', 'close');
      const open = (): Promise<Context> => openContext(options, request, response, streams);
      const onStream = (): void => {
        streams.add(response);
        if (stopping) response.destroy();
      };
      answer(request, response, { transport: 'http', open, onStream });
    },
    stop() {
      stopping = true;
      const answers = [...underWay];
      for (const response of answers) if (!response.headersSent) response.setHeader('connection', 'close');
      return answers
        .filter((response) => streams.has(response))
        .map((response) => () => void response.destroy());
    },
  };
}

async function openContext(
  { authenticate, services, limits, metrics }: HttpOptions,
  request: IncomingMessage,
  response: ServerResponse,
  streams: WeakSet<ServerResponse>,
): Promise<Context> {
  const header = (name: string): string | undefined => {
    const value = request.headers[name];
    return Array.isArray(value) ? value[0] : value;
  };
  const proof = await authenticate(credentialsOfHeaders({ get: header }));
  if (proof.access === null) {
    metrics.unauthenticated.inc({ reason: proof.reason });
    // Nothing shown is left to the operation: anyone may ask for __typename. What was shown must be good.
    if (proof.reason !== 'missing') throw unauthenticated(proof.message);
  } else {
    const stop = atEndOfProof(proof.access, () => {
      if (streams.has(response)) response.destroy();
    });
    response.once('close', stop);
  }
  return contextOf(services, {
    access: proof.access,
    header,
    onOverflow: () => cutSlowly(response, limits.closeGraceMs),
    lastEventId: header('last-event-id'),
  });
}

/** Leaves a slow reader the time to get the last word, then cuts the line. */
function cutSlowly(response: ServerResponse, graceMs: number): void {
  const cut = setTimeout(() => response.destroy(), graceMs).unref();
  response.once('close', () => clearTimeout(cut));
}
