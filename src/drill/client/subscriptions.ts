import { z } from 'zod';

/** What a drill's clients subscribe to: the log as it grows, the board of tenders, or the map of vehicles. */
export type Subscribed = 'events' | 'tenders' | 'vehicles';

/** The documents; all of them answer in the same form. */
export const QUERIES: Readonly<Record<Subscribed, string>> = {
  events: `subscription ($after: String) { change: eventsAppended(after: $after) {
    __typename ... on Change { cursor } ... on EventAppended { event { id sequence } } ... on Gap { reason } } }`,
  tenders: `subscription ($after: String) { change: tenderChanges(after: $after) {
    __typename ... on Change { cursor }
    ... on TendersSnapshot { complete rows: tenders { id lastEvent { id sequence } } }
    ... on TenderUpdated { event { id sequence } row: tender { id lastEvent { id sequence } } }
    ... on TenderLeft { gone: id } ... on Gap { reason } } }`,
  vehicles: `subscription ($after: String) { change: vehicleChanges(after: $after) {
    __typename ... on Change { cursor }
    ... on VehiclesSnapshot { complete rows: vehicles { id lastEvent { id sequence } } }
    ... on VehiclesMoved { rows: vehicles { id lastEvent { id sequence } } }
    ... on VehiclesLeft { gone: ids } ... on Gap { reason } } }`,
};

const event = z.object({ id: z.string(), sequence: z.number() });
const row = z.object({ id: z.string(), lastEvent: event });

/** The `data` of one item. */
export const itemData = z.object({
  change: z.object({
    __typename: z.string(),
    cursor: z.string(),
    complete: z.boolean().optional(),
    reason: z.string().optional(),
    event: event.optional(),
    /** Of a snapshot, or of a frame. */
    rows: z.array(row).optional(),
    row: row.optional(),
    gone: z.union([z.string(), z.array(z.string())]).optional(),
  }),
});

export type Item = z.infer<typeof itemData>['change'];

/** What a client shows of a subscription. */
export interface Screen {
  /** Id to lastSequence. */
  readonly rows: ReadonlyMap<string, number>;
  show(item: Item): void;
  /** The connection has broken: what is missing of a snapshot does not come any more, the next one begins anew. */
  forgetPart(): void;
}

export function openScreen(): Screen {
  const rows = new Map<string, number>();
  let inSnapshot = false;
  return {
    rows,
    show({ complete, rows: several = [], row: one, gone = [] }) {
      if (complete !== undefined && !inSnapshot) rows.clear();
      inSnapshot = complete === false;
      for (const { id, lastEvent } of one === undefined ? several : [one]) rows.set(id, lastEvent.sequence);
      for (const id of [gone].flat()) rows.delete(id);
    },
    forgetPart() {
      inSnapshot = false;
    },
  };
}
