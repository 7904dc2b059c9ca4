import type { Interest } from '../../interest.ts';
import { type Delivery, scopeOf } from '../cursor.ts';
import type { GapCause } from '../gap.ts';
import { InterestIndex, type InterestIndexOptions } from './interest-index.ts';

/** Who gets deliveries. */
export interface Receiver {
  /** What a change must touch to be delivered; undefined: nothing in particular. */
  readonly interest: Interest<object> | undefined;
  accept(delivery: Delivery<object>): void;
  /** Changes were missed. */
  lost(cause: GapCause): void;
}

/** The receivers of a source by read model and tenant, so that nobody pays for another's changes. */
export class Receivers {
  readonly #options: InterestIndexOptions<object>;
  readonly #byScope = new Map<string, InterestIndex<object, Receiver>>();

  constructor(options: InterestIndexOptions<object>) {
    this.#options = options;
  }

  /** @returns how to leave */
  join(name: string, tenantId: string, receiver: Receiver): () => void {
    const scope = scopeOf(name, tenantId);
    const index = this.#byScope.get(scope) ?? new InterestIndex<object, Receiver>(this.#options);
    this.#byScope.set(scope, index);
    const entry = index.join(receiver, receiver.interest);
    return () => {
      index.leave(entry);
      if (index.size === 0 && this.#byScope.get(scope) === index) this.#byScope.delete(scope);
    };
  }

  /** @returns how many the change may concern */
  deliver(delivery: Delivery<object>, isNew: boolean): number {
    const { scope, id, document } = delivery;
    const index = this.#byScope.get(scope);
    if (index === undefined) return 0;
    const concerned = index.concerned({ id, document, isNew });
    for (const receiver of concerned) receiver.accept(delivery);
    return concerned.length;
  }

  has(scope: string): boolean {
    return this.#byScope.has(scope);
  }

  /** Changes of this read model, or of any, may have been missed: what was read in documents before says nothing now. */
  forget(name?: string): void {
    for (const index of this.#of(name)) index.forget();
  }

  /** Tells everyone, or everyone who reads this read model, that changes were missed. */
  lost(cause: GapCause, name?: string): void {
    // First all of them: who is told so may leave, or join.
    const everyone = this.#of(name).flatMap((index) => index.everyone());
    for (const receiver of everyone) receiver.lost(cause);
  }

  /** Documents of which it is known who may have them. */
  get remembered(): number {
    let documents = 0;
    for (const index of this.#byScope.values()) documents += index.remembered;
    return documents;
  }

  /** Of all tenants. */
  #of(name: string | undefined): InterestIndex<object, Receiver>[] {
    if (name === undefined) return [...this.#byScope.values()];
    return [...this.#byScope].filter(([scope]) => scope.startsWith(`${name}/`)).map(([, index]) => index);
  }
}
