/** From a fast read to a request that has gone wrong, in seconds. */
export const REQUEST_SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
/** Members of a group, rows of a batch, items of a queue. */
export const SIZES = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024];
