/**
 * Check: is what was recorded still what it was?
 *
 * The log of each tenant is sealed in segments (seal.ts, by job.ts): a Merkle tree (merkle.ts) over its events as the database
 * stores them (raw-leaf.ts, settled-events.ts), whose root, with the one before, stands in a signed checkpoint (checkpoint.ts, keys.ts,
 * segment.ts). Here each tenant's checkpoints are gone along (chain.ts), each segment's events are read and held against their
 * hashes, and what stands among them without having been sealed is found (compare.ts); changed events that have exchanged fields are
 * recognised (exchange.ts). prove.ts makes the proof of one event, offline.ts checks it without a database.
 */

import { UUID } from 'mongodb';
import type { Log } from '../log/log.ts';
import { openPace } from '../pace.ts';
import { Chain } from './chain.ts';
import { type Compared, compareSegment, countBeyond, describe, slippedIn, type Unsealed } from './compare.ts';
import type { CheckpointStore } from './copies.ts';
import { faultsOfCopies } from './copies-check.ts';
import { type ChangedEvent, exchangedFields } from './exchange.ts';
import { PROOF_FINDING_KINDS, type ProofFinding, type ProofReport, type RestoreSeen } from './finding.ts';
import type { Verifier } from './keys.ts';
import { lastSegment, type SealedPlace, type Segment, segmentsOf } from './segment.ts';

/** Of more changed events than this, in one tenant's log, it is not tried which were exchanged. */
const MAX_EXCHANGES = 32;

export interface CheckOptions {
  /** The public keys that checkpoints may be signed by. */
  readonly verifiers: readonly Verifier[];
  /** Where checkpoints are kept besides. */
  readonly copies?: CheckpointStore;
  readonly tenantId?: string;
  readonly eventsPerSecond?: number;
  readonly signal?: AbortSignal;
  readonly onFinding?: (finding: ProofFinding) => void;
}

type CheckStore = Pick<Log, 'db' | 'events'>;

/**
 * Holds the whole log against its checkpoints. Gateways may serve and write meanwhile. Memory does not grow with the log.
 * @throws what MongoDB throws
 */
export async function checkLog(store: CheckStore, options: CheckOptions): Promise<ProofReport> {
  const { signal = new AbortController().signal, eventsPerSecond, tenantId } = options;
  const pace = eventsPerSecond === undefined ? undefined : openPace(eventsPerSecond, signal);
  const check = new Check(store, options, signal, async (events) => pace?.done(events));
  for (const each of tenantId === undefined ? await tenantsOf(store, options) : [tenantId])
    if (!signal.aborted) await check.tenant(each);
  return check.report();
}

/** Also those whose events or checkpoints are all gone. */
async function tenantsOf({ db, events }: CheckStore, { copies }: CheckOptions): Promise<string[]> {
  const sealed: string[] = await segmentsOf(db).distinct('tenantId');
  const recorded: string[] = await events.distinct('tenantId');
  return [...new Set([...sealed, ...recorded, ...((await copies?.tenants()) ?? [])])].sort();
}

/** A changed event, and the segment that it was sealed in. */
interface Changed extends ChangedEvent {
  readonly segment: number;
  readonly sealedAt: string;
}

class Check {
  readonly #store: CheckStore;
  readonly #options: CheckOptions;
  readonly #signal: AbortSignal;
  readonly #pace: (events: number) => Promise<void>;
  readonly #findings = Object.fromEntries(PROOF_FINDING_KINDS.map((kind) => [kind, 0])) as Record<
    ProofFinding['kind'],
    number
  >;
  readonly #restores: RestoreSeen[] = [];
  #segments = 0;
  #events = 0;
  #unsealed = 0;

  constructor(
    store: CheckStore,
    options: CheckOptions,
    signal: AbortSignal,
    pace: (events: number) => Promise<void>,
  ) {
    this.#store = store;
    this.#options = options;
    this.#signal = signal;
    this.#pace = pace;
  }

