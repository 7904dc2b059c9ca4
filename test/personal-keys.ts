import { localKeyService } from '../src/personal/key-service.ts';

/** What wraps the keys of personal data in tests. */
export const testKeyService = localKeyService([Buffer.alloc(32, 7)]);
