import type { Feed } from '../../eventstore/feed/feed.ts';
import type { OrderedChange } from '../../eventstore/feed/item.ts';
import type { Row } from '../../eventstore/projection.ts';
import { DRILL_TENANT } from '../data/commands.ts';
import type { StreamKind } from '../data/stream-kinds.ts';
import type { DrillReport } from '../report.ts';

/** A subscriber of a board, in this process. */
export interface BoardSubscriber {
  /** Of one fleet; undefined for all. */
  readonly fleetId: string | undefined;
  /** What is on the screen: id to lastSequence. */
  readonly shown: ReadonlyMap<string, number>;
  /** Changes that came after the snapshot. */
  readonly received: number;
  /** Resolves when the snapshot is there. */
  readonly began: Promise<void>;
  stop(): Promise<void>;
}

/** The rows of one kind, of one fleet or of all. */
export interface Board {
  readonly kind: StreamKind;
  /** Undefined for all fleets. */
  readonly fleetId: string | undefined;
  readonly report: DrillReport;
}

/** Subscribes to a board, and looks at each change: none may come twice, be missing or out of order. */
export function subscribeToBoard(feed: Feed, { kind, fleetId, report }: Board): BoardSubscriber {
  const shown = new Map<string, number>();
  const { projection } = kind;
  const who = `a subscriber of ${fleetId ?? 'the whole board'}`;
  const changes = feed.ordered<Row & { fleetId?: string | null }>({
    tenantId: DRILL_TENANT,
    projection,
    filter: fleetId === undefined ? {} : { fleetId },
    matches: (row) => fleetId === undefined || row.fleetId === fleetId,
  });
  let [received, ending] = [0, false];
  let begin: () => void = () => undefined;
  const began = new Promise<void>((resolve) => {
    begin = resolve;
  });

  const update = ({ id, lastSequence }: Row): void => {
    const before = shown.get(id) ?? 0;
    // Inline rows are written with each event; a projector writes a row once for several.
    const follows = projection.mode === 'inline' ? lastSequence === before + 1 : lastSequence > before;
    if (!follows) report.problem(`${who} was told ${lastSequence} of ${id} after ${before}.`);
    shown.set(id, lastSequence);
    received += 1;
  };

  const take = (change: OrderedChange<Row>): void => {
    if (change.kind === 'updated') update(change.row);
    else if (change.kind === 'left') report.problem(`${who} was told that ${change.id} has left.`);
    else if (change.kind === 'gap') report.problem(`${who} was told of a gap (${change.reason}).`);
    else if (change.kind === 'snapshot') {
      for (const { id, lastSequence } of change.rows) shown.set(id, lastSequence);
      if (change.complete) begin();
    }
  };

  const reading = (async () => {
    try {
      for await (const change of changes) take(change);
      if (!ending) report.problem(`the subscription of ${who} ended by itself.`);
    } catch (error) {
      report.problem(`the subscription of ${who} failed: ${String(error)}.`);
    } finally {
      begin();
    }
  })();

  return {
    fleetId,
    shown,
    get received() {
      return received;
    },
    began,
    async stop() {
      ending = true;
      await changes.return?.();
      await reading;
    },
  };
}
