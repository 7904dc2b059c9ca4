import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Logger } from 'pino';
import type { Metrics } from '../metrics/metrics.ts';

/** A database that takes longer to answer counts as away. */
const PROBE_TIMEOUT_MS = 2_000;

/** What readiness depends on. */
export interface Probes {
  /** Rejects where MongoDB does not answer. */
  readonly ping: () => Promise<unknown>;
  /** How far each read model is behind the log. */
  readonly projections: () => Promise<readonly { readonly name: string; readonly lagMs: number }[]>;
  /** How far the change streams that are open are behind. */
  readonly streams?: () => readonly { readonly stream: string; readonly lagMs: number }[];
  /** What of newer versions this process has met. */
  readonly newer?: () => readonly string[];
  /** What is not known to be as the log says, each in one sentence: after a restore, or where somebody dropped something. */
  readonly doubts?: () => Promise<readonly string[]>;
  /** True from the moment the gateway is asked to stop. */
  readonly draining: () => boolean;
  /** A read model or a change stream further behind than this makes the gateway not ready. */
  readonly maxLagMs: number;
  /** How far this machine's clock is ahead of the database's, in ms; negative where it is behind. */
  readonly skewMs?: () => number;
  /** A clock that differs by more makes the gateway not ready; any may where this is not given. */
  readonly maxSkewMs?: number;
  /** Sets the gauges whose values are looked up only when `/metrics` is asked for. */
  readonly gauge?: () => void;
}

/** Whether requests should be sent here, and if not, why: each reason one sentence for the operator. */
export interface Readiness {
  readonly status: 'ready' | 'not ready';
  readonly reasons: readonly string[];
  /** Lag of each read model in milliseconds; missing where it is not known. */
  readonly lagMs?: Readonly<Record<string, number>>;
  /**
   * What was met that only a newer version of Waybill understands; absent for nothing. Such things are left to that one,
   * and everything else goes on, so it is no reason against sending requests here.
   */
  readonly newer?: readonly string[];
}

/**
 * Answers a request for `/health/live`, `/health/ready` or `/metrics`; they need no token.
 * @returns false where the request is for something else; it is then left untouched
 */
export type AnswerOperator = (request: IncomingMessage, response: ServerResponse) => boolean;

/** Looks at everything that readiness depends on. Never rejects: what cannot be looked at is a reason. */
export async function readinessOf(probes: Probes): Promise<Readiness> {
  if (probes.draining()) return { status: 'not ready', reasons: ['The gateway is stopping.'] };
  const [ping, projections, doubts] = await Promise.allSettled([
    inTime(probes.ping()),
    inTime(probes.projections()),
    inTime(probes.doubts?.() ?? Promise.resolve([])),
  ]);
  const reasons: string[] = [];
  if (ping.status === 'rejected') reasons.push('MongoDB does not answer.');
  for (const { stream, lagMs } of probes.streams?.() ?? []) {
    if (lagMs > probes.maxLagMs)
      reasons.push(
        `Subscribers to ${stream} are ${Math.round(lagMs / 1000)} s behind; ${probes.maxLagMs / 1000} s are allowed.`,
      );
  }
  reasons.push(...skewReasons(probes));
  if (doubts.status === 'fulfilled') reasons.push(...doubts.value);
  else reasons.push('Whether the read models are of this log cannot be told.');
  if (projections.status === 'rejected') {
    reasons.push('How far the read models are behind the log cannot be told.');
    return { status: 'not ready', reasons };
  }
  for (const { name, lagMs } of projections.value) {
    if (lagMs > probes.maxLagMs)
      reasons.push(
        `${name} is ${Math.round(lagMs / 1000)} s behind the log; ${probes.maxLagMs / 1000} s are allowed.`,
      );
  }
  const newer = probes.newer?.() ?? [];
  return {
    status: reasons.length === 0 ? 'ready' : 'not ready',
    reasons,
    lagMs: Object.fromEntries(projections.value.map(({ name, lagMs }) => [name, Math.round(lagMs)])),
    ...(newer.length === 0 ? {} : { newer }),
  };
}

function skewReasons({ skewMs, maxSkewMs = Number.POSITIVE_INFINITY }: Probes): string[] {
  const skew = skewMs?.() ?? 0;
  if (Math.abs(skew) <= maxSkewMs) return [];
  const seconds = Math.round(Math.abs(skew) / 1000);
  const way = skew > 0 ? 'ahead of' : 'behind';
  return [`This machine's clock is ${seconds} s ${way} the database's; ${maxSkewMs / 1000} s are allowed.`];
}

/** Makes the operator's three pages. */
export function operatorPages(probes: Probes, metrics: Metrics, log: Logger): AnswerOperator {
  /** Requests at the same time share one look, so that nobody can load the database by asking. */
  let looking: Promise<Readiness> | undefined;
  const look = (): Promise<Readiness> => {
    looking ??= readinessOf(probes).finally(() => {
      looking = undefined;
    });
    return looking;
  };
  const pages: Readonly<Record<string, () => Promise<Page>>> = {
    '/health/live': async () => page(200, { status: 'live' }),
    '/health/ready': async () => {
      const readiness = await look();
      return page(readiness.status === 'ready' ? 200 : 503, readiness);
    },
    '/metrics': async () => {
      const { lagMs = {} } = await look();
      for (const [projection, lag] of Object.entries(lagMs))
        metrics.projectionLagSeconds.set({ projection }, lag / 1000);
      probes.gauge?.();
      return { status: 200, type: metrics.registry.contentType, body: await metrics.registry.metrics() };
    },
  };

  return (request, response) => {
    const [path = ''] = (request.url ?? '').split('?', 1);
    const make = Object.hasOwn(pages, path) ? pages[path] : undefined;
    if (!make) return false;
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      response.writeHead(405, { allow: 'GET, HEAD' }).end();
      return true;
    }
    make()
      .catch((error: unknown) => {
        log.error({ err: error, path }, 'An operator page failed');
        return page(500, { status: 'failed' });
      })
      .then(({ status, type, body }) => {
        response.writeHead(status, { 'content-type': type, 'cache-control': 'no-store' });
        response.end(request.method === 'HEAD' ? undefined : body);
      });
    return true;
  };
}

interface Page {
  readonly status: number;
  readonly type: string;
  readonly body: string;
}

function page(status: number, body: object): Page {
  return { status, type: 'application/json; charset=utf-8', body: `${JSON.stringify(body)}\n` };
}

/** Rejects where the answer takes longer than a probe may. */
function inTime<T>(answer: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error('The probe got no answer in time.')), PROBE_TIMEOUT_MS);
    answer.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}
