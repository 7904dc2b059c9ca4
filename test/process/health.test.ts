import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { pino } from 'pino';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { measureRequest } from '../../src/metrics/http.ts';
import { openMetrics } from '../../src/metrics/metrics.ts';
import { operatorPages, type Probes } from '../../src/process/health.ts';

const away = () => Promise.reject(new Error('connection refused'));
const silent = () => new Promise<never>(() => {});
const well: Probes = {
  ping: async () => ({ ok: 1 }),
  projections: async () => [{ name: 'fleet_status', lagMs: 12.3 }],
  draining: () => false,
  maxLagMs: 30_000,
};
let probes: Probes;
let server: Server;
let url: string;

beforeEach(() => {
  probes = well;
});
beforeAll(async () => {
  const metrics = openMetrics();
  const current: Probes = {
    ping: () => probes.ping(),
    projections: () => probes.projections(),
    streams: () => probes.streams?.() ?? [],
    draining: () => probes.draining(),
    skewMs: () => probes.skewMs?.() ?? 0,
    maxSkewMs: 10_000,
    maxLagMs: well.maxLagMs,
  };
  const answer = operatorPages(current, metrics, pino({ level: 'silent' }));
  server = createServer((request, response) => {
    measureRequest(metrics, request, response);
    if (!answer(request, response)) response.writeHead(404).end('not ours');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => new Promise((resolve) => server.close(resolve)));

const ready = async () => {
  const response = await fetch(`${url}/health/ready`);
  return { status: response.status, body: await response.json() };
};

describe('a gateway that is well', () => {
  it('is live and ready, and says how far its read models are', async () => {
    const live = await fetch(`${url}/health/live?from=probe`);
    expect([live.status, await live.json()]).toEqual([200, { status: 'live' }]);
    expect(await ready()).toEqual({
      status: 200,
      body: { status: 'ready', reasons: [], lagMs: { fleet_status: 12 } },
    });
  });

  it('answers GET and HEAD alone, and leaves other paths to others', async () => {
    expect((await fetch(`${url}/health/live`, { method: 'POST' })).status).toBe(405);
    const head = await fetch(`${url}/health/ready`, { method: 'HEAD' });
    expect([head.status, await head.text()]).toEqual([200, '']);
    expect(await (await fetch(`${url}/constructor`)).text()).toBe('not ours');
  });
});

describe('a gateway whose MongoDB is away', () => {
  it('is live but not ready, and says why', async () => {
    probes = { ...well, ping: away, projections: away };
    expect((await fetch(`${url}/health/live`)).status).toBe(200);
    expect(await ready()).toMatchObject({ status: 503, body: { status: 'not ready' } });
    expect((await ready()).body.reasons).toContain('MongoDB does not answer.');
  });

  it('is not ready when no answer comes at all', async () => {
    probes = { ...well, ping: silent };
    expect(await ready()).toMatchObject({ status: 503, body: { reasons: ['MongoDB does not answer.'] } });
  });
});

describe('a gateway whose read model is far behind', () => {
  it('is not ready, and names it', async () => {
    probes = { ...well, projections: async () => [{ name: 'fleet_status', lagMs: 45_000 }] };
    const { status, body } = await ready();
    expect(status).toBe(503);
    expect(body.reasons).toEqual(['fleet_status is 45 s behind the log; 30 s are allowed.']);
  });
});

describe('a gateway whose subscribers are told late', () => {
  it('is not ready, and says of what', async () => {
    probes = { ...well, streams: () => [{ stream: 'rows', lagMs: 31_200 }] };
    const { status, body } = await ready();
    expect(status).toBe(503);
    expect(body.reasons).toEqual(['Subscribers to rows are 31 s behind; 30 s are allowed.']);
  });
});

describe("a gateway whose machine's clock differs from the database's", () => {
  it('is ready while it is off by less than is allowed', async () => {
    probes = { ...well, skewMs: () => -9_000 };
    expect((await ready()).status).toBe(200);
  });

  it.each([
    [45_000, "This machine's clock is 45 s ahead of the database's; 10 s are allowed."],
    [-45_000, "This machine's clock is 45 s behind the database's; 10 s are allowed."],
  ])('is not ready at %i ms, and says which way', async (skewMs, reason) => {
    probes = { ...well, skewMs: () => skewMs };
    expect(await ready()).toMatchObject({ status: 503, body: { reasons: [reason] } });
  });
});

describe('a gateway that is stopping', () => {
  it('is not ready', async () => {
    probes = { ...well, draining: () => true };
    expect(await ready()).toMatchObject({ status: 503, body: { reasons: ['The gateway is stopping.'] } });
  });
});

describe('the metrics', () => {
  it('are in the Prometheus text format, with lag and requests, and no label that a caller chooses', async () => {
    await fetch(`${url}/wp-login-${Date.now()}.php`);
    const response = await fetch(`${url}/metrics`);
    expect(response.headers.get('content-type')).toMatch(/^text\/plain; version=0\.0\.4/);
    const text = await response.text();
    expect(text).toContain('waybill_projection_lag_seconds{projection="fleet_status"} 0.012');
    expect(text).toMatch(/waybill_http_request_seconds_count\{method="GET",path="other",status="404"\} \d/);
    expect(text).not.toContain('wp-login');
  });
});
