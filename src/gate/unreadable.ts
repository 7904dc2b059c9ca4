/** Where a committed contract is looked for, there is none, or something else. The message is a sentence for people. */
export class Unreadable extends Error {}
