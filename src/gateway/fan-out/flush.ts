/** Has something to send. */
export interface Departing {
  depart(): void;
}

let gathered: Departing[] = [];

/**
 * Lets somebody send once the change at hand has been told to everyone: a loop that does nothing but send finds more of
 * what it needs in the processor's caches.
 */
export function departSoon(departing: Departing): void {
  gathered.push(departing);
  if (gathered.length === 1) queueMicrotask(departAll);
}

function departAll(): void {
  const all = gathered;
  gathered = [];
  for (const departing of all) departing.depart();
}
