import { checksumOf, openRowChecksum } from '../log/row-checksum.ts';
import { type FindingCounts, type FindingKind, noFindings } from './finding.ts';

/** What a verification has counted so far. */
export interface VerifyCounts {
  readonly events: number;
  readonly streams: number;
  readonly rows: number;
  readonly findings: FindingCounts;
  /** Findings that were repaired. */
  readonly repaired: number;
  /** Rows of an async read model of which nothing can be said, since its projector is not at work. */
  readonly behind: number;
  /** Streams that hold what only a newer Waybill understands: from there on nothing is said of their rows. */
  readonly newer: number;
}

export interface Checksums {
  /** Of all rows as the log makes them, and as they were found: the same where nothing is wrong with them. */
  readonly log: string;
  readonly rows: string;
}

export interface Tally {
  events(count: number): void;
  stream(): void;
  row(): void;
  /** A row that is right: as the log makes it. */
  right(row: Uint8Array): void;
  /** A row that is not right: as it was found and as it should be; null: no row. */
  differs(found: Uint8Array | null, expected: Uint8Array | null): void;
  finding(kind: FindingKind, repaired: boolean): void;
  behind(rows: number): void;
  newer(): void;
  counts(): VerifyCounts;
  checksums(): Checksums;
}

export function openTally(): Tally {
  const counts = { events: 0, streams: 0, rows: 0, repaired: 0, behind: 0, newer: 0 };
  const findings = noFindings();
  const [common, log, rows] = [openRowChecksum(), openRowChecksum(), openRowChecksum()];
  return {
    events(count) {
      counts.events += count;
    },
    stream() {
      counts.streams += 1;
    },
    row() {
      counts.rows += 1;
    },
    right(row) {
      common.add(row);
    },
    differs(found, expected) {
      if (found !== null) rows.add(found);
      if (expected !== null) log.add(expected);
    },
    finding(kind, repaired) {
      findings[kind] += 1;
      if (repaired) counts.repaired += 1;
    },
    behind(more) {
      counts.behind += more;
    },
    newer() {
      counts.newer += 1;
    },
    counts: () => ({ ...counts, findings: { ...findings } }),
    checksums: () => ({ log: checksumOf(common, log), rows: checksumOf(common, rows) }),
  };
}
