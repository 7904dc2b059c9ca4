import type { Store } from '../../eventstore/command/store.ts';
import { type CheckOptions, checkLog } from '../../eventstore/proof/check.ts';
import { PROOF_FINDING_KINDS, type ProofFinding, type ProofReport } from '../../eventstore/proof/finding.ts';
import { StartupError } from '../../mongo/startup-error.ts';
import { proofCopies, proofVerifiers } from '../../process/log-proof.ts';
import { readSettings } from '../../process/settings.ts';
import type { CliContext } from '../context.ts';

/**
 * Holds the log against what it was sealed with, and prints what is not as it was.
 * @returns how much is wrong
 * @throws StartupError where there are checkpoints and no key to check them by
 */
export async function verifyProof(
  store: Store,
  { variables, console }: CliContext,
  options: Pick<CheckOptions, 'tenantId' | 'eventsPerSecond' | 'signal'>,
): Promise<number> {
  const settings = readSettings(variables);
  const verifiers = proofVerifiers(settings);
  const copies = proofCopies(settings);
  const report = await checkLog(store, {
    ...options,
    verifiers,
    ...(copies === undefined ? {} : { copies }),
    onFinding: (finding) => console.log(`log ${printedProofFinding(finding)}`),
  });
  if (options.signal?.aborted === true) return 0;
  for (const { tenantId, segment, from, to, sealedAt } of report.restores)
    console.log(
      `log ${tenantId}: restored before segment ${segment} (${sealedAt}): what was sealed later on course ${from} is gone; course ${to} follows`,
    );
  console.log(printedProofReport(report));
  if (verifiers.length === 0 && report.segments > 0)
    throw new StartupError('The log is sealed, and WAYBILL_PROOF_KEY does not say by which key.');
  return PROOF_FINDING_KINDS.reduce((sum, kind) => sum + report.findings[kind], 0);
}

/** A finding, in one line. */
export function printedProofFinding(finding: ProofFinding): string {
  const { tenantId, kind } = finding;
  if (kind === 'checkpoint') return `${tenantId}: checkpoint ${finding.segment}: ${finding.why}`;
  const what = finding.what === undefined ? '' : ` (${finding.what})`;
  const named = `${tenantId}: ${kind}: event ${finding.eventId}${what}`;
  switch (kind) {
    case 'inserted':
      return `${named} stands among what was sealed in segment ${finding.before}, and is not sealed`;
    case 'swapped': {
      const fields = finding.fields.length === 0 ? 'all but the ids' : finding.fields.join(', ');
      return `${named} has exchanged ${fields} with event ${finding.with}, since segment ${finding.segment} was sealed (${finding.sealedAt})`;
    }
    default:
      return `${named} since segment ${finding.segment} was sealed (${finding.sealedAt})`;
  }
}

function printedProofReport({ segments, events, unsealed, findings }: ProofReport): string {
  const count = (number: number): string => number.toLocaleString('en');
  const found = PROOF_FINDING_KINDS.filter((kind) => findings[kind] > 0).map(
    (kind) => `${count(findings[kind])} ${kind}`,
  );
  return [
    `log: ${count(events)} events sealed in ${count(segments)} segments, ${count(unsealed)} not sealed yet`,
    `  findings   ${found.length === 0 ? 'none' : found.join(', ')}`,
  ].join('\n');
}
