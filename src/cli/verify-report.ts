import { BSON } from 'mongodb';
import { FINDING_KINDS, type FieldDifference, type Finding, totalOf } from '../eventstore/verify/finding.ts';
import type { VerifyReport } from '../eventstore/verify/verification.ts';

/** A longer value is cut off, in characters. */
const MAX_VALUE = 120;

/** A finding, in one line. */
export function printedFinding(finding: Finding, repaired: boolean): string {
  const what = sentenceOf(finding);
  return `${finding.of} ${finding.row}: ${finding.kind}${what === '' ? '' : `: ${what}`}${repaired ? ' (repaired)' : ''}`;
}

function sentenceOf(finding: Finding): string {
  switch (finding.kind) {
    case 'wrong':
      return finding.fields.map(printedField).join('; ');
    case 'missing':
      return `its stream has come to event ${finding.logSequence}`;
    case 'extra':
      return '';
    case 'stale':
      return `it shows event ${finding.storedSequence} of ${finding.logSequence}`;
    case 'hole':
      return finding.from === finding.to
        ? `event ${finding.from} of the stream is not there`
        : `events ${finding.from} to ${finding.to} of the stream are not there`;
    case 'double':
      return `the stream has two events ${finding.sequence}`;
    case 'unreadable':
      return `event ${finding.sequence} (${finding.eventId}) cannot be folded: ${finding.error}`;
  }
}

function printedField({ field, stored, expected }: FieldDifference): string {
  return `${field} is ${printedValue(stored)}, should be ${printedValue(expected)}`;
}

function printedValue(value: unknown): string {
  if (value === undefined) return 'absent';
  const text = BSON.EJSON.stringify(value);
  return text.length > MAX_VALUE ? `${text.slice(0, MAX_VALUE)}…` : text;
}

/** What a verification came to. */
export function printedReport(report: VerifyReport): string {
  const { of, events, streams, rows, seconds, findings, repaired, behind, newer, checksums } = report;
  const count = (number: number): string => number.toLocaleString('en');
  const found = FINDING_KINDS.filter((kind) => findings[kind] > 0).map(
    (kind) => `${count(findings[kind])} ${kind}`,
  );
  const total = totalOf(findings);
  return [
    `${of}: ${count(rows)} rows, ${count(streams)} streams, ${count(events)} events in ${seconds.toFixed(1)} s (${count(Math.round(events / seconds))} events/s)`,
    `  findings   ${total === 0 ? 'none' : found.join(', ')}${repaired > 0 ? `; ${count(repaired)} repaired` : ''}`,
    ...(behind > 0 ? [`  not judged ${count(behind)} rows, whose projector is not at work`] : []),
    ...(newer > 0
      ? [`  not judged ${count(newer)} streams from an event on that only a newer Waybill understands`]
      : []),
    `  checksums  log ${checksums.log}, rows ${checksums.rows}`,
  ].join('\n');
}
