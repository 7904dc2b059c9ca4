/** An event as a finding names it. */
export interface NamedEvent {
  readonly eventId: string;
  /** `Tender/0199…, event 3, TenderAccepted`; absent where the event is not there any more. */
  readonly what?: string;
}

/** What is not as it was sealed. */
export type ProofFinding = { readonly tenantId: string } & (
  | (NamedEvent & {
      readonly kind: 'changed' | 'removed';
      readonly segment: number;
      readonly sealedAt: string;
    })
  /** Two events have exchanged contents: each is in the other's place. */
  | (NamedEvent & {
      readonly kind: 'swapped';
      readonly segment: number;
      readonly sealedAt: string;
      readonly with: string;
      readonly fields: readonly string[];
    })
  /** It stands among what was sealed, and was neither sealed nor imported. */
  | (NamedEvent & { readonly kind: 'inserted'; readonly before: number })
  /** A checkpoint is missing, is not signed, or does not say what it should. */
  | { readonly kind: 'checkpoint'; readonly segment: number; readonly why: string }
);

export const PROOF_FINDING_KINDS = ['changed', 'removed', 'inserted', 'swapped', 'checkpoint'] as const;
export type ProofFindingKind = (typeof PROOF_FINDING_KINDS)[number];

/** The log was put back to an earlier state before a segment: whatever was sealed in between is gone, and rightly so. */
export interface RestoreSeen {
  readonly tenantId: string;
  readonly segment: number;
  readonly from: number;
  readonly to: number;
  readonly sealedAt: string;
}

/** What the check of a tenant's log, or of all, came to. */
export interface ProofReport {
  readonly segments: number;
  /** Events that are sealed. */
  readonly events: number;
  /** Events that are not sealed yet. */
  readonly unsealed: number;
  readonly findings: Readonly<Record<ProofFindingKind, number>>;
  readonly restores: readonly RestoreSeen[];
  /** False where it was stopped before the end. */
  readonly complete: boolean;
}