  async tenant(tenantId: string): Promise<void> {
    const { db } = this.#store;
    const chain = new Chain(tenantId, this.#options.verifiers);
    // What is sealed meanwhile is left to the next check.
    const last = await lastSegment(db, tenantId);
    const changed: Changed[] = [];
    const inserted: (Unsealed & { readonly before: number })[] = [];
    let upTo: SealedPlace = {};
    const segments = segmentsOf(db).find({ tenantId, segment: { $lte: last?.segment ?? 0 } });
    for await (const segment of segments.sort({ segment: 1 }).batchSize(4)) {
      if (this.#signal.aborted) return;
      const { checkpoint, findings } = chain.add(segment);
      for (const finding of findings) this.#found(finding);
      const sealedAt = checkpoint?.sealedAt.toISOString() ?? '';
      changed.push(
        ...this.#compared(segment, sealedAt, await compareSegment(this.#store, segment, this.#pace)),
      );
      if (segment.kind === 'log') {
        const slipped = await slippedIn(this.#store, segment, upTo);
        inserted.push(...slipped.map((each) => ({ ...each, before: segment.segment })));
        upTo = segment.upTo;
      }
      this.#segments++;
    }
    this.#tellChanged(tenantId, changed);
    this.#tellInserted(tenantId, changed, inserted);
    this.#restores.push(...chain.restores);
    for (const finding of await faultsOfCopies(db, tenantId, this.#options)) this.#found(finding);
    this.#unsealed += await countBeyond(this.#store, tenantId, upTo);
  }

  report(): ProofReport {
    return {
      segments: this.#segments,
      events: this.#events,
      unsealed: this.#unsealed,
      findings: this.#findings,
      restores: this.#restores,
      complete: !this.#signal.aborted,
    };
  }

  #found(finding: ProofFinding): void {
    this.#findings[finding.kind]++;
    this.#options.onFinding?.(finding);
  }

  /** Tells which are gone at once; which were changed only when all of them are known. */
  #compared({ tenantId, segment, hashes }: Segment, sealedAt: string, compared: Compared): Changed[] {
    this.#events += hashes.length() / 32;
    for (const idHex of compared.removed)
      this.#found({ kind: 'removed', tenantId, segment, sealedAt, eventId: textOf(idHex) });
    return compared.changed.map((event) => ({ ...event, segment, sealedAt }));
  }

  #tellChanged(tenantId: string, changed: readonly Changed[]): void {
    const exchanged = new Map<Changed, { readonly with: Changed; readonly fields: readonly string[] }>();
    if (changed.length <= MAX_EXCHANGES)
      for (const [at, a] of changed.entries())
        for (const b of changed.slice(at + 1)) {
          if (exchanged.has(a) || exchanged.has(b)) continue;
          const fields = exchangedFields(a, b);
          if (fields === undefined) continue;
          exchanged.set(a, { with: b, fields });
          exchanged.set(b, { with: a, fields });
        }
    for (const event of changed) {
      const { segment, sealedAt, bytes } = event;
      const named = { tenantId, segment, sealedAt, eventId: textOf(hexOf(event)), what: describe(bytes) };
      const other = exchanged.get(event);
      if (other === undefined) this.#found({ kind: 'changed', ...named });
      else this.#found({ kind: 'swapped', ...named, with: textOf(hexOf(other.with)), fields: other.fields });
    }
  }

  /** One that was moved is told as changed. */
  #tellInserted(
    tenantId: string,
    changed: readonly Changed[],
    inserted: readonly (Unsealed & { readonly before: number })[],
  ): void {
    const moved = new Set(changed.map(hexOf));
    for (const { idHex, what, before } of inserted)
      if (!moved.has(idHex))
        this.#found({ kind: 'inserted', tenantId, eventId: textOf(idHex), what, before });
  }
}

function hexOf({ id }: ChangedEvent): string {
  return Buffer.from(id).toString('hex');
}

function textOf(idHex: string): string {
  return new UUID(idHex).toString();
}
