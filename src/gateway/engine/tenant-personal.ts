import type { TenantPersonal } from '../../graphql/context.ts';
import type { Personal, PersonPlace, SealedPerson, Texts } from '../../personal/personal.ts';

/** Binds personal data to a tenant: nothing in it takes a tenant from its caller. */
export function bindPersonal(personal: Personal, tenantId: string): TenantPersonal {
  return new BoundPersonal(personal, tenantId);
}

/** A class, not closures: there is one for each operation and each subscriber, and few of them use it. */
class BoundPersonal implements TenantPersonal {
  readonly #personal: Personal;
  readonly #tenantId: string;

  constructor(personal: Personal, tenantId: string) {
    this.#personal = personal;
    this.#tenantId = tenantId;
  }

  seal(name: string, place: PersonPlace, texts: Texts) {
    return this.#personal.seal(this.#tenantId, name, place, texts);
  }

  reveal(place: PersonPlace, person: Pick<SealedPerson, 'subject' | 'texts'>) {
    return this.#personal.reveal(this.#tenantId, place, person);
  }

  find(field: string, text: string) {
    return this.#personal.find(this.#tenantId, field, text);
  }
}
