/** How many sockets each tenant holds open on this process. */
export class SocketTally {
  readonly #open = new Map<string, number>();
  readonly #max: number;

  constructor(max: number) {
    this.#max = max;
  }

  /** Takes a place; false where the tenant has none left. */
  enter(tenantId: string): boolean {
    const open = this.#open.get(tenantId) ?? 0;
    if (open >= this.#max) return false;
    this.#open.set(tenantId, open + 1);
    return true;
  }

  /** Gives a place back. */
  leave(tenantId: string): void {
    const open = this.#open.get(tenantId) ?? 0;
    if (open > 1) this.#open.set(tenantId, open - 1);
    else this.#open.delete(tenantId);
  }
}
