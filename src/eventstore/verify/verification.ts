import type { Finding } from './finding.ts';
import type { Checksums, VerifyCounts } from './tally.ts';

/** What a verification is asked for. */
export interface VerifyOptions {
  /** Only this tenant's streams and rows. */
  readonly tenantId?: string;
  /** Puts right rows in place of wrong ones. Streams are never touched. */
  readonly repair?: boolean;
  /** At most; as fast as it goes if absent. */
  readonly eventsPerSecond?: number;
  /** How long rows of an async read model are waited for while its projector makes no progress, in ms. */
  readonly patienceMs?: number;
  /** Ends it before the end. */
  readonly signal?: AbortSignal;
  /** Called for everything that is wrong, once it is certain. */
  onFinding?(finding: Finding, repaired: boolean): void;
  /** Called now and then; `expectedEvents` is estimated from a sample. */
  onProgress?(counts: VerifyCounts, expectedEvents: number): void;
}

/** What a verification came to. */
export interface VerifyReport extends VerifyCounts {
  /** The read model's name, or the aggregate type that has none. */
  readonly of: string;
  readonly checksums: Checksums;
  readonly seconds: number;
  /** False where it was ended before the end. */
  readonly complete: boolean;
}

/** The rows were folded by code of another version: all of them differ, and wait for a rebuild. */
export class OtherVersion extends Error {
  override readonly name = 'OtherVersion';

  constructor(projection: string, rows: number, code: number) {
    super(
      `The rows of ${projection} are of version ${rows} and this Waybill's of ${code}: \`npx waybill rebuild ${projection}\` brings them up to date.`,
    );
  }
}
