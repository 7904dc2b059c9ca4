import { NewerVersion } from '../newer.ts';
import type { ReadModels } from '../projection/read-models.ts';
import { type Finding, totalOf } from './finding.ts';
import { saveRun } from './schedule.ts';
import { OtherVersion, type VerifyOptions, type VerifyReport } from './verification.ts';
import { verifyProjection, verifyStreams } from './verify.ts';

/** Findings of one run that are logged one by one. */
const LOGGED = 100;

export interface DueRunOptions {
  readonly eventsPerSecond: number;
  /** The process that verifies. */
  readonly by: string;
  readonly signal: AbortSignal;
  /** Called with how many events more were folded. */
  onEvents(events: number): void;
}

/**
 * Verifies a read model, or an aggregate type without one, and logs what it finds. The run is saved unless it was ended
 * before the end.
 */
export async function runDue(
  store: ReadModels,
  name: string,
  { eventsPerSecond, by, signal, onEvents }: DueRunOptions,
): Promise<void> {
  const { db, log } = store;
  let [folded, found] = [0, 0];
  const countEvents = (events: number): void => {
    onEvents(events - folded);
    folded = events;
  };
  try {
    const report = await verifyAny(store, name, {
      eventsPerSecond,
      signal,
      onProgress: ({ events }) => countEvents(events),
      onFinding: (finding) => {
        found += 1;
        if (found <= LOGGED) log.warn({ finding: outlined(finding) }, 'a read model differs from the log');
      },
    });
    countEvents(report.events);
    if (!report.complete) return;
    await saveRun(db, report, by);
    log[totalOf(report.findings) > 0 ? 'warn' : 'info']({ verified: report }, 'verified a read model');
  } catch (error) {
    if (error instanceof NewerVersion) return;
    if (!(error instanceof OtherVersion)) throw error;
    log.info({ projection: name, reason: error.message }, 'not verified before it is rebuilt');
  }
}

function verifyAny(store: ReadModels, name: string, options: VerifyOptions): Promise<VerifyReport> {
  const projection = store.projections.find((known) => known.name === name);
  return projection === undefined
    ? verifyStreams(store, name, options)
    : verifyProjection(store, projection, options);
}

/** A finding without the values of fields, which may be large or confidential. */
function outlined(finding: Finding): object {
  return finding.kind === 'wrong'
    ? { ...finding, fields: finding.fields.slice(0, 20).map(({ field }) => field) }
    : finding;
}
