/** What somebody works on, as it is told to a team. Without a library of schemas, because a thread reads it. */

/** No name of a person, no path. */
export type Focus = { readonly mission: string; readonly wp?: string | null }

/** A mission or a work package by its name: never a path, never a sentence. */
export const FOCUS_NAME = /^[A-Za-z0-9](?:[A-Za-z0-9._-]{0,126}[A-Za-z0-9])?$/
