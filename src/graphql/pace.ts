/** How a dear operation works: in slices, between which everybody else is served. */
export interface Pace {
  /** To be waited for; undefined where the work may go on at once. Rejects where nobody waits for the answer any more. */
  rest(): Promise<void> | undefined;
  /** Counts the objects of a list. @throws MAX_COST_EXCEEDED where there are more than an answer may hold */
  count(objects: number): void;
}
