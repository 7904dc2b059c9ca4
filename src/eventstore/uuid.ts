import { UUID } from 'mongodb';

/** The stored form of an id, for callers that know ids as text only. @throws for what is no UUID */
export function uuid(text: string): UUID {
  return new UUID(text);
}
