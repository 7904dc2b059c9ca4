import type { Access } from '../../access/access.ts';
import { tooMuchOpen } from '../../graphql/errors.ts';
import type { ClientLimits, Limit } from '../../metrics/limits.ts';
import type { Metrics } from '../../metrics/metrics.ts';
import type { Held } from '../fan-out/held.ts';

export type ConnectionLimits = Pick<
  ClientLimits,
  | 'maxSocketsPerTenant'
  | 'maxSocketsPerCaller'
  | 'maxHeldBytesPerSocket'
  | 'maxHeldBytesPerCaller'
  | 'maxHeldBytesPerTenant'
>;

/** One socket or event stream of a caller. */
export interface Connection {
  /** Takes what a subscription holds into account. @returns gives it back @throws TOO_MUCH_OPEN, and nothing is taken */
  hold(held: Held): () => void;
  /** It is closed, with all that it holds. Any number of times. */
  leave(): void;
}

/** What a tenant or a caller has open. */
interface Account {
  readonly name: string;
  connections: number;
  bytes: number;
}

/** Whose connection it is. */
interface Accounts {
  readonly tenant: Account;
  readonly caller: Account;
}

/** A document that subscriptions hold: whoever was the first is charged for it, until the last has left. */
interface SharedDocument {
  holders: number;
  readonly accounts: Accounts;
}

/**
 * What is open on this process, sockets and event streams in one count, by tenant and by caller: how many there are, and how much
 * memory their subscriptions hold. It is looked at before anything is made.
 */
export class Connections {
  readonly #limits: ConnectionLimits;
  readonly #met: (limit: Limit) => void;
  readonly #accounts = new Map<string, Account>();
  readonly #documents = new Map<object, SharedDocument>();

  constructor(limits: ConnectionLimits, { limits: met }: Pick<Metrics, 'limits'>) {
    this.#limits = limits;
    this.#met = (limit) => met.inc({ limit });
  }

  /** Takes a place for a connection. @throws TOO_MUCH_OPEN where the tenant or the caller has none left */
  enter(access: Access): Connection {
    const { maxSocketsPerTenant, maxSocketsPerCaller } = this.#limits;
    const tenant = this.#account(access.tenantId);
    const caller = this.#account(callerOf(access));
    this.#check(tenant.connections + 1, maxSocketsPerTenant, 'sockets_per_tenant');
    this.#check(caller.connections + 1, maxSocketsPerCaller, 'sockets_per_caller');
    for (const account of [tenant, caller]) {
      account.connections += 1;
      this.#accounts.set(account.name, account);
    }
    return new OpenConnection(this, { tenant, caller });
  }

  /** A connection is closed. */
  left({ tenant, caller }: Accounts): void {
    for (const account of [tenant, caller]) {
      account.connections -= 1;
      this.#forget(account);
    }
  }

  /** Charges what a subscription holds. @throws TOO_MUCH_OPEN, and nothing is charged */
  charge(accounts: Accounts, ofConnection: number, { bytes, document, documentBytes }: Held): void {
    const shared = this.#documents.get(document);
    const more = bytes + (shared === undefined ? documentBytes : 0);
    const { tenant, caller } = accounts;
    this.#check(ofConnection + bytes, this.#limits.maxHeldBytesPerSocket, 'held_bytes_per_socket');
    this.#check(caller.bytes + more, this.#limits.maxHeldBytesPerCaller, 'held_bytes_per_caller');
    this.#check(tenant.bytes + more, this.#limits.maxHeldBytesPerTenant, 'held_bytes_per_tenant');
    this.#add(accounts, more);
    if (shared === undefined) this.#documents.set(document, { holders: 1, accounts });
    else shared.holders += 1;
  }

  /** Gives back what was charged. */
  giveBack(accounts: Accounts, { bytes, document, documentBytes }: Held): void {
    this.#add(accounts, -bytes);
    const shared = this.#documents.get(document);
    if (shared === undefined) return;
    shared.holders -= 1;
    if (shared.holders > 0) return;
    this.#documents.delete(document);
    this.#add(shared.accounts, -documentBytes);
  }

  #add({ tenant, caller }: Accounts, bytes: number): void {
    for (const account of [tenant, caller]) {
      account.bytes += bytes;
      this.#forget(account);
    }
  }

  #account(name: string): Account {
    return this.#accounts.get(name) ?? { name, connections: 0, bytes: 0 };
  }

  /** A document may be charged for longer than its first holder is connected. */
  #forget({ name, connections, bytes }: Account): void {
    if (connections === 0 && bytes === 0) this.#accounts.delete(name);
  }

  #check(amount: number, max: number, limit: Limit): void {
    if (amount <= max) return;
    this.#met(limit);
    throw tooMuchOpen();
  }
}

/** There are thousands of them, mostly with one subscription. */
class OpenConnection implements Connection {
  readonly #connections: Connections;
  readonly #accounts: Accounts;
  readonly #held: Held[] = [];
  #bytes = 0;
  #isOpen = true;

  constructor(connections: Connections, accounts: Accounts) {
    this.#connections = connections;
    this.#accounts = accounts;
  }

  hold(held: Held): () => void {
    this.#connections.charge(this.#accounts, this.#bytes, held);
    this.#bytes += held.bytes;
    this.#held.push(held);
    return () => this.#release(held);
  }

  leave(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    for (const held of [...this.#held]) this.#release(held);
    this.#connections.left(this.#accounts);
  }

  #release(held: Held): void {
    const at = this.#held.indexOf(held);
    if (at < 0) return;
    this.#held.splice(at, 1);
    this.#bytes -= held.bytes;
    this.#connections.giveBack(this.#accounts, held);
  }
}

/** Who somebody is: no tenant's id has a line feed in it. */
function callerOf({ tenantId, role, carrierId, sub }: Access): string {
  return [tenantId, role, carrierId ?? '', sub].join('\n');
}
