import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { signToken } from '../../access/token.ts';
import type { Role } from '../../eventstore/event.ts';
import { DRILL_TENANT } from '../data/stream-kinds.ts';
import type { Scratch } from '../drill.ts';
import { NODE_FLAGS } from './node-flags.ts';

/** A gateway in a process of its own, on the drill's database. */
export interface GatewayProcess {
  /** `http://127.0.0.1:…/graphql` */
  readonly url: string;
  /** Of a dispatcher of the drill's tenant. */
  readonly token: string;
  readonly process: ChildProcess;
  /** What it says about itself just now. @throws Error where it does not answer */
  figures(): Promise<GatewayFigures>;
}

/** Of the gateway's process. */
export interface GatewayFigures {
  readonly residentBytes: number;
  /** What the garbage collector looks after, and what buffers hold beside it. */
  readonly heapBytes: number;
  readonly cpuSeconds: number;
  readonly sockets: number;
  /** Changes that wait for subscribers of tenders. */
  readonly waiting: number;
}

const TOKEN_SECONDS = 86_400;
/** What of a gateway's last words is repeated where it does not start. */
const LAST_WORDS = 500;

/**
 * Starts a gateway that listens on a free port of this machine; it ends with the drill.
 * @param more variables beside those that the drill was started with
 * @throws Error with its last words where it does not start
 */
export async function startGateway(
  scratch: Scratch,
  more: Readonly<Record<string, string>> = {},
): Promise<GatewayProcess> {
  const secret = randomBytes(32).toString('hex');
  const own = { HOST: '127.0.0.1', PORT: '0', WAYBILL_JWT_SECRET: secret, WAYBILL_VERIFY_HOURS: '0' };
  // The operator's own identity provider knows nothing of the drill's tenant.
  const none = { WAYBILL_JWKS_URL: '', WAYBILL_JWT_ISSUER: '', WAYBILL_JWT_AUDIENCE: '' };
  const child = spawn(process.execPath, [...NODE_FLAGS, scratch.program, 'start'], {
    env: { ...scratch.variables, ...own, ...none, ...more },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()));
  scratch.onClose(async () => {
    child.kill('SIGKILL');
    await ended;
  });
  const origin = await listening(child);
  const claims = { sub: 'drill', tenant: DRILL_TENANT, role: 'dispatcher' as Role };
  return {
    url: `${origin}/graphql`,
    token: await signToken({ kind: 'secret', secret }, claims, TOKEN_SECONDS),
    process: child,
    figures: () => figuresOf(origin),
  };
}

/** Resolves with `http://127.0.0.1:…` once the gateway has said so. */
function listening(child: ChildProcess): Promise<string> {
  let words = '';
  return new Promise((resolve, reject) => {
    const hear = (chunk: Buffer): void => {
      words = `${words}${chunk}`.slice(-4 * LAST_WORDS);
      const [, origin] = /(?:listens|metrics are) on (http:\/\/[^/\s]+)/.exec(words) ?? [];
      if (origin !== undefined) resolve(origin);
    };
    child.stdout?.on('data', hear);
    child.stderr?.on('data', hear);
    child.once('error', reject);
    child.once('close', (code) => {
      reject(new Error(`The drill's gateway ended with ${code}: ${words.trim().slice(-LAST_WORDS)}`));
    });
  });
}

async function figuresOf(origin: string): Promise<GatewayFigures> {
  const response = await fetch(`${origin}/metrics`);
  const text = await response.text();
  const read = (name: string): number => {
    const [, value] = new RegExp(`^${name} (\\S+)$`, 'm').exec(text) ?? [];
    return Number(value ?? 0);
  };
  return {
    residentBytes: read('process_resident_memory_bytes'),
    heapBytes: read('nodejs_heap_size_used_bytes') + read('nodejs_external_memory_bytes'),
    cpuSeconds: read('process_cpu_seconds_total'),
    sockets: read('waybill_sockets'),
    waiting: read('waybill_subscriber_queue_items\\{lane="ordered"\\}'),
  };
}
