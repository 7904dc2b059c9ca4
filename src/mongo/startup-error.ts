/**
 * Something outside Waybill keeps it from starting (no MongoDB, a folder in use, …). The message is one sentence or
 * a short list meant for the person at the terminal: it is printed as it stands, without a stack.
 */
export class StartupError extends Error {
  override readonly name = 'StartupError';
}
