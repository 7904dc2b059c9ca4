import type { Store } from '../eventstore/command/store.ts';
import type { StoredEvent } from '../eventstore/event.ts';
import type { Personal, Texts } from './personal.ts';

/** Every clear text that the log has of a subject, each once; none where its key is gone. */
export async function recordedOf(
  store: Pick<Store, 'events' | 'registry'>,
  personal: Personal,
  tenantId: string,
  subject: string,
): Promise<readonly string[]> {
  const texts = new Set<string>();
  for (const { type, personal: paths = [] } of store.registry.all)
    for (const path of paths) {
      const events = store.events.find({ tenantId, type, [`payload.${path}.subject`]: subject });
      for await (const event of events) {
        const person = personAt(event, path);
        if (person === undefined) continue;
        const place = { event: type, stream: event.aggregateId.toString(), path };
        const revealed = await personal.reveal(tenantId, place, { subject, texts: person });
        if (revealed.kind !== 'clear') return [];
        for (const text of Object.values(revealed.texts)) texts.add(text);
      }
    }
  return [...texts];
}

/** The sealed texts that an event has at a path. */
function personAt({ payload }: StoredEvent, path: string): Texts | undefined {
  const person = path.split('.').reduce<unknown>((at, step) => Object(at)[step], payload);
  if (typeof person !== 'object' || person === null) return undefined;
  const { subject: _, ...texts } = person as { readonly subject?: string } & Texts;
  return texts;
}
