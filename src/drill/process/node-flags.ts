/** How Node is told to run a gateway, as `npm start` does it. */
export const NODE_FLAGS: readonly string[] = ['--max-semi-space-size=128'];
